"""Tools for numbers that the organization owns: show, route, release, get back."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from typing_extensions import TypedDict

from apikeys.scopes import Scope
from config.api.declared import Reads, RequestBody, doc, expected
from config.api.field_kinds import Flag, Moment, Text, whole_number
from config.api.openapi.shapes import nullable
from config.api.pagination import (
    LIMIT_DEFAULT,
    LIMIT_LARGEST,
    STALE_CURSOR,
    page_of,
    shown_rows,
)
from config.errors import ValidationFailed
from numbers.api.own_numbers.bulk_release import REFERENCE_EXPECTED, read_number_reference
from numbers.api.own_numbers.number_campaign import AttachCampaignRequest
from numbers.api.own_numbers.number_detail import PhoneNumberUpdate, released_json
from numbers.api.own_numbers.numbers import NumberQuery
from numbers.field_kinds import E164
from numbers.mcp import confirmation
from numbers.mcp.backorder_tools import CursorField
from numbers.mcp.order_tools import ROUTING
from numbers.mcp.tool import Call, Tool
from numbers.models import Assignment
from numbers.orders.sandbox import refuse_forced_undo
from numbers.ownership.queries import (
    PhoneNumberJson,
    assignment_json,
    owned_id,
    owned_number,
    owned_numbers,
)
from numbers.ownership.release import release
from numbers.ownership.rerouting import NumberNotAssigned, change_routing
from numbers.ownership.undo_release import undo_release

RELEASE = "release"


def _read_number(value: object) -> UUID | str:
    if (found := read_number_reference(value)) is not None:
        return found
    raise expected(value, REFERENCE_EXPECTED)


class OneNumberRequest(RequestBody):
    number: Annotated[
        UUID | str,
        Reads(_read_number, {"type": "string"}),
        doc("One of your numbers in E.164, or its id."),
    ]

    def assignment_id(self, call: Call) -> UUID:
        """Return the id of the number's assignment to the caller's organization."""
        return owned_id(self.number, call.organization_id)


# --- show ----------------------------------------------------------------------------------------


class ListNumbersRequest(CursorField, NumberQuery):
    limit: Annotated[
        int,
        whole_number(1, LIMIT_LARGEST, required=False, default=LIMIT_DEFAULT),
        doc("How many to show."),
    ] = LIMIT_DEFAULT


class OwnNumbersJson(TypedDict):
    numbers: list[PhoneNumberJson]
    next_cursor: Text | None


def _list(call: Call, given: ListNumbersRequest) -> OwnNumbersJson:
    page = page_of(given, organization_id=call.organization_id, name="phone-numbers")
    if page is None:
        raise ValidationFailed(details={"cursor": STALE_CURSOR})
    rows = owned_numbers(call.organization_id, **given.filters).filter(pk__lt=page.below)
    shown, next_cursor = shown_rows(rows[: page.fetch], page)
    return {"numbers": [assignment_json(one) for one in shown], "next_cursor": next_cursor}


def _get(call: Call, given: OneNumberRequest) -> PhoneNumberJson:
    return assignment_json(owned_number(given.assignment_id(call), call.organization_id))


# --- route ---------------------------------------------------------------------------------------


class RouteNumberRequest(OneNumberRequest, PhoneNumberUpdate):
    @property
    def changes(self) -> dict[str, Any]:
        """Return the fields to change."""
        return {name: value for name, value in super().changes.items() if name != "number"}


class AttachRequest(OneNumberRequest, AttachCampaignRequest):
    pass


def _route(call: Call, given: RouteNumberRequest) -> PhoneNumberJson:
    return _changed(call, given, given.changes)


def _attach(call: Call, given: AttachRequest) -> PhoneNumberJson:
    return _changed(call, given, {"campaign_id": given.campaign_id})


def _changed(call: Call, given: OneNumberRequest, changes: dict[str, Any]) -> PhoneNumberJson:
    return assignment_json(
        change_routing(
            assignment_id=given.assignment_id(call),
            organization_id=call.organization_id,
            changes=changes,
            actor=call.caller.actor,
        )
    )


# --- release and get back ------------------------------------------------------------------------


class ReleaseNumberRequest(OneNumberRequest):
    confirm: Annotated[
        str | None,
        Reads(lambda value: value if value is None else str(value), nullable({"type": "string"})),
        doc("The confirm that the first call gave. Without it nothing is released."),
    ] = None


class ReleaseJson(TypedDict):
    released: Annotated[Flag, doc("Whether it is no longer yours.")]
    number: E164
    label: Text | None
    confirm: Text | None
    confirm_until: Moment | None
    quarantined_until: Moment | None


class UndoneJson(TypedDict):
    phone_number: PhoneNumberJson
    campaign_detached: Flag


def _release(call: Call, given: ReleaseNumberRequest) -> Mapping[str, Any]:
    assignment_id = given.assignment_id(call)
    if given.confirm is not None:
        _raise_if_released(assignment_id, call.organization_id)
    owned = owned_number(assignment_id, call.organization_id)
    # A token is for the number as it was shown: a change, or an undone release, ends it.
    bound = {"assignment_id": assignment_id, "as_of": owned.updated_at}
    if given.confirm is None:
        signed = confirmation.sign(RELEASE, purpose=RELEASE, caller=call.caller, request=bound)
        return {
            "released": False,
            "number": owned.number.number,
            "label": owned.label or None,
            **signed,
            "quarantined_until": None,
        }
    confirmation.read(
        given.confirm, purpose=RELEASE, caller=call.caller, request=bound, tool="release_number"
    ).require_fresh()
    released = released_json(
        release(
            assignment_id=assignment_id,
            organization_id=call.organization_id,
            actor=call.caller.actor,
        )
    )
    return {
        "released": True,
        "number": released["number"],
        "label": None,
        "confirm": None,
        "confirm_until": None,
        "quarantined_until": released["quarantined_until"],
    }


def _raise_if_released(assignment_id: UUID, organization_id: UUID) -> None:
    """Raise NumberNotAssigned for a number that was released before, as after a lost answer."""
    own = Assignment.objects.filter(pk=assignment_id, organization_id=organization_id)
    ended = own.values_list("ended_at", flat=True).first()
    if ended is not None:
        raise NumberNotAssigned()


def _undo(call: Call, given: OneNumberRequest) -> Mapping[str, Any]:
    refuse_forced_undo(given.number, is_sandbox=call.caller.is_sandbox)
    undone = undo_release(
        assignment_id=given.assignment_id(call),
        organization_id=call.organization_id,
        actor=call.caller.actor,
        within_days=settings.UNDO_RELEASE_DAYS,
    )
    return {
        "phone_number": assignment_json(undone.assignment),
        "campaign_detached": undone.campaign_detached,
    }


_SAID = frozenset({"number"})

NUMBER_TOOLS = (
    Tool(
        "list_numbers",
        "List the numbers that your organization owns, newest first.",
        Scope.NUMBERS_READ,
        ListNumbersRequest,
        OwnNumbersJson,
        _list,
        reads=True,
        read_only=True,
    ),
    Tool(
        "get_number",
        "Show one of your numbers and where its messages go.",
        Scope.NUMBERS_READ,
        OneNumberRequest,
        PhoneNumberJson,
        _get,
        reads=True,
        read_only=True,
    ),
    Tool(
        "route_number",
        "Change where messages of one of your numbers go, or its label. What is left out stays; "
        "an empty string clears.",
        Scope.NUMBERS_WRITE,
        RouteNumberRequest,
        PhoneNumberJson,
        _route,
        destructive=True,
        idempotent=True,
        hidden=frozenset({"campaign_id"}),
        said_before=_SAID | ROUTING,
    ),
    Tool(
        "attach_campaign",
        "Use one of your numbers for a campaign, instead of the one that it was for.",
        Scope.NUMBERS_WRITE,
        AttachRequest,
        PhoneNumberJson,
        _attach,
        destructive=True,
        idempotent=True,
        said_before=_SAID,
    ),
    Tool(
        "release_number",
        "Give a number back. First call without confirm: nothing is released, and the answer shows "
        "the number with a confirm token. Call again with it to release. Not refunded; "
        "undo_release takes it back for some days.",
        Scope.NUMBERS_WRITE,
        ReleaseNumberRequest,
        ReleaseJson,
        _release,
        destructive=True,
        said_before=_SAID,
    ),
    Tool(
        "undo_release",
        "Get a number back that was released by mistake, with its id and routing. Nothing is "
        "charged, unless it was released for months that were not paid: these are.",
        Scope.NUMBERS_WRITE,
        OneNumberRequest,
        UndoneJson,
        _undo,
        idempotent=True,
        said_before=_SAID,
    ),
)
