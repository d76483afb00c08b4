"""Lock a number against release, and unlock it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from config.actors import Actor
from config.db.transactions import Transaction, run_transaction
from config.errors import NotFound
from numbers.locks import lock_assignments
from numbers.models import Assignment
from numbers.models.events import NumberEventKind as Kind
from numbers.ownership.queries import owned_number
from numbers.ownership.rerouting import NumberNotAssigned

# Change those that are in the other state, and write an event for each.
_SET = """
    WITH changed AS (
        UPDATE numbers_assignment
        SET locked_at = CASE WHEN %(kind)s = 'locked' THEN clock_timestamp() END
        WHERE id = ANY(%(ids)s) AND ended_at IS NULL AND (locked_at IS NULL) = (%(kind)s = 'locked')
        RETURNING id, number_id, organization_id
    ), ending AS (  -- a lock takes that back (the trigger numberdesk_follow_assignment)
        SELECT assignment_id FROM numbers_rent
        WHERE assignment_id = ANY(%(ids)s) AND release_at_period_end AND %(kind)s = 'locked'
    )
    INSERT INTO numbers_numberevent (at, number_id, kind, organization_id, assignment_id, actor,
                                     request_id, before, after, reason)
    SELECT clock_timestamp(), number_id, %(kind)s, organization_id, id, %(actor)s, %(request_id)s,
           jsonb_build_object('locked', %(kind)s <> 'locked')
           || CASE WHEN ending IS NULL THEN '{}' ELSE '{"release_at_period_end": true}' END::jsonb,
           jsonb_build_object('locked', %(kind)s = 'locked')
           || CASE WHEN ending IS NULL THEN '{}' ELSE '{"release_at_period_end": false}' END::jsonb,
           %(reason)s
    FROM changed LEFT JOIN ending ON ending.assignment_id = changed.id
    RETURNING assignment_id
"""


def lock(*, assignment_id: UUID, organization_id: UUID, actor: Actor) -> Assignment:
    """Keep a number from being released until it is unlocked. Idempotent.

    Raise NotFound if the number was never the organization's, NumberNotAssigned if it was released.
    """
    return run_transaction(lambda _: _set_one(assignment_id, organization_id, Kind.LOCKED, actor))


def unlock(*, assignment_id: UUID, organization_id: UUID, actor: Actor) -> Assignment:
    """Let a number be released again. Idempotent. Raise what `lock` raises."""
    return run_transaction(lambda _: _set_one(assignment_id, organization_id, Kind.UNLOCKED, actor))


def set_locks(
    assignment_ids: Sequence[UUID],
    kind: Kind,
    *,
    organization_id: UUID,
    actor: Actor,
    reason: str,
) -> set[UUID]:
    """Lock or unlock open assignments; return those that have changed."""

    def change(_: Transaction) -> set[UUID]:
        owned = lock_assignments(list(assignment_ids), organization_id)
        return _set([one.id for one in owned], kind, actor, reason)

    return run_transaction(change)


def _set_one(assignment_id: UUID, organization_id: UUID, kind: Kind, actor: Actor) -> Assignment:
    locked = lock_assignments([assignment_id], organization_id)
    if not locked:
        raise NotFound()
    if locked[0].ended_at is not None:
        raise NumberNotAssigned()
    _set([assignment_id], kind, actor, "")
    return owned_number(assignment_id, organization_id)


def _set(ids: list[UUID], kind: Kind, actor: Actor, reason: str) -> set[UUID]:
    parameters: dict[str, Any] = {
        "ids": ids,
        "kind": str(kind),
        "actor": str(actor),
        "request_id": actor.request_id,
        "reason": reason.strip()[:256],
    }
    with connection.cursor() as cursor:
        cursor.execute(_SET, parameters)
        return {row[0] for row in cursor.fetchall()}
