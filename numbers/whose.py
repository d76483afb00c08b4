"""A number's life, and the question that law enforcement and abuse desks ask: who had it at that time?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from campaigns.models import Campaign, Organization
from numbers.models import Assignment, NumberEvent, PhoneNumber

SHOWN = 200

SENTENCES = {
    NumberEvent.Kind.ASSIGNED: "Assigned",
    NumberEvent.Kind.RELEASED: "Released",
    NumberEvent.Kind.ROUTED: "Routed anew",
    NumberEvent.Kind.HELD: "Held",
    NumberEvent.Kind.HOLD_RELEASED: "Hold ended",
    NumberEvent.Kind.QUARANTINE_ENDED: "Quarantine ended before its time",
    NumberEvent.Kind.RETIRED: "Retired",
    NumberEvent.Kind.RESTORED: "Restored",
    NumberEvent.Kind.PRICED: "Price moved",
    NumberEvent.Kind.CHANGED: "Changed",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened to a number."""

    at: datetime
    kind: str
    sentence: str
    actor: str
    request_id: str
    organization: Organization | None = None
    order_id: UUID | None = None
    facts: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who had a number at a time, and under which campaign then."""

    assignment: Assignment
    campaign: Campaign | None


def holder_at(number_id: int, at: datetime) -> Holder | None:
    """None where nobody had it. The campaign is that of then, whatever the number is routed to now."""
    assignment = (
        Assignment.objects.filter(number_id=number_id, created_at__lte=at)
        .exclude(ended_at__lte=at)
        .select_related("organization", "order", "number")
        .order_by("-created_at")
        .first()
    )
    if assignment is None:
        return None
    return Holder(assignment, _campaign_at(assignment, at))


def _campaign_at(assignment: Assignment, at: datetime) -> Campaign | None:
    """Campaigns come with the assignment and with each routing of it: the last one that was said counts."""
    told = NumberEvent.objects.filter(
        number_id=assignment.number_id, assignment_id=assignment.pk, at__lte=at, after__has_key="campaign_id"
    ).exclude(kind=NumberEvent.Kind.RELEASED)
    last = told.order_by("-id").first()
    campaign_id = last.after["campaign_id"] if last else None
    return Campaign.objects.select_related("brand").filter(pk=campaign_id).first() if campaign_id else None


def life_of(number: PhoneNumber, *, limit: int = SHOWN) -> list[Moment]:
    """What happened to it, newest first; how it came into stock is the last of them."""
    events = list(NumberEvent.objects.filter(number_id=number.pk).order_by("-id")[:limit])
    organizations = _organizations(events)
    moments = [_moment(event, organizations) for event in events]
    if len(events) < limit:
        batch = number.batch
        sentence = f"Came into stock ({batch.get_source_display().lower()})"
        moments.append(Moment(number.created_at, "stocked", sentence, batch.actor, batch.request_id, reason=batch.note))
    return moments


def _organizations(events: Sequence[NumberEvent]) -> dict[UUID, Organization]:
    return Organization.objects.in_bulk({event.organization_id for event in events if event.organization_id})


def _moment(event: NumberEvent, organizations: dict[UUID, Organization]) -> Moment:
    names = dict.fromkeys((*event.before, *event.after))
    facts = {name: (event.before.get(name), event.after.get(name)) for name in names}
    return Moment(
        event.at,
        event.kind,
        SENTENCES[NumberEvent.Kind(event.kind)],
        event.actor,
        event.request_id,
        organizations.get(event.organization_id) if event.organization_id else None,
        event.order_id,
        {name: sides for name, sides in facts.items() if sides[0] != sides[1] and any(sides)},
        event.reason,
    )
