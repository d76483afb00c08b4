"""Events of a number during an assignment, as its organization may see them.

Each assignment has a history of its own, without any sign of earlier or later owners. It contains
only fields that the API shows anyway: no stock prices, carriers or operators' notes.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from config.actors import shown_to_customer
from config.api.envelope import timestamp
from config.errors import NotFound
from numbers.models import Assignment, NumberEvent

_ROUTING = frozenset({"inbound_url", "status_url", "label", "campaign_id"})
_SHOWN = _ROUTING | {"price", "quarantined_until", "number_type", "sms_enabled", "mms_enabled", "region"}


def own_events(assignment_id: UUID, organization_id: UUID) -> QuerySet[NumberEvent]:
    """Return the events of one assignment, open or ended, newest first.

    They include changes of the number itself during the assignment. Raise NotFound if the
    organization has no such assignment.
    """
    owned = Assignment.objects.filter(pk=assignment_id, organization_id=organization_id).first()
    if owned is None:
        raise NotFound()
    of_the_number = Q(kind=NumberEvent.Kind.CHANGED, after__has_any_keys=sorted(_SHOWN), at__gt=owned.created_at)
    if owned.ended_at is not None:
        of_the_number &= Q(at__lt=owned.ended_at)
    events = NumberEvent.objects.filter(Q(assignment_id=owned.pk) | of_the_number, number_id=owned.number_id)
    return events.order_by("-pk")


def event_json(event: NumberEvent) -> dict[str, Any]:
    return {
        "kind": event.kind,
        "actor": shown_to_customer(event.actor),
        "request_id": event.request_id,
        "order_id": event.order_id,
        "before": _shown(event.before),
        "after": _shown(event.after),
        "created_at": timestamp(event.at),
    }


def _shown(values: dict[str, Any]) -> dict[str, Any]:
    return {name: _as_answered(name, value) for name, value in values.items() if name in _SHOWN}


def _as_answered(name: str, value: Any) -> Any:
    """Return a value as other endpoints do: unset is null, money and times are strings."""
    if value is None or (name in _ROUTING and value == ""):
        return None
    if name == "price":
        return Decimal(str(value))
    return timestamp(datetime.fromisoformat(value)) if name == "quarantined_until" else value
