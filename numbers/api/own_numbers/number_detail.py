"""``/v1/phone-numbers/{id}``: one own number. Read, route, release."""

from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from typing_extensions import TypedDict

from apikeys.authentication import CallerRequest
from apikeys.permissions import require_scope
from apikeys.scopes import Scope
from config.api.declared import (
    Problem,
    Reads,
    RequestBody,
    RequestQuery,
    doc,
    parse_body,
    read_query,
)
from config.api.envelope import success, timestamp
from config.api.field_kinds import FlagParameter, Moment, Uuid, read_uuid
from config.api.openapi.declare import Returns, endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.operations import Example, Parameter
from config.api.openapi.shapes import text
from config.api.views import ApiView, from_replica, refuse_unknown_parameters
from config.errors import Forbidden, InvalidInput
from config.http.preconditions import read_if_match
from numbers.api.errors import (
    CAMPAIGN_ERRORS,
    CHANGED_SINCE,
    LOCKED,
    NOT_YOURS,
    NOT_YOURS_OR_CAMPAIGN,
    RELEASED_BEFORE,
)
from numbers.api.types import (
    CAMPAIGN,
    NUMBER_PATH,
    PHONE_NUMBERS,
    GivenLabel,
    given_campaign,
    read_url,
)
from numbers.field_kinds import E164, NUMBER_ID
from numbers.models import Assignment
from numbers.ownership.queries import (
    PhoneNumberJson,
    assignment_json,
    etag,
    owned_id,
    owned_number,
)
from numbers.ownership.release import Released, release
from numbers.ownership.rerouting import change_routing
from numbers.ownership.webhook_urls import MAX_LENGTH

IF_MATCH = Parameter(
    "If-Match",
    text(
        "The `ETag` of the number as you have read it; or several, or `*` for any. Nothing is "
        "done where the number has changed since.",
        maxLength=4000,
        examples=['"5f1c7a0e9b3d4c2a8e6f0b1d2c3a4e5f"'],
    ),
    place="header",
)


def _read_new_url(value: object) -> str | None:
    return "" if value == "" else read_url(value)


def _read_new_campaign(value: object) -> UUID | None:
    if value == "":
        raise Problem("can't be cleared here: DELETE /v1/phone-numbers/{id}/campaign detaches")
    return read_uuid(value)


# An empty string clears. It is no URI, so the schema has no format.
NewUrl = Annotated[
    str | None,
    Reads(
        _read_new_url,
        {
            "type": ["string", "null"],
            "pattern": "^($|[Hh][Tt][Tt][Pp][Ss]://)",
            "maxLength": MAX_LENGTH,
        },
    ),
]


class PhoneNumberUpdate(RequestBody):
    inbound_url: Annotated[
        NewUrl,
        doc(
            "Where messages to it are posted: https, a public host, no credentials. Empty: nowhere."
        ),
    ] = None
    status_url: Annotated[
        NewUrl, doc("Where the delivery of messages from it is reported; rules as above.")
    ] = None
    label: GivenLabel = None
    campaign_id: Annotated[UUID | None, given_campaign(_read_new_campaign), doc(CAMPAIGN)] = None

    @property
    def changes(self) -> dict[str, Any]:
        """Return the fields to change: those that are neither absent nor null."""
        return {name: value for name, value in self if value is not None}


class ReleaseQuery(RequestQuery):
    return_to_carrier: Annotated[
        FlagParameter, doc("`true`: it goes back to its carrier, not to the inventory.")
    ] = False


class ReleasedNumberJson(TypedDict):
    """A number that is no longer yours."""

    id: Annotated[Uuid, doc("The id that it had as yours.", example=NUMBER_ID)]
    number: Annotated[E164, doc("In E.164.")]
    status: Literal["released"]
    released_at: Annotated[Moment, doc("Since when it is no longer yours.")]
    quarantined_until: Annotated[
        Moment | None,
        doc(
            "Until then it can't be ordered; null where it was returned to its carrier.",
            example="2026-06-10T12:00:00Z",
        ),
    ]


class NumberDetailView(ApiView):
    """One own number: read, route, release."""

    scopes = {
        "GET": Scope.NUMBERS_READ,
        "PATCH": Scope.NUMBERS_WRITE,
        "DELETE": Scope.NUMBERS_WRITE,
    }

    @endpoint(
        "getNumber",
        tag=PHONE_NUMBERS,
        path=NUMBER_PATH,
        returns=Returns(PhoneNumberJson, "The phone number.", headers=["ETag"]),
        errors=[NOT_YOURS],
    )
    @from_replica
    def get(self, request: CallerRequest, number_id: UUID | str) -> HttpResponse:
        """Get a phone number.

        One of your numbers, and where its messages go.
        """
        refuse_unknown_parameters(request)
        organization_id = request.user.organization_id
        return _with_etag(owned_number(owned_id(number_id, organization_id), organization_id))

    @endpoint(
        "updateNumber",
        tag=PHONE_NUMBERS,
        path=NUMBER_PATH,
        headers=[IF_MATCH],
        body=PhoneNumberUpdate,
        body_examples=[
            Example({"inbound_url": "https://customer.example/inbound", "label": "support-line"})
        ],
        returns=Returns(PhoneNumberJson, "The phone number as it is now.", headers=["ETag"]),
        errors=[
            CHANGED_SINCE,
            ErrorResponse(
                InvalidInput,
                "A field can't be updated. Nothing was changed.",
                details={
                    "number": "can't be updated; these can: campaign_id, inbound_url, label, status_url"
                },
            ),
            NOT_YOURS_OR_CAMPAIGN,
            *CAMPAIGN_ERRORS[1:],
            RELEASED_BEFORE,
        ],
        invalid={"inbound_url": "must start with https://"},
    )
    def patch(self, request: CallerRequest, number_id: UUID | str) -> HttpResponse:
        """Change where a number's messages go.

        Change the routing of one of your numbers. A field that is absent or null stays as it is; an
        empty string clears it, except `campaign_id`, which is detached by its own endpoint. The
        rules for URLs, label and campaign are those of an order. Any other field is refused with
        400, and nothing is changed.

        With the `ETag` of an earlier answer as `If-Match`, a number that has been changed since is
        left alone: 412.
        """
        refuse_unknown_parameters(request)
        return _with_etag(change_number(request, number_id, read_changes(request)))

    @endpoint(
        "releaseNumber",
        tag=PHONE_NUMBERS,
        path=NUMBER_PATH,
        query=ReleaseQuery,
        headers=[IF_MATCH],
        returns=Returns(ReleasedNumberJson, "It is no longer yours."),
        errors=[
            CHANGED_SINCE,
            NOT_YOURS,
            LOCKED,
            ErrorResponse(
                Forbidden,
                "The key lacks the scope `numbers:write` or, with `return_to_carrier=true`, "
                "`platform:inventory:write`.",
            ),
        ],
        invalid={"return_to_carrier": "must be true or false"},
    )
    def delete(self, request: CallerRequest, number_id: UUID | str) -> HttpResponse:
        """Release a phone number.

        Give a number back. It leaves your organization, and its routing is cleared, before the
        answer comes. It then stays in quarantine before others can order it, so that no one else
        receives your calls. What it cost is not refunded.

        With `return_to_carrier=true` it leaves the inventory for good; that needs the
        `platform:inventory:write` scope too.
        """
        to_carrier = read_query(request, ReleaseQuery).return_to_carrier
        caller = request.user
        if to_carrier:
            require_scope(caller, Scope.PLATFORM_INVENTORY_WRITE)
        released = release(
            assignment_id=owned_id(number_id, caller.organization_id),
            organization_id=caller.organization_id,
            actor=caller.actor,
            return_to_carrier=to_carrier,
            expected=read_if_match(request.META.get("HTTP_IF_MATCH")),
        )
        return success(released_json(released))


def released_json(released: Released) -> ReleasedNumberJson:
    """Return a number that was released as its last owner sees it."""
    return {
        "id": released.assignment_id,
        "number": released.number,
        "status": "released",
        "released_at": timestamp(released.released_at),
        "quarantined_until": timestamp(released.quarantined_until),
    }


def read_changes(request: Request) -> dict[str, Any]:
    """Return what a PATCH changes: absent and null leave as is, an empty string clears.

    Raise InvalidInput naming fields that can't be updated, then ValidationFailed.
    """
    return parse_body(request, PhoneNumberUpdate, unknown_field=InvalidInput).changes


def change_number(
    request: CallerRequest, number_id: UUID | str, changes: dict[str, Any]
) -> Assignment:
    """Change the routing of one of the caller's numbers, if it is as ``If-Match`` says."""
    caller = request.user
    return change_routing(
        assignment_id=owned_id(number_id, caller.organization_id),
        organization_id=caller.organization_id,
        changes=changes,
        actor=caller.actor,
        expected=read_if_match(request.META.get("HTTP_IF_MATCH")),
    )


def _with_etag(assignment: Assignment) -> HttpResponse:
    response = success(assignment_json(assignment))
    response["ETag"] = etag(assignment)
    return response
