"""The one retry around a transaction that writes."""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connection, transaction

from config.errors import sqlstate_of
from config.metrics import TRANSACTION_RETRIES
from config.replica import mark_write

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

ATTEMPTS = 3
# serialization_failure and deadlock_detected: nothing was written, the same work may succeed again.
_TRY_AGAIN = ("40001", "40P01")

# PostgreSQL gives up on a lock or a statement rather than let a request wait for ever.
SET_TIMEOUTS = "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)"


def run_transaction(
    work: Callable[[], Result], *, pipelined: bool = False, organization_id: UUID | None = None
) -> Result:
    """Run ``work`` in a transaction of its own, again when PostgreSQL asks for it.

    ``pipelined``: see ``pipeline``. ``organization_id``: for whom it writes, where that is not who
    calls (config.replica).

    The retry is outside ``atomic``: foreign keys are deferred, so the error can arrive at COMMIT.
    ``durable`` refuses to run inside another transaction, where "committed" would be a lie.
    Other database errors pass through; config.errors answers 503 to those that say "not now".
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic(durable=True), pipeline() if pipelined else nullcontext():
                with connection.cursor() as cursor:
                    cursor.execute(
                        SET_TIMEOUTS, [f"{settings.LOCK_TIMEOUT_MS}ms", f"{settings.STATEMENT_TIMEOUT_MS}ms"]
                    )
                result = work()
                mark_write(organization_id)
                return result
        except OperationalError as error:
            state = sqlstate_of(error)
            if state not in _TRY_AGAIN or attempt == ATTEMPTS:
                raise
            TRANSACTION_RETRIES.labels(state).inc()
            logger.warning("transaction tried again: %s", error, extra={"fields": {"attempt": attempt}})
            time.sleep(random.uniform(0.005, 0.03) * attempt)  # noqa: S311  jitter, not a secret
    raise AssertionError("unreachable")


@contextmanager
def pipeline() -> Iterator[None]:
    """Statements are sent without waiting for the answers to those before; a fetch waits for all of them.

    PostgreSQL runs them one after the other as ever. An error is raised where its statement's result is
    fetched, or at the end. For a busy machine fewer waits are fewer changes between processes: 1.3 to
    1.5 x the orders a second of 8 clients, a third less time for each. COPY is not possible within.
    """
    if not settings.DATABASE_PREPARE:  # for a PgBouncer that knows neither
        yield
        return
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield
