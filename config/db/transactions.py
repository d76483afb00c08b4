"""The one retry around a transaction that writes."""

import logging
import random
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction

from config.db.batches import first_of_all, send
from config.db.pipeline import Statement
from config.db.replica import marks_of_write
from config.errors import sqlstate_of
from config.observability.metrics import TRANSACTION_RETRIES

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

ATTEMPTS = 3
# serialization_failure and deadlock_detected; invalid_sql_statement_name and feature_not_supported, where what was
# prepared on the connection was dropped, or a migration changed what it reads: nothing was written, the same work
# may succeed again.
_TRY_AGAIN = ("40001", "40P01", "26000", "0A000")

# PostgreSQL gives up on a lock or a statement rather than let a request wait for ever.
SET_TIMEOUTS = "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)"


# Whether a transaction of ``run_joining`` is under way, which those of ``run_transaction`` are a part of.
_joining: ContextVar[bool] = ContextVar("joining", default=False)


@dataclass(frozen=True, slots=True)
class Ending(Generic[Result]):
    """What a transaction comes to, and its last statements, which are sent with COMMIT."""

    result: Result
    statements: tuple[Statement, ...]


def run_transaction(
    work: "Callable[[], Result | Ending[Result]]", *, batched: bool = False, organization_id: UUID | None = None
) -> Result:
    """Run ``work`` in a transaction of its own, again when PostgreSQL asks for it.

    ``batched``: what begins the transaction is sent with the first statements that ``work`` gives to
    ``config.db.batches.send``, which must be its first of all. ``organization_id``: for whom it writes, where
    that is not who calls (config.db.replica).

    The retry is outside ``atomic``: foreign keys are deferred, so the error can arrive at COMMIT.
    ``durable`` refuses to run inside another transaction, where "committed" would be a lie.
    Other database errors pass through; config.errors answers 503 to those that say "not now".
    """
    if _joining.get():
        return _as_part(work, organization_id)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic(durable=True):
                first_of_all.set((time_outs(),))
                if not batched:
                    send()
                result = work()
                marks = marks_of_write(organization_id)
                if isinstance(result, Ending):
                    send(*result.statements, *marks, last=True)
                    return result.result
                if marks:
                    send(*marks)
                return result
        except DatabaseError as error:
            state = sqlstate_of(error)
            if state not in _TRY_AGAIN or attempt == ATTEMPTS:
                raise
            TRANSACTION_RETRIES.labels(state).inc()
            logger.warning("transaction tried again: %s", error, extra={"fields": {"attempt": attempt}})
            time.sleep(random.uniform(0.005, 0.03) * attempt)  # noqa: S311  jitter, not a secret
        finally:
            first_of_all.set(())
    raise AssertionError("unreachable")


def run_joining(work: Callable[[], Result]) -> Result:
    """Run ``work`` in a transaction of which every ``run_transaction`` within is a part.

    For what must be written in the same transaction as a use case that has one of its own. The retry is here,
    around all of it.
    """

    def joined() -> Result:
        token = _joining.set(True)
        try:
            return work()
        finally:
            _joining.reset(token)

    return run_transaction(joined)


def is_part() -> bool:
    """Return whether what happens now is a part of a larger transaction, which others can't see yet."""
    return _joining.get()


def _as_part(work: "Callable[[], Result | Ending[Result]]", organization_id: UUID | None) -> Result:
    """Run ``work`` within the transaction under way: what it refuses is rolled back to where it began."""
    with transaction.atomic():
        result = work()
        marks = marks_of_write(organization_id)
        if isinstance(result, Ending):
            send(*result.statements, *marks)
            return result.result
        if marks:
            send(*marks)
        return result


def time_outs() -> Statement:
    return SET_TIMEOUTS, [f"{settings.LOCK_TIMEOUT_MS}ms", f"{settings.STATEMENT_TIMEOUT_MS}ms"]
