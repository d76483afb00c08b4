"""A run of renewals over all organizations, and what a top-up pays at once."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction

from config.actors import Actor
from config.db.connections import drop_if_dead
from config.db.pipeline import array_text, run_statements
from numbers.rent.arrears import (
    ENDED,
    OVERDUE,
    OVERDUE_UNSUSPENDED,
    release_ended,
    release_overdue,
    span_parameters,
    suspend_overdue,
)
from numbers.rent.price import price_at
from numbers.rent.renew import Renewed, renew_organization
from numbers.rent.steps import renewing_actor
from numbers.worker.failures import is_locked, raise_if_away

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

# Months whose organizations are looked up at once, oldest first.
_LOOK = 10_000
# Of a top-up: what is left after so many batches is the worker's, within a minute.
_BATCHES_AT_ONCE = 5

_DUE = """
    SELECT DISTINCT organization_id FROM (
        SELECT organization_id FROM numbers_rent AS r
        WHERE r.is_open AND r.past_due_since IS NULL AND r.next_charge_at <= now()
          AND NOT r.release_at_period_end AND r.organization_id <> ALL(%(seen)s::uuid[])
        ORDER BY r.next_charge_at LIMIT %(most)s
    ) AS due ORDER BY organization_id
"""
# Past due, and the credit covers it now.
_PAYABLE = f"""
    SELECT DISTINCT r.organization_id
    FROM numbers_rent AS r
    JOIN numbers_creditaccount AS account ON account.organization_id = r.organization_id
    WHERE r.is_open AND r.past_due_since IS NOT NULL AND NOT r.release_at_period_end
      AND account.balance >= {price_at("r.next_charge_at")}
    ORDER BY 1
"""  # noqa: S608  made of constants
_IN_ARREARS = """
    SELECT EXISTS (
        SELECT FROM numbers_rent
        WHERE organization_id = %s AND is_open AND past_due_since IS NOT NULL
    )
"""
_STEP = "SELECT DISTINCT organization_id FROM numbers_rent AS r WHERE {which} ORDER BY 1"


@dataclass(slots=True)
class Run:
    """What a run did. ``failed``: organizations whose step failed; the next run tries again."""

    renewed: Renewed = field(default_factory=Renewed)
    suspended: int = 0
    released: int = 0
    failed: list[UUID] = field(default_factory=list)

    def in_words(self) -> str:
        counts = {
            "months charged": self.renewed.charged,
            "past due": self.renewed.past_due,
            "resumed": self.renewed.resumed,
            "suspended": self.suspended,
            "released": self.released,
        }
        parts = [f"{count:,} {name}" for name, count in counts.items() if count]
        return ", ".join(parts) or "nothing is due"


def renew_numbers(
    *, is_stopping: Callable[[], bool] = lambda: False, actor: Actor | None = None
) -> Run:
    """Charge what fell due, then suspend and release what stays unpaid, for every organization.

    Safe to run again, and twice at once. What fails in one organization is logged, and the others
    go on. Raise DatabaseError only if the database is unavailable.
    """
    actor = actor or renewing_actor()
    run = Run()
    for organization_id in _organizations(ENDED, is_stopping):
        run.released += _tried(run, release_ended, 0, organization_id, actor=actor)
    for organization_id in _organizations_with_dues(is_stopping):
        run.renewed.add(
            _tried(
                run,
                renew_organization,
                Renewed(),
                organization_id,
                actor=actor,
                is_stopping=is_stopping,
            )
        )
    for organization_id in _organizations(OVERDUE_UNSUSPENDED, is_stopping):
        run.suspended += _tried(run, suspend_overdue, 0, organization_id, actor=actor)
    for organization_id in _organizations(OVERDUE, is_stopping):
        run.released += _tried(run, release_overdue, 0, organization_id, actor=actor)
    return run


def pay_after_commit(organization_id: UUID) -> None:
    """Pay what is past due once the current transaction has committed, in one of its own.

    A failure is logged and does not reach the caller, whose top-up stands: the worker pays then.
    """
    # Not a partial: Django logs the function's name if it fails.
    transaction.on_commit(lambda: _pay_arrears(organization_id), robust=True)


def _pay_arrears(organization_id: UUID) -> None:
    (rows,) = run_statements((_IN_ARREARS, [organization_id]))
    if rows[0][0]:
        renew_organization(organization_id, actor=renewing_actor(), most_batches=_BATCHES_AT_ONCE)


def _organizations_with_dues(is_stopping: Callable[[], bool]) -> Iterator[UUID]:
    """Yield each organization in which a month could be charged, once."""
    (payable,) = run_statements((_PAYABLE, []))
    seen: list[UUID] = []
    found = [row[0] for row in payable]
    while True:
        for organization_id in found:
            if is_stopping():
                return
            yield organization_id
        # What is still due there is locked by another transaction: the next run has it.
        seen += found
        (due,) = run_statements((_DUE, {"most": _LOOK, "seen": array_text(seen)}))
        found = [row[0] for row in due]
        if not found:
            return


def _organizations(which: str, is_stopping: Callable[[], bool]) -> Iterator[UUID]:
    (rows,) = run_statements((_STEP.format(which=which), {"span": span_parameters().get(which)}))
    for (organization_id,) in rows:
        if is_stopping():
            return
        yield organization_id


def _tried(
    run: Run,
    step: Callable[..., Result],
    otherwise: Result,
    organization_id: UUID,
    **options: Any,
) -> Result:
    """Return the result of a step. If it fails, log that and return ``otherwise``."""
    try:
        return step(organization_id, **options)
    except Exception as error:
        raise_if_away(error)
        drop_if_dead()
        if is_locked(error):
            logger.warning("rent of %s waits for the next run: %s", organization_id, error)
        else:
            logger.exception("rent of %s failed", organization_id)
            run.failed.append(organization_id)
        return otherwise
