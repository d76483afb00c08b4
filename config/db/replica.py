"""Reads from a replica, if REPLICA_URL names one, never behind a customer's own write.

Every transaction that writes for an organization records its own id as its last statement, in a
table of ``campaigns``, which registers the statements. A read asks the primary for that id, and the
replica whether it has that transaction; only then does the replica answer it. Nothing is guessed
from clocks, and no client carries a token. An organization without a row (a new one, or after a
crash, since the table is unlogged) gets one with the asking transaction's id, which every earlier
commit precedes.

Each view says which of its reads may be a little old; a read that decides a write never is. If the
replica fails or lags more than REPLICA_MAX_LAG_SECONDS, reads fall back to the primary.
"""

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    InterfaceError,
    connection,
    connections,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from config.db.pipeline import Statement
from config.db.sqlstates import is_unavailable
from config.http.context import current
from config.observability.metrics import READS

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

REPLICA = "replica"
_REST_SECONDS = 5.0  # after a failure, so that not every read waits for a host that does not answer
_resting_until = 0.0
_alias: ContextVar[str] = ContextVar("reads_from", default=DEFAULT_DB_ALIAS)

# The request itself has just committed its count on the primary, so a replica that follows has
# replayed something a moment ago.
HAS_IT = """
    SELECT pg_is_in_recovery() AND pg_visible_in_snapshot(%s::text::xid8, pg_current_snapshot())
           AND clock_timestamp() - pg_last_xact_replay_timestamp() < make_interval(secs => %s)
"""


@dataclass(frozen=True, slots=True)
class LastWriteStatements:
    """The SQL that records and finds an organization's last write, for the app that has the table.

    ``record`` takes the organization's id. ``find`` takes ``organization_id`` by name and returns
    the transaction id as text, or no row if none was recorded.
    """

    record: str
    find: str


_last_write_statements: list[LastWriteStatements] = []


def register_last_write_statements(statements: LastWriteStatements) -> None:
    """Use these statements; called by the ready() of the app that has the table."""
    _last_write_statements[:] = [statements]


class Router:
    """The ORM reads where the request reads; everything is written on the primary."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return _alias.get()

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True  # the same rows

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == DEFAULT_DB_ALIAS


def reading_connection() -> BaseDatabaseWrapper:
    """Return the connection for hand-written SQL in a read that a replica may serve."""
    return connections[_alias.get()]


def last_write_statements(organization_id: UUID | None) -> list[Statement]:
    """Return the last statements of a transaction that writes, by default for the caller.

    Last, so that their row is locked only while the transaction commits, and after every other
    lock. Empty if there is no replica, or the transaction will be rolled back.
    """
    if REPLICA not in settings.DATABASES or connection.needs_rollback:
        return []
    context = current.get()
    organization: Any = organization_id or (context and context.organization)
    (registered,) = _last_write_statements
    return [(registered.record, [organization])] if organization else []


def read_from_replica(organization_id: UUID, read: Callable[[], Result]) -> Result:
    """Run ``read``, which writes nothing, on the replica if it has all writes of the organization."""
    global _resting_until
    if REPLICA not in settings.DATABASES:
        return read()
    is_due = time.monotonic() >= _resting_until
    if is_due and (last_write := _last_write(organization_id)) is not None:
        try:
            with transaction.atomic(using=REPLICA):  # a pooler keeps it at one replica
                if _has(last_write):
                    READS.labels("replica").inc()
                    return _on_replica(read)
        except (DatabaseError, InterfaceError) as error:
            if not is_unavailable(error):
                raise
            _resting_until = time.monotonic() + _REST_SECONDS
            logger.warning("the replica is left for the primary: %s", error)
    READS.labels("primary").inc()
    return read()


def _last_write(organization_id: UUID) -> str | None:
    (registered,) = _last_write_statements
    with connection.cursor() as cursor:
        cursor.execute(registered.find, {"organization_id": organization_id})
        row = cursor.fetchone()
    return row[0] if row else None


def _has(last_write: str) -> bool:
    with connections[REPLICA].cursor() as cursor:
        cursor.execute(HAS_IT, [last_write, settings.REPLICA_MAX_LAG_SECONDS])
        return bool(cursor.fetchone()[0])


def _on_replica(read: Callable[[], Result]) -> Result:
    token = _alias.set(REPLICA)
    try:
        return read()
    finally:
        _alias.reset(token)
