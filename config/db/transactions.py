"""The one retry around a transaction that writes, and the transaction that a use case gets."""

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, transaction
from psycopg import errors

from config.db.pipeline import Rows, Statement, run_statements
from config.db.replica import last_write_statements
from config.db.sqlstates import sqlstate_of
from config.observability.metrics import TRANSACTION_RETRIES

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

ATTEMPTS = 3
# The last two: a prepared statement was dropped, or a migration changed what it reads. Nothing was
# written, so the same work may succeed.
_RETRIED_STATES = (
    errors.SerializationFailure.sqlstate,
    errors.DeadlockDetected.sqlstate,
    errors.InvalidSqlStatementName.sqlstate,
    errors.FeatureNotSupported.sqlstate,
)

# PostgreSQL gives up on a lock or a statement rather than let a request wait forever.
SET_TIMEOUTS = (
    "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)"
)


class Transaction:
    """An open transaction. Statements given to one call of ``run`` share a round trip.

    ``first`` travels before the first statements that it runs.
    """

    def __init__(self, *first: Statement) -> None:
        self._first = first
        self._last: tuple[Statement, ...] | None = None

    def run(self, *statements: Statement) -> list[Rows]:
        """Run the statements in this order. Return the rows of each."""
        return self._send(statements)

    def roll_back_and_run(self, *statements: Statement) -> list[Rows]:
        """Roll back, then run the statements without locks. The caller must raise afterwards."""
        return self._send(statements, rollback_first=True)

    def commit_with(self, *statements: Statement) -> None:
        """Send these statements together with COMMIT, once the use case has returned."""
        self._last = statements

    def begin(self) -> None:
        """Begin now, with the time-outs set: for use cases that go on with the ORM."""
        self._send(())

    def finish(self, *statements: Statement) -> None:
        """Run what ``commit_with`` was given, and then ``statements``."""
        if self._last is not None:
            self._send((*self._last, *statements), commit=True)
        elif statements:
            self._send(statements)

    def _send(self, statements: tuple[Statement, ...], **options: bool) -> list[Rows]:
        first, self._first = self._first, ()
        return run_statements(*first, *statements, **options)[len(first) :]


class _Joinable(transaction.Atomic):
    """The outermost block of ``run_joining``, which the connection keeps while it is open."""


def run_transaction(
    use_case: Callable[[Transaction], Result],
    *,
    begins_by_itself: bool = False,
    organization_id: UUID | None = None,
) -> Result:
    """Run ``use_case`` in a transaction of its own, again when PostgreSQL asks for it.

    Args:
        use_case: called with the open transaction; its result is returned.
        begins_by_itself: BEGIN and the time-outs travel with the first ``Transaction.run`` of the
            use case, which must not touch the database before. Saves a round trip.
        organization_id: for whom it writes, if that is not the caller (config.db.replica).

    Inside ``run_joining`` it is a part of that transaction. The retry is outside ``atomic``:
    foreign keys are deferred, so the error can arrive at COMMIT. ``durable`` refuses to run inside
    any other transaction, where "committed" would be a lie. Other database errors pass through;
    config.errors turns some of them into 503.
    """
    if _is_joining():
        return _run_as_part(use_case, organization_id)
    block = transaction.atomic(durable=True)
    return _run_with_retries(use_case, block, begins_by_itself, organization_id)


def run_joining(use_case: Callable[[], Result]) -> Result:
    """Run ``use_case`` in a transaction that every ``run_transaction`` within it joins.

    For what must be written together with a use case that has a transaction of its own. The retry
    is here, around all of it.
    """
    if _is_joining():
        return _run_as_part(lambda _: use_case(), None)
    block = _Joinable(DEFAULT_DB_ALIAS, savepoint=True, durable=True)
    return _run_with_retries(lambda _: use_case(), block, False, None)


def _run_with_retries(
    use_case: Callable[[Transaction], Result],
    block: transaction.Atomic,
    begins_by_itself: bool,
    organization_id: UUID | None,
) -> Result:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with block:
                tx = Transaction(timeout_statement())
                if not begins_by_itself:
                    tx.begin()
                result = use_case(tx)
                tx.finish(*last_write_statements(organization_id))
                return result
        except DatabaseError as error:
            state = sqlstate_of(error)
            if state not in _RETRIED_STATES or attempt == ATTEMPTS:
                raise
            TRANSACTION_RETRIES.labels(state).inc()
            fields = {"attempt": attempt}
            logger.warning("transaction tried again: %s", error, extra={"fields": fields})
            time.sleep(random.uniform(0.005, 0.03) * attempt)  # noqa: S311  jitter, not a secret
    raise AssertionError("unreachable")


def _run_as_part(
    use_case: Callable[[Transaction], Result],
    organization_id: UUID | None,
) -> Result:
    """Run ``use_case`` within the open transaction; an error rolls back to where it began."""
    with transaction.atomic():
        tx = Transaction()
        result = use_case(tx)
        tx.finish(*last_write_statements(organization_id))
        return result


def _is_joining() -> bool:
    return any(isinstance(block, _Joinable) for block in connection.atomic_blocks)


def timeout_statement() -> Statement:
    """Return the statement that sets the time-outs of this transaction."""
    return SET_TIMEOUTS, [f"{settings.LOCK_TIMEOUT_MS}ms", f"{settings.STATEMENT_TIMEOUT_MS}ms"]
