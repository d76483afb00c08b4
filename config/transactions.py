"""The one retry around a transaction that writes."""

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.db import OperationalError, connection, transaction

from config.errors import sqlstate_of
from config.metrics import TRANSACTION_RETRIES

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

ATTEMPTS = 3
# serialization_failure and deadlock_detected: nothing was written, the same work may succeed again.
_TRY_AGAIN = ("40001", "40P01")

# PostgreSQL gives up on a lock or a statement rather than let a request wait for ever.
SET_TIMEOUTS = "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)"


def run_transaction(work: Callable[[], Result]) -> Result:
    """Run ``work`` in a transaction of its own, again when PostgreSQL asks for it.

    The retry is outside ``atomic``: foreign keys are deferred, so the error can arrive at COMMIT.
    ``durable`` refuses to run inside another transaction, where "committed" would be a lie.
    Other database errors pass through; config.errors answers 503 to those that say "not now".
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic(durable=True):
                with connection.cursor() as cursor:
                    cursor.execute(
                        SET_TIMEOUTS, [f"{settings.LOCK_TIMEOUT_MS}ms", f"{settings.STATEMENT_TIMEOUT_MS}ms"]
                    )
                return work()
        except OperationalError as error:
            state = sqlstate_of(error)
            if state not in _TRY_AGAIN or attempt == ATTEMPTS:
                raise
            TRANSACTION_RETRIES.labels(state).inc()
            logger.warning("transaction tried again: %s", error, extra={"fields": {"attempt": attempt}})
            time.sleep(random.uniform(0.005, 0.03) * attempt)  # noqa: S311  jitter, not a secret
    raise AssertionError("unreachable")
