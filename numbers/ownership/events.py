"""What happened to a number while it was an organization's, as that organization may see it.

Each ownership has a history of its own: nothing of an owner before or after is in it, not even that
there was one. Of the desk's own records, prices of the stock, carriers and operators' remarks among
them, it tells only the fields that the API shows anyway.
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
    """The events of one ownership, newest first; also when it has ended, since its end is one of them.

    What was changed of the number itself, by an operator or an import, counts where it fell into the
    ownership. Raises NotFound where the organization never had it.
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
    """As the other endpoints write it: unset is null, money and times are strings."""
    if value is None or (name in _ROUTING and value == ""):
        return None
    if name == "price":
        return Decimal(str(value))
    return timestamp(datetime.fromisoformat(value)) if name == "quarantined_until" else value
