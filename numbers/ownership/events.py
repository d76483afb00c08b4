"""Events of a number during an assignment, as its organization may see them.

Each assignment has a history of its own, without any sign of earlier or later owners. It contains
only fields that the API shows anyway: no stock prices, carriers or operators' notes.
"""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, cast
from uuid import UUID

from django.db.models import Q, QuerySet
from typing_extensions import TypedDict

from config.actors import shown_to_customer
from config.api.declared import doc, example
from config.api.envelope import timestamp
from config.api.field_kinds import Flag, Moment, Money, OneOf, Text, Uuid
from config.errors import NotFound
from numbers.field_kinds import CAMPAIGN_ID, ORDER_ID, ActorName, NumberType, RequestId
from numbers.models import Assignment, NumberEvent
from numbers.models.events import NumberEventKind


class NumberEventValuesJson(TypedDict, total=False):
    """What was so; fields that the event is not about are absent."""

    inbound_url: Annotated[Text | None, doc("Where messages to it were posted.")]
    status_url: Annotated[Text | None, doc("Where the delivery of messages from it was reported.")]
    label: Annotated[Text | None, doc("Your own name for it.")]
    campaign_id: Annotated[Uuid | None, doc("The campaign that it was for.")]
    price: Annotated[Money | None, doc("What it cost you.")]
    monthly_price: Annotated[Money | None, doc("What a month of it cost you then.")]
    quarantined_until: Annotated[
        Moment | None, doc("Until when it is in quarantine after its release.")
    ]
    number_type: NumberType
    sms_enabled: Annotated[Flag, doc("Whether it could send and receive SMS.")]
    mms_enabled: Annotated[Flag, doc("Whether it could send and receive MMS.")]
    region: Annotated[Text, doc("Where it belongs.")]
    locked: Annotated[Flag, doc("Whether it could not be released.")]
    billing_state: Annotated[Text, doc("The state of its rent, as its billing shows it.")]
    release_at_period_end: Annotated[
        Flag, doc("Whether it was to be released when its period ended.")
    ]
    rent: Annotated[Money, doc("What each month cost you.")]
    rent_from: Annotated[Moment, doc("Months that begin then or later cost that.")]


class NumberEventJson(TypedDict):
    """Something that happened to a number while it was yours."""

    kind: Annotated[str, OneOf(NumberEventKind.values), doc("What happened.", example="assigned")]
    actor: ActorName
    request_id: RequestId
    order_id: Annotated[
        Uuid | None, doc("The order that it belongs to, where there is one.", example=ORDER_ID)
    ]
    before: Annotated[NumberEventValuesJson, example({})]
    after: Annotated[NumberEventValuesJson, example({"price": "1.00", "campaign_id": CAMPAIGN_ID})]
    created_at: Annotated[Moment, doc("When.")]


_STORED_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00", re.ASCII)
_CENT = Decimal("0.01")
_ROUTING = frozenset({"inbound_url", "status_url", "label", "campaign_id"})
_SHOWN = frozenset(NumberEventValuesJson.__annotations__)


def own_events(assignment_id: UUID, organization_id: UUID) -> QuerySet[NumberEvent]:
    """Return the events of one assignment, open or ended, newest first.

    They include changes of the number itself during the assignment. Raise NotFound if the
    organization has no such assignment.
    """
    owned = Assignment.objects.filter(pk=assignment_id, organization_id=organization_id).first()
    if owned is None:
        raise NotFound()
    of_the_number = Q(
        kind=NumberEvent.Kind.CHANGED, after__has_any_keys=sorted(_SHOWN), at__gt=owned.created_at
    )
    if owned.ended_at is not None:
        of_the_number &= Q(at__lt=owned.ended_at)
    events = NumberEvent.objects.filter(
        Q(assignment_id=owned.pk) | of_the_number, number_id=owned.number_id
    )
    return events.order_by("-pk")


def event_json(event: NumberEvent) -> NumberEventJson:
    return {
        "kind": event.kind,
        "actor": shown_to_customer(event.actor),
        "request_id": event.request_id,
        "order_id": event.order_id,
        "before": shown_values(event.before),
        "after": shown_values(event.after),
        "created_at": timestamp(event.at),
    }


def shown_values(values: dict[str, Any]) -> NumberEventValuesJson:
    """Return those of an event's values that its organization may see."""
    shown = {name: _as_answered(name, value) for name, value in values.items() if name in _SHOWN}
    return cast("NumberEventValuesJson", shown)


def answered_values(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values that a history row keeps, written as in every other response."""
    return {name: _as_answered(name, value) for name, value in values.items()}


def _as_answered(name: str, value: Any) -> Any:
    """Return a value as other endpoints do: unset is null, money and times are strings."""
    if value is None or (name in _ROUTING and value == ""):
        return None
    if name in ("price", "monthly_price", "rent"):
        return Decimal(str(value)).quantize(_CENT)  # JSON keeps no trailing zeros
    if name not in _ROUTING and isinstance(value, str) and _STORED_TIME.fullmatch(value):
        return timestamp(datetime.fromisoformat(value))
    return value
