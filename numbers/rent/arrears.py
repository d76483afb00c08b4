"""Suspend and release numbers whose rent is not paid; release those that end with their period.

Each step locks the account first, so that a payment comes before it or after it, never between the
check and the write.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from campaigns.event_types import EventType
from config.actors import Actor
from config.db.pipeline import array_text
from config.db.transactions import Transaction, run_transaction
from numbers.locks import lock_account, lock_assignments
from numbers.ownership.release import release_unpaid
from numbers.rent.renew import BATCH
from numbers.rent.steps import Kind, state_statements

# The clock starts with the event past_due, so an outage of the worker never releases a number
# without notice.
_OVERDUE = "r.is_open AND r.past_due_since <= now() - %(span)s::interval"
OVERDUE_UNSUSPENDED = f"{_OVERDUE} AND r.suspended_at IS NULL"
OVERDUE = _OVERDUE
ENDED = "r.is_open AND r.release_at_period_end AND r.next_charge_at <= now()"

_SUSPEND = f"""
    WITH overdue AS MATERIALIZED (
        SELECT r.assignment_id FROM numbers_rent AS r
        WHERE r.organization_id = %(organization_id)s AND {OVERDUE_UNSUSPENDED}
        ORDER BY r.assignment_id LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE numbers_rent SET suspended_at = clock_timestamp()
    WHERE assignment_id IN (SELECT assignment_id FROM overdue)
    RETURNING assignment_id
"""  # noqa: S608  made of constants
_CHOSEN = """
    SELECT r.assignment_id FROM numbers_rent AS r
    WHERE r.organization_id = %(organization_id)s AND {which}
    ORDER BY r.assignment_id LIMIT %(most)s
"""
_STILL = """
    SELECT r.assignment_id FROM numbers_rent AS r
    WHERE r.assignment_id = ANY(%(ids)s::uuid[]) AND {which}
"""


def suspend_overdue(organization_id: UUID, *, actor: Actor) -> int:
    """Suspend numbers that were past due for RENEWAL_SUSPEND_DAYS. Return how many."""
    return _in_batches(lambda tx: _suspend(tx, organization_id, actor), organization_id)


def release_overdue(organization_id: UUID, *, actor: Actor) -> int:
    """Release numbers that were past due for RENEWAL_RELEASE_DAYS, locked ones too."""
    days = settings.RENEWAL_RELEASE_DAYS
    return _in_batches(
        lambda tx: _release(
            tx, organization_id, OVERDUE, actor, f"its rent was not paid for {days} days"
        ),
        organization_id,
    )


def release_ended(organization_id: UUID, *, actor: Actor) -> int:
    """Release numbers whose owner wanted that at the end of their period."""
    return _in_batches(
        lambda tx: _release(
            tx, organization_id, ENDED, actor, "at the end of its period, as its owner had set"
        ),
        organization_id,
    )


def span_parameters() -> dict[str, timedelta]:
    """Return the parameters of the rules OVERDUE_UNSUSPENDED and OVERDUE."""
    return {
        OVERDUE_UNSUSPENDED: timedelta(days=settings.RENEWAL_SUSPEND_DAYS),
        OVERDUE: timedelta(days=settings.RENEWAL_RELEASE_DAYS),
    }


def _in_batches(use_case: Any, organization_id: UUID) -> int:
    """Repeat a transaction until it found fewer numbers than it may change. Return the sum."""
    count = 0
    while True:
        done: int = run_transaction(use_case, organization_id=organization_id)
        count += done
        if done < BATCH:
            return count


def _suspend(tx: Transaction, organization_id: UUID, actor: Actor) -> int:
    lock_account(organization_id)
    parameters = {
        "organization_id": organization_id,
        "span": span_parameters()[OVERDUE_UNSUSPENDED],
        "most": BATCH,
    }
    (rows,) = tx.run((_SUSPEND, parameters))
    ids = sorted(row[0] for row in rows)
    tx.commit_with(
        *state_statements(
            Kind.SUSPENDED,
            EventType.PHONE_NUMBER_SUSPENDED,
            ids,
            was="past_due",
            state="suspended",
            actor=actor,
        )
    )
    return len(ids)


def _release(tx: Transaction, organization_id: UUID, which: str, actor: Actor, reason: str) -> int:
    lock_account(organization_id)
    shared = {"span": span_parameters().get(which)}
    parameters = {**shared, "organization_id": organization_id, "most": BATCH}
    (chosen,) = tx.run((_CHOSEN.format(which=which), parameters))
    if not chosen:
        return 0
    owned = lock_assignments([row[0] for row in chosen], organization_id)
    # A lock of the number may have come in between, which takes its end back.
    given = {**shared, "ids": array_text([one.id for one in owned])}
    (rows,) = tx.run((_STILL.format(which=which), given))
    still = {row[0] for row in rows}
    released = release_unpaid(
        tx,
        [one for one in owned if one.id in still],
        organization_id=organization_id,
        actor=actor,
        reason=reason,
    )
    return len(released)
