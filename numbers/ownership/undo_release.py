"""Undo a release: the assignment opens again as it was, while its number is in quarantine."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from campaigns.eligibility import BrandNotVerified, CampaignNotActive
from campaigns.event_types import EventType
from config.actors import Actor
from config.db.transactions import run_joining, run_transaction
from config.errors import Conflict, NotFound
from numbers.events.phone_numbers import write_number_events
from numbers.locks import (
    LockedNumber,
    lock_account,
    lock_assignments,
    lock_numbers_by_id,
    lock_usable_campaign,
)
from numbers.models import Assignment, NumberEvent, PhoneNumber
from numbers.orders.purchase import InsufficientCredit, shortfall_of
from numbers.ownership.queries import owned_number
from numbers.ownership.routing import Routing
from numbers.rent.price import OWED
from numbers.rent.renew import pay_months


class UndoExpired(Conflict):
    code = "UNDO_EXPIRED"
    message = "the release can't be undone any more: its time has passed"


class NumberNotAvailable(Conflict):
    code = "NUMBER_NOT_AVAILABLE"
    message = "the number is not available: it was retired or taken back by the operator"


class MonthsNotCovered(InsufficientCredit):
    message = "insufficient credit: the months that are due have to be paid first"


# The trigger numberdesk_keep_assignment locks the number and refuses this where another owner came
# after this one, or the number is not in quarantine.
REOPEN = """
    UPDATE numbers_assignment
    SET ended_at = NULL, updated_at = %(at)s, inbound_url = %(inbound_url)s, status_url = %(status_url)s,
        label = %(label)s, campaign_id = %(campaign_id)s
    WHERE id = %(id)s
"""
TAKE_BACK = """
    WITH taken AS (
        UPDATE numbers_phonenumber SET status = 'assigned', quarantined_until = NULL, updated_at = %(at)s
        WHERE id = %(number_id)s RETURNING id
    ), ended AS (  -- what GO_ON changes
        SELECT release_at_period_end AND next_charge_at <= %(at)s AS at_period_end
        FROM numbers_rent WHERE assignment_id = %(id)s
    )
    INSERT INTO numbers_numberevent (at, number_id, kind, organization_id, assignment_id, actor, request_id, before,
                                     after, reason)
    SELECT %(at)s, id, 'release_undone', %(organization_id)s, %(id)s, %(actor)s, %(request_id)s,
           jsonb_build_object('status', 'quarantined', 'quarantined_until', %(until)s::timestamptz,
                              'inbound_url', '', 'status_url', '', 'label', '', 'campaign_id', NULL)
           || CASE WHEN at_period_end THEN '{"release_at_period_end": true}' ELSE '{}' END::jsonb,
           jsonb_build_object('status', 'assigned', 'quarantined_until', NULL, 'inbound_url', %(inbound_url)s::text,
                              'status_url', %(status_url)s::text, 'label', %(label)s::text,
                              'campaign_id', %(campaign_id)s::uuid)
           || CASE WHEN %(detached)s::uuid IS NULL THEN '{}'
                   ELSE jsonb_build_object('campaign_detached', %(detached)s::uuid) END
           || CASE WHEN at_period_end THEN '{"release_at_period_end": false}' ELSE '{}' END::jsonb,
           %(reason)s
    FROM taken LEFT JOIN ended ON true
"""

_OWED_FOR_TOO_LONG = f"""
    SELECT {OWED} FROM numbers_rent AS r
    WHERE r.assignment_id = %s AND NOT r.sandbox AND r.past_due_since <= now() - %s::interval
"""  # noqa: S608  made of constants

# What ended the number must not end it again at the next run of the worker: an end with a period
# that is over is taken back. An operator gives the whole time again to pay; an owner pays now.
GO_ON = """
    UPDATE numbers_rent
    SET release_at_period_end = release_at_period_end AND next_charge_at > %(at)s,
        past_due_since = CASE WHEN %(gives_time)s AND past_due_since <= %(at)s - %(unpaid)s::interval
                              THEN %(at)s ELSE past_due_since END
    WHERE assignment_id = %(id)s AND (release_at_period_end OR past_due_since IS NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class Undone:
    """The number as it is owned again, and whether its campaign may no longer be used."""

    assignment: Assignment
    campaign_detached: bool


@dataclass(frozen=True, slots=True)
class Release:
    """The end of an assignment, as the history keeps it."""

    event_id: int
    at: datetime
    quarantined_until: datetime | None
    routing: Routing
    actor: str
    reason: str


def undo_release(
    *,
    assignment_id: UUID,
    organization_id: UUID,
    actor: Actor,
    within_days: int | None = None,
    reason: str = "",
) -> Undone:
    """Give a released number back to its owner: same id, routing and label. Idempotent.

    With `within_days`, an owner asks: what it did not pay for so long that the number was released
    is charged first. Without, an operator: the release can be undone until its quarantine ends, and
    the owner has its whole time to pay again. The campaign comes back if it may still be used.
    Raise NotFound if the number was never the organization's, UndoExpired if it is too late,
    NumberNotAvailable if the number is retired, for sale or sold, MonthsNotCovered.
    """
    undoing = _Undoing(assignment_id, organization_id, actor, within_days, reason.strip()[:256])
    if within_days is None:
        return run_transaction(lambda _: undoing.run()[0])
    return run_joining(undoing.run_and_pay)


@dataclass(frozen=True, slots=True)
class _Undoing:
    assignment_id: UUID
    organization_id: UUID
    actor: Actor
    within_days: int | None
    reason: str

    def run_and_pay(self) -> Undone:
        account = lock_account(self.organization_id)
        undone, is_open_again = self.run()
        owed = _owed_for_too_long(self.assignment_id) if is_open_again else Decimal("0.00")
        if owed:
            if owed > account.balance:
                data = shortfall_of(owed, balance=account.balance, currency=account.currency)
                raise MonthsNotCovered(data=data)
            actor = Actor("system", "renew_numbers", self.actor.request_id)
            pay_months(self.assignment_id, self.organization_id, actor=actor)
        return undone

    def run(self) -> tuple[Undone, bool]:
        """Return the number, and whether it was released until now."""
        # The campaign is locked before the assignment, so the event that names it is read first.
        expected = release_of(self.assignment_id, self.organization_id)
        campaign_id = self._usable(expected)
        locked = lock_assignments([self.assignment_id], self.organization_id)
        if not locked:
            raise NotFound()
        if locked[0].ended_at is None:
            return self._result(_campaign_was_lost(self.assignment_id)), False
        release = release_of(self.assignment_id)
        if release is None:
            raise NumberNotAvailable()
        if expected is None or release.event_id != expected.event_id:
            # Released again in between. Locks out of order may deadlock, which is retried.
            campaign_id = self._usable(release)
        (row,) = lock_numbers_by_id([locked[0].number_id])
        _require_undoable(row, release, self.assignment_id, self.within_days)
        lost = release.routing.campaign_id if campaign_id is None else None
        self._write(row, release.routing, campaign_id, lost)
        return self._result(lost is not None), True

    def _usable(self, release: Release | None) -> UUID | None:
        """Lock the campaign of the release. Return None if it may no longer be used."""
        campaign_id = release.routing.campaign_id if release else None
        if campaign_id is None:
            return None
        try:
            lock_usable_campaign(campaign_id, self.organization_id)
        except (NotFound, CampaignNotActive, BrandNotVerified):
            return None
        return campaign_id

    def _write(
        self, row: LockedNumber, routing: Routing, campaign_id: UUID | None, lost: UUID | None
    ) -> None:
        parameters: dict[str, Any] = {
            "id": self.assignment_id,
            "number_id": row.id,
            "organization_id": self.organization_id,
            "inbound_url": routing.inbound_url,
            "status_url": routing.status_url,
            "label": routing.label,
            "campaign_id": campaign_id,
            "detached": lost,
            "until": row.quarantined_until,
            "at": row.at,
            "actor": str(self.actor),
            "request_id": self.actor.request_id,
            "reason": self.reason,
            "gives_time": self.within_days is None,
            "unpaid": timedelta(days=settings.RENEWAL_RELEASE_DAYS),
        }
        with connection.cursor() as cursor:
            cursor.execute(REOPEN, parameters)
            cursor.execute(TAKE_BACK, parameters)
            cursor.execute(GO_ON, parameters)
        write_number_events(
            EventType.PHONE_NUMBER_RELEASE_UNDONE, assignment_ids=[self.assignment_id], at=row.at
        )

    def _result(self, campaign_detached: bool) -> Undone:
        assignment = owned_number(self.assignment_id, self.organization_id)
        return Undone(assignment, campaign_detached and assignment.campaign_id is None)


def _owed_for_too_long(assignment_id: UUID) -> Decimal:
    """Return what a number owes that is past due for so long that it has to be released."""
    parameters: list[Any] = [assignment_id, timedelta(days=settings.RENEWAL_RELEASE_DAYS)]
    with connection.cursor() as cursor:
        cursor.execute(_OWED_FOR_TOO_LONG, parameters)
        row = cursor.fetchone()
    return row[0] if row else Decimal("0.00")


def last_assignment(number: PhoneNumber) -> Assignment | None:
    """Return the number's latest assignment, open or ended."""
    latest = _latest_id(number.pk)
    if latest is None:
        return None
    return Assignment.objects.select_related("organization", "number").get(pk=latest)


def release_of(assignment_id: UUID, organization_id: UUID | None = None) -> Release | None:
    """Return the last release of an assignment, or None if it was never released.

    With ``organization_id``, a foreign assignment takes as long to refuse as a missing one.
    """
    event = _last_event(assignment_id, NumberEvent.Kind.RELEASED, organization_id)
    if event is None:
        return None
    until, campaign = event.after.get("quarantined_until"), event.before.get("campaign_id")
    routing = Routing(
        event.before.get("inbound_url") or "",
        event.before.get("status_url") or "",
        UUID(campaign) if campaign else None,
        event.before.get("label") or "",
    )
    until_when = datetime.fromisoformat(until) if until else None
    return Release(event.pk, event.at, until_when, routing, event.actor, event.reason)


def _last_event(
    assignment_id: UUID, kind: str, organization_id: UUID | None = None
) -> NumberEvent | None:
    # Events have an index by number.
    found = Assignment.objects.filter(pk=assignment_id)
    if organization_id is not None:
        found = found.filter(organization_id=organization_id)
    number = found.values_list("number_id", flat=True).first()
    if number is None:
        return None
    events = NumberEvent.objects.filter(number_id=number, assignment_id=assignment_id, kind=kind)
    return events.order_by("-id").first()


def _campaign_was_lost(assignment_id: UUID) -> bool:
    """Return whether the last undo of a release came back without the campaign."""
    event = _last_event(assignment_id, NumberEvent.Kind.RELEASE_UNDONE)
    return event is not None and "campaign_detached" in event.after


def _require_undoable(
    row: LockedNumber, release: Release, assignment_id: UUID, within_days: int | None
) -> None:
    if within_days is not None and release.at + timedelta(days=within_days) <= row.at:
        raise UndoExpired(f"the release can't be undone after {within_days} days")
    until = release.quarantined_until
    if row.status == "quarantined" and _latest_id(row.id) == assignment_id:
        until = row.quarantined_until  # a return to stock may have begun another quarantine
    elif until is None or until > row.at:
        raise NumberNotAvailable()
    if until is None or until <= row.at:
        raise UndoExpired("the release can't be undone after its quarantine")


def _latest_id(number_id: int) -> UUID | None:
    latest = Assignment.objects.filter(number_id=number_id).order_by("-created_at", "-id")
    return latest.values_list("id", flat=True).first()
