"""Reads that may be a little old go to a replica, where REPLICA_URL names one; never behind a customer's own write.

Every transaction that writes for an organization leaves its own id in ``campaigns_lastwrite``, as its last
statement. A read asks the primary for that id, and the replica whether it has that transaction already:
only then is it read there. So nothing is guessed from clocks, it holds across processes and hosts, and no
client has to carry anything. An organization that has no row (a new one, or after a crash: the table is
unlogged) gets one with the asking transaction's id, behind which every earlier commit lies.

Which reads may be a little old is said by each view, ``may_be_old``; what decides a write never is one. A
replica that is further behind than REPLICA_MAX_LAG_SECONDS, or that fails, is left for the primary.
"""

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from config.db.pipeline import Statement
from config.errors import is_unavailable
from config.http.context import current
from config.observability.metrics import READS

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

REPLICA = "replica"
_REST_SECONDS = 5.0  # after a failure, so that not every read waits for a host that does not answer
_resting_until = 0.0
_alias: ContextVar[str] = ContextVar("reads_from", default=DEFAULT_DB_ALIAS)

MARK = """
    INSERT INTO campaigns_lastwrite AS w (organization_id, transaction) VALUES (%s, pg_current_xact_id())
    ON CONFLICT (organization_id) DO UPDATE SET transaction = EXCLUDED.transaction
"""
LAST_WRITE = """
    WITH kept AS (SELECT transaction FROM campaigns_lastwrite WHERE organization_id = %(organization_id)s),
    made AS (
        INSERT INTO campaigns_lastwrite (organization_id, transaction)
        SELECT %(organization_id)s, pg_current_xact_id() WHERE NOT EXISTS (SELECT 1 FROM kept)
        ON CONFLICT DO NOTHING
    )
    SELECT transaction::text FROM kept
"""
# The request itself has just committed its count on the primary, so a replica that follows has
# replayed something a moment ago.
HAS_IT = """
    SELECT pg_is_in_recovery() AND pg_visible_in_snapshot(%s::text::xid8, pg_current_snapshot())
           AND clock_timestamp() - pg_last_xact_replay_timestamp() < make_interval(secs => %s)
"""


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
    """For SQL of our own in a read that may be a little old."""
    return connections[_alias.get()]


def marks_of_write(organization_id: UUID | None) -> list[Statement]:
    """The last statement of a transaction that writes for an organization, by default the caller's.

    Last, so that its row is locked only while the transaction commits, and after every other lock.
    Empty where there is no replica, or the transaction will be rolled back.
    """
    if REPLICA not in settings.DATABASES or connection.needs_rollback:
        return []
    context = current.get()
    organization: Any = organization_id or (context and context.organization)
    return [(MARK, [organization])] if organization else []


def read_where_possible(organization_id: UUID, read: Callable[[], Result]) -> Result:
    """Run ``read``, which writes nothing, on the replica where that has all that this organization wrote."""
    global _resting_until
    if REPLICA not in settings.DATABASES:
        return read()
    if time.monotonic() >= _resting_until and (last_write := _last_write(organization_id)) is not None:
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
    with connection.cursor() as cursor:
        cursor.execute(LAST_WRITE, {"organization_id": organization_id})
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
