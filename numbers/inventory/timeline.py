"""A number's timeline, and who owned it at a given time.

Law enforcement and abuse teams ask for the latter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from campaigns.history import differences
from campaigns.models import Campaign, Organization
from config.moments import last_moment_of
from numbers.models import Assignment, NumberEvent, PhoneNumber

SHOWN = 200

SENTENCES = {
    NumberEvent.Kind.ASSIGNED: "Assigned",
    NumberEvent.Kind.RELEASED: "Released",
    NumberEvent.Kind.RELEASE_UNDONE: "Release undone",
    NumberEvent.Kind.ROUTED: "Routing changed",
    NumberEvent.Kind.LOCKED: "Locked against release",
    NumberEvent.Kind.UNLOCKED: "Unlocked",
    NumberEvent.Kind.HELD: "Held",
    NumberEvent.Kind.HOLD_RELEASED: "Hold ended",
    NumberEvent.Kind.HOLD_MOVED: "End of the hold moved",
    NumberEvent.Kind.QUARANTINE_ENDED: "Quarantine ended early",
    NumberEvent.Kind.RETIRED: "Retired",
    NumberEvent.Kind.RESTORED: "Returned to stock",
    NumberEvent.Kind.PRICED: "Price changed",
    NumberEvent.Kind.CHANGED: "Changed",
    NumberEvent.Kind.PAST_DUE: "Rent past due",
    NumberEvent.Kind.SUSPENDED: "Suspended: its rent was not paid",
    NumberEvent.Kind.RESUMED: "Resumed: its rent was paid",
    NumberEvent.Kind.RENT_CHANGED: "Rent changed",
}


@dataclass(frozen=True, slots=True)
class TimelineEntry:
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
class Owner:
    """An owner of a number in a time span, and the number's campaigns in it, in order.

    It had the number from ``since`` to ``until``: a release that was undone ends a period.
    """

    assignment: Assignment
    campaigns: list[Campaign]
    since: datetime
    until: datetime | None


def owners_between(number_id: int, begin: datetime, end: datetime) -> list[Owner]:
    """Return the owners of the number between the two times, both included, oldest first.

    The campaigns are those of that time, not the current ones. Between a release and its undo the
    number had no owner.
    """
    assignments = (
        Assignment.objects.filter(number_id=number_id, created_at__lte=end)
        .exclude(ended_at__lte=begin)
        .select_related("organization", "order", "number")
        .order_by("created_at")
    )
    owners = []
    for assignment in assignments:
        overlapping = [
            (since, until)
            for since, until in _periods(assignment)
            if since <= end and (until is None or until > begin)
        ]
        if overlapping:
            campaigns = _campaigns_between(assignment, begin, end)
            owners.append(Owner(assignment, campaigns, *overlapping[-1]))
    return owners


def owners_at(number_id: int, at: datetime) -> list[Owner]:
    """Return the owner of the number at a time, or none. A whole second can have had several."""
    return owners_between(number_id, at, last_moment_of(at))


def current_owner(number_id: int) -> Owner | None:
    """Return who has the number now."""
    open_one = (
        Assignment.objects.select_related("organization")
        .filter(number_id=number_id, ended_at__isnull=True)
        .first()
    )
    return Owner(open_one, [], *_periods(open_one)[-1]) if open_one else None


def _periods(assignment: Assignment) -> list[tuple[datetime, datetime | None]]:
    """Return from when until when the number was owned: each undone release begins another."""
    kinds = (NumberEvent.Kind.RELEASED, NumberEvent.Kind.RELEASE_UNDONE)
    events = NumberEvent.objects.filter(
        number_id=assignment.number_id, assignment_id=assignment.pk, kind__in=kinds
    ).order_by("id")
    periods: list[tuple[datetime, datetime | None]] = []
    since = assignment.created_at
    for kind, at in events.values_list("kind", "at"):
        if kind == NumberEvent.Kind.RELEASED:
            periods.append((since, at))
        since = at
    if assignment.ended_at is None or not periods:
        periods.append((since, assignment.ended_at))
    return periods


def _campaigns_between(assignment: Assignment, begin: datetime, end: datetime) -> list[Campaign]:
    """Return the campaign at `begin`, and each one that a change of routing set until `end`."""
    events = NumberEvent.objects.filter(
        number_id=assignment.number_id,
        assignment_id=assignment.pk,
        at__lte=end,
        after__has_key="campaign_id",
    ).exclude(kind=NumberEvent.Kind.RELEASED)
    ids: list[UUID | None] = []
    for at, after in events.order_by("id").values_list("at", "after"):
        campaign_id = after["campaign_id"]
        if at <= begin:
            ids.clear()  # replaced before the span began
        ids.append(UUID(campaign_id) if campaign_id else None)
    found = Campaign.objects.select_related("brand").in_bulk({one for one in ids if one})
    return [found[one] for one in dict.fromkeys(ids) if one in found]


def timeline_of(number: PhoneNumber, *, limit: int = SHOWN) -> list[TimelineEntry]:
    """Return the events of the number, newest first; the last one is its arrival in stock."""
    events = list(NumberEvent.objects.filter(number_id=number.pk).order_by("-id")[:limit])
    organizations = _organizations(events)
    moments = [_moment(event, organizations) for event in events]
    if len(events) < limit:
        batch = number.batch
        sentence = f"Added to stock ({batch.get_source_display().lower()})"
        moments.append(
            TimelineEntry(
                number.created_at,
                "stocked",
                sentence,
                batch.actor,
                batch.request_id,
                reason=batch.note,
            )
        )
    return moments


def _organizations(events: Sequence[NumberEvent]) -> dict[UUID, Organization]:
    return Organization.objects.in_bulk(
        {event.organization_id for event in events if event.organization_id}
    )


def _moment(event: NumberEvent, organizations: dict[UUID, Organization]) -> TimelineEntry:
    return TimelineEntry(
        event.at,
        event.kind,
        SENTENCES[NumberEvent.Kind(event.kind)],
        event.actor,
        event.request_id,
        organizations.get(event.organization_id) if event.organization_id else None,
        event.order_id,
        differences(event.before, event.after),
        event.reason,
    )
