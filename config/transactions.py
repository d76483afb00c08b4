"""The one retry around a transaction that writes."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction

from config.batches import first_of_all, send
from config.errors import sqlstate_of
from config.metrics import TRANSACTION_RETRIES
from config.postgres import Statement
from config.replica import marks_of_write

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

ATTEMPTS = 3
# serialization_failure and deadlock_detected; invalid_sql_statement_name and feature_not_supported, where what was
# prepared on the connection was dropped, or a migration changed what it reads: nothing was written, the same work
# may succeed again.
_TRY_AGAIN = ("40001", "40P01", "26000", "0A000")

# PostgreSQL gives up on a lock or a statement rather than let a request wait for ever.
SET_TIMEOUTS = "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)"


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
    ``config.batches.send``, which must be its first of all. ``organization_id``: for whom it writes, where
    that is not who calls (config.replica).

    The retry is outside ``atomic``: foreign keys are deferred, so the error can arrive at COMMIT.
    ``durable`` refuses to run inside another transaction, where "committed" would be a lie.
    Other database errors pass through; config.errors answers 503 to those that say "not now".
    """
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


def time_outs() -> Statement:
    return SET_TIMEOUTS, [f"{settings.LOCK_TIMEOUT_MS}ms", f"{settings.STATEMENT_TIMEOUT_MS}ms"]
