"""End assignments: release into quarantine or to the carrier, end quarantines, retire numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from campaigns.event_types import EventType
from config.actors import Actor
from config.db.transactions import Transaction, run_transaction
from config.errors import Conflict, NotFound, ValidationFailed
from config.http.preconditions import IfMatch
from numbers.events.phone_numbers import write_number_events
from numbers.locks import LockedAssignment, lock_assignments, lock_numbers_by_id
from numbers.ownership.queries import etag, owned_number
from numbers.worker.wake import wake_statement

# End the assignments, clear their routing (events keep it) and quarantine the numbers, in one
# statement. GREATEST: a clock that was set back must not prevent a release.
RELEASE = """
    WITH ended AS (
        UPDATE numbers_assignment AS a
        SET ended_at = GREATEST(%(at)s, a.created_at), updated_at = %(at)s, inbound_url = '',
            status_url = '', label = '', campaign_id = NULL, locked_at = NULL
        FROM (SELECT * FROM numbers_assignment WHERE id = ANY(%(ids)s)) AS was
        WHERE a.id = was.id
        RETURNING a.id, a.number_id, a.organization_id, was.inbound_url, was.status_url, was.label,
        was.campaign_id
    ), quarantined AS (
        UPDATE numbers_phonenumber AS n
        SET status = %(status)s, quarantined_until = %(until)s, updated_at = %(at)s
        FROM ended WHERE n.id = ended.number_id
        RETURNING n.id, n.number
    ), recorded AS (
        INSERT INTO numbers_numberevent (at, number_id, kind, organization_id, assignment_id, actor,
                                         request_id, before, after, reason)
        SELECT %(at)s, number_id, 'released', organization_id, id, %(actor)s, %(request_id)s,
               jsonb_build_object('status', 'assigned', 'inbound_url', inbound_url, 'status_url',
                                  status_url, 'label', label, 'campaign_id', campaign_id),
               jsonb_build_object('status', %(status)s::text, 'quarantined_until',
                                  %(until)s::timestamptz),
               %(reason)s
        FROM ended
    )
    SELECT ended.id, quarantined.number FROM ended
    JOIN quarantined ON quarantined.id = ended.number_id
"""


class NumberLocked(Conflict):
    code, message = "NUMBER_LOCKED", "the number is locked against release: unlock it first"


@dataclass(frozen=True, slots=True)
class Released:
    """A number that was released. `quarantined_until` is None if it was retired."""

    assignment_id: UUID
    number: str
    released_at: datetime
    quarantined_until: datetime | None


@dataclass(frozen=True, slots=True)
class BulkRelease:
    """The outcome of each id, in one of the four lists."""

    released: list[UUID]
    unknown: list[UUID]
    already_released: list[UUID]
    locked: list[UUID]


def release(
    *,
    assignment_id: UUID,
    organization_id: UUID,
    actor: Actor,
    return_to_carrier: bool = False,
    reason: str = "",
    expected: IfMatch | None = None,
) -> Released:
    """End an assignment; the organization no longer owns the number when this returns.

    Raise NotFound if the organization does not own it, PreconditionFailed if it is not as
    `expected`, NumberLocked if it is locked.
    """
    ending = _Release(organization_id, actor, retire=return_to_carrier, reason=reason)
    released, owned = run_transaction(lambda tx: _release_if(tx, ending, assignment_id, expected))
    if any(one.locked_at is not None for one in owned):
        raise NumberLocked()
    if not released:
        raise NotFound()
    return released[0]


def release_many(
    *, assignment_ids: Sequence[UUID], organization_id: UUID, actor: Actor, reason: str = ""
) -> BulkRelease:
    """Release each number independently, in a constant number of statements. Ignore duplicates."""
    distinct = list(dict.fromkeys(assignment_ids))
    ending = _Release(organization_id, actor, retire=False, reason=reason)
    released, owned = run_transaction(lambda tx: _release(tx, ending, distinct))
    outcome = BulkRelease([], [], [], [])
    lists = {one.id: outcome.locked if one.locked_at else outcome.already_released for one in owned}
    lists |= {one.assignment_id: outcome.released for one in released}
    for one in distinct:
        lists.get(one, outcome.unknown).append(one)
    return outcome


@dataclass(frozen=True, slots=True)
class _Release:
    """Whose ownerships end, who ends them and why.

    ``retire``: the numbers leave the stock. ``despite_lock``: locked numbers are released too.
    """

    organization_id: UUID
    actor: Actor
    retire: bool
    reason: str
    despite_lock: bool = False


def _release_if(
    tx: Transaction, ending: _Release, assignment_id: UUID, expected: IfMatch | None
) -> tuple[list[Released], list[LockedAssignment]]:
    """Release one number. Raise PreconditionFailed if it is not as ``expected``."""
    owned = lock_assignments([assignment_id], ending.organization_id)
    if expected is not None and any(one.ended_at is None for one in owned):
        expected.require(etag(owned_number(assignment_id, ending.organization_id)))
    return _release_locked(tx, ending, owned)


def _release(
    tx: Transaction,
    ending: _Release,
    assignment_ids: list[UUID],
) -> tuple[list[Released], list[LockedAssignment]]:
    """Return those that were released now, and all as they were before."""
    return _release_locked(tx, ending, lock_assignments(assignment_ids, ending.organization_id))


def release_unpaid(
    tx: Transaction,
    owned: list[LockedAssignment],
    *,
    organization_id: UUID,
    actor: Actor,
    reason: str,
) -> list[Released]:
    """Release locked rows of assignments, in the caller's transaction, locked numbers too."""
    ending = _Release(organization_id, actor, retire=False, reason=reason, despite_lock=True)
    return _release_locked(tx, ending, owned)[0]


def _release_locked(
    tx: Transaction, ending: _Release, owned: list[LockedAssignment]
) -> tuple[list[Released], list[LockedAssignment]]:
    open_ones = [
        one
        for one in owned
        if one.ended_at is None and (one.locked_at is None or ending.despite_lock)
    ]
    if not open_ones:
        return [], owned
    at = max(row.at for row in lock_numbers_by_id([one.number_id for one in open_ones]))
    until = None if ending.retire else at + timedelta(days=settings.NUMBER_QUARANTINE_DAYS)
    parameters: dict[str, Any] = {
        "ids": [one.id for one in open_ones],
        "at": at,
        "status": "retired" if ending.retire else "quarantined",
        "until": until,
        "actor": str(ending.actor),
        "request_id": ending.actor.request_id,
        "reason": ending.reason,
    }
    write_number_events(EventType.PHONE_NUMBER_RELEASED, assignment_ids=parameters["ids"], at=at)
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, parameters)
        released = [Released(row[0], row[1], at, until) for row in cursor.fetchall()]
    if until == at:
        tx.run(wake_statement())
    return released, owned


END_QUARANTINE = """
    WITH ended AS (
        UPDATE numbers_phonenumber
        SET status = 'available', quarantined_until = NULL, updated_at = %(at)s
        WHERE id = ANY(%(ids)s) RETURNING id
    )
    INSERT INTO numbers_numberevent (at, number_id, kind, actor, request_id, before, after, reason)
    SELECT %(at)s, id, 'quarantine_ended', %(actor)s, %(request_id)s, '{"status": "quarantined"}',
           '{"status": "available"}', %(reason)s
    FROM ended
"""

RETIRE = """
    WITH holds AS (
        SELECT DISTINCT reservation_id AS id FROM numbers_phonenumber
        WHERE id = ANY(%(ids)s) AND held_until > %(at)s
    ), ended AS (
        UPDATE numbers_reservation AS r SET released_at = %(at)s
        FROM holds WHERE r.id = holds.id AND released_at IS NULL AND NOT EXISTS (
            SELECT FROM numbers_phonenumber AS n
            WHERE n.held_for_id = r.organization_id AND n.held_until > %(at)s
              AND n.reservation_id = r.id AND n.id <> ALL(%(ids)s))
    ), retired AS (
        UPDATE numbers_phonenumber
        SET status = 'retired', quarantined_until = NULL, held_for_id = NULL, held_until = NULL,
            reservation_id = NULL, updated_at = %(at)s
        FROM unnest(%(ids)s::bigint[], %(statuses)s::text[]) AS line (id, status)
        WHERE numbers_phonenumber.id = line.id RETURNING line.id, line.status AS was
    )
    INSERT INTO numbers_numberevent (at, number_id, kind, actor, request_id, before, after, reason)
    SELECT %(at)s, id, 'retired', %(actor)s, %(request_id)s, jsonb_build_object('status', was),
           '{"status": "retired"}', %(reason)s
    FROM retired
"""


def end_quarantine(*, number_ids: Sequence[int], actor: Actor, reason: str) -> list[int]:
    """Make quarantined numbers available early; return the ids of those that were in quarantine.

    For operators only: callers of the last owner may reach the next one. Raise ValidationFailed if
    there is no reason.
    """
    return _change_stock(END_QUARANTINE, number_ids, ("quarantined",), actor, reason)


def retire(*, number_ids: Sequence[int], actor: Actor, reason: str) -> list[int]:
    """Retire numbers without an owner permanently; return the ids of those that were.

    Raise ValidationFailed if there is no reason.
    """
    return _change_stock(RETIRE, number_ids, ("available", "quarantined"), actor, reason)


def _change_stock(
    statement: str, number_ids: Sequence[int], statuses: tuple[str, ...], actor: Actor, reason: str
) -> list[int]:
    if not reason.strip():
        raise ValidationFailed(
            details={"reason": "is required: it is kept in the number's history"}
        )
    return run_transaction(
        lambda tx: _change_locked(tx, statement, list(number_ids), statuses, actor, reason),
    )


def _change_locked(
    tx: Transaction,
    statement: str,
    number_ids: list[int],
    statuses: tuple[str, ...],
    actor: Actor,
    reason: str,
) -> list[int]:
    rows = [row for row in lock_numbers_by_id(number_ids) if row.status in statuses]
    if rows:
        parameters: dict[str, Any] = {
            "ids": [row.id for row in rows],
            "statuses": [row.status for row in rows],
            "at": max(row.at for row in rows),
            "actor": str(actor),
            "request_id": actor.request_id,
            "reason": reason.strip()[:256],
        }
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
        if statement is END_QUARANTINE:
            tx.run(wake_statement())
    return [row.id for row in rows]
