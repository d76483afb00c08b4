"""``/v1/audit-log`` and ``/v1/platform/audit-log``: who did what, by the page and as an export."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from typing_extensions import TypedDict

from apikeys.authentication import CallerRequest, PlatformRequest
from apikeys.scopes import Scope
from config import json_text
from config.actors import shown_to_customer
from config.api.declared import RequestQuery, doc, read_query
from config.api.envelope import success, timestamp
from config.api.field_kinds import Count, GivenMoment, Moment, Text, Uuid
from config.api.lines import respond_with_lines
from config.api.openapi.declare import ReturnsLines, endpoint, list_endpoint
from config.api.pagination import STALE_CURSOR, PageQuery
from config.api.parse_values import TIME_EXPECTED
from config.api.views import ApiView, PlatformView
from config.errors import ValidationFailed
from config.sealing import cipher_for
from numbers.api.platform.organizations import TAG as PLATFORM_TAG
from numbers.field_kinds import CAMPAIGN_ID, ActorName, RequestId
from numbers.ownership.events import answered_values, shown_values
from numbers.reports.audit_log import Act, Position, all_acts, read_acts

TAG = "Audit log"
ACT_ID = "0192f0aa-0000-8000-8000-0000000000ac"
Values = dict[str, Any]


class AuditResourceJson(TypedDict):
    """What was changed."""

    type: Annotated[Text, doc("What kind of thing it is.", example="campaign")]
    id: Annotated[
        Text,
        doc(
            "Its id; of a phone number its E.164 form, of a ledger entry its number.",
            example=CAMPAIGN_ID,
        ),
    ]


class _ActFields(TypedDict):
    id: Annotated[Uuid, doc("Its id, which stays the same.", example=ACT_ID)]
    occurred_at: Annotated[Moment, doc("When.")]
    action: Annotated[Text, doc("What was done.", example="campaign.approved")]
    resource: AuditResourceJson
    request_id: RequestId
    before: Annotated[Values, doc("What was so.", example={"status": "PENDING"})]
    after: Annotated[Values, doc("What is so since.", example={"status": "ACTIVE"})]


class ActJson(_ActFields):
    """One act in your organization."""

    actor: ActorName
    reason: Annotated[
        Text | None,
        doc(
            "Why. Of acts of operators and of the desk, only the note of a ledger entry is shown.",
            example=None,
        ),
    ]


class PlatformActJson(_ActFields):
    """One act on the desk."""

    organization_id: Annotated[
        Uuid | None, doc("The organization that it concerned; null for none.", example=None)
    ]
    actor: Annotated[Text, doc("Who did it: kind and name.", example="operator:alice")]
    reason: Annotated[Text | None, doc("Why.", example=None)]


class AuditLogView(ApiView):
    scopes = {"GET": Scope.AUDIT_READ}

    @list_endpoint("listActs", ActJson, tag=TAG)
    def get(self, request: CallerRequest) -> HttpResponse:
        """Read the audit log.

        Everything that was done in your organization, by your keys, by operators or by the desk
        itself: one item for each act. An order is one act, however many numbers it has.
        """
        return _page(request, request.user.organization_id, act_json)


class PlatformAuditLogView(PlatformView):
    scopes = {"GET": Scope.PLATFORM_ORGANIZATIONS}

    @list_endpoint("listPlatformActs", PlatformActJson, tag=PLATFORM_TAG)
    def get(self, request: PlatformRequest) -> HttpResponse:
        """Read the audit log of the desk.

        Everything that was done on the desk, in every organization and in the stock: one item for
        each act.
        """
        return _page(request, None, platform_act_json)


class AuditExportQuery(RequestQuery):
    since: Annotated[
        datetime | None, GivenMoment, doc("Only acts from this time on.", example=None)
    ] = None
    until: Annotated[
        datetime | None, GivenMoment, doc("Only acts up to this time.", example=None)
    ] = None


class AuditExportEndJson(TypedDict):
    """The last line of an export."""

    acts: Annotated[int, Count(minimum=0), doc("How many lines stand before it.", example=2)]


class AuditExportView(ApiView):
    scopes = {"GET": Scope.AUDIT_READ}

    @endpoint(
        "exportActs",
        tag=TAG,
        query=AuditExportQuery,
        returns=ReturnsLines(
            "AuditExportLine", [ActJson, AuditExportEndJson], "The acts, then their number."
        ),
        invalid={"since": TIME_EXPECTED},
    )
    def get(self, request: CallerRequest) -> HttpResponseBase:
        """Export the audit log.

        Everything that was done in your organization, newest first, as lines of JSON. The last
        line is `{"acts": …}`. Without it the export broke off: start again.
        """
        return _export(request, request.user.organization_id, act_json)


class PlatformAuditExportView(PlatformView):
    scopes = {"GET": Scope.PLATFORM_ORGANIZATIONS}

    @endpoint(
        "exportPlatformActs",
        tag=PLATFORM_TAG,
        query=AuditExportQuery,
        returns=ReturnsLines(
            "PlatformAuditExportLine",
            [PlatformActJson, AuditExportEndJson],
            "The acts, then their number.",
        ),
        invalid={"since": TIME_EXPECTED},
    )
    def get(self, request: PlatformRequest) -> HttpResponseBase:
        """Export the audit log of the desk.

        Everything that was done on the desk, newest first, as lines of JSON. The last line is
        `{"acts": …}`. Without it the export broke off: start again.
        """
        return _export(request, None, platform_act_json)


def _export(request: Any, organization_id: UUID | None, show: Any) -> HttpResponseBase:
    query = read_query(request, AuditExportQuery)
    acts = all_acts(organization_id=organization_id, since=query.since, until=query.until)
    return respond_with_lines(request, _lines(acts, show))


def _lines(chunks: Iterator[list[Act]], show: Any) -> Iterator[bytes]:
    count = 0
    for acts in chunks:
        count += len(acts)
        yield b"".join(json_text.dump(show(act)) + b"\n" for act in acts)
    yield json_text.dump({"acts": count}) + b"\n"


def _page(request: Any, organization_id: UUID | None, show: Any) -> HttpResponse:
    query = read_query(request, PageQuery)
    after: Position = {} if query.cursor is None else _position(query.cursor, organization_id)
    acts, position = read_acts(organization_id=organization_id, after=after, limit=query.limit)
    cursor = None if position is None else _cursor(position, organization_id)
    return success([show(act) for act in acts], meta={"next_cursor": cursor})


def _cipher(organization_id: UUID | None) -> Any:
    """Return what seals cursors: they would say how many rows other organizations have."""
    return cipher_for(settings.SECRET_KEY, f"numberdesk: audit cursor {organization_id}".encode())


def _cursor(position: Position, organization_id: UUID | None) -> str:
    sealed: bytes = _cipher(organization_id).encrypt(json_text.dump(position))
    return sealed.decode().rstrip("=")


def _position(cursor: str, organization_id: UUID | None) -> Position:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        position: Position = json_text.load(_cipher(organization_id).decrypt(padded.encode()))
    except (InvalidToken, ValueError):
        raise ValidationFailed(details={"cursor": STALE_CURSOR}) from None
    return position


def _fields(act: Act, shown: Any) -> _ActFields:
    return {
        "id": act.id,
        "occurred_at": timestamp(act.at),
        "action": act.action,
        "resource": {"type": act.resource_type, "id": act.resource_id},
        "request_id": act.request_id,
        "before": shown(act.before),
        "after": shown(act.after),
    }


def act_json(act: Act) -> ActJson:
    """Return an act as its organization may see it: no operators' names, notes or stock prices."""
    actor = shown_to_customer(act.actor)
    is_own = actor not in ("operator", "system")
    is_shown = is_own or act.source == "ledger"  # the ledger's notes are for the customer
    fields = _fields(act, shown_values if act.source == "number" else answered_values)
    return {**fields, "actor": actor, "reason": (act.reason or None) if is_shown else None}


def platform_act_json(act: Act) -> PlatformActJson:
    return {
        **_fields(act, answered_values),
        "organization_id": act.organization_id,
        "actor": act.actor,
        "reason": act.reason or None,
    }
