"""Detect a pooler that loses prepared statements, before it mixes them up.

PgBouncer in transaction mode gives each transaction another server connection. With
``max_prepared_statements=0`` it passes the names of prepared statements through. They are then
missing, or another client's. PgBouncer 1.22 and later keeps them apart if the setting is above 0.
"""

import threading
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import OperationalError, ProgrammingError
from psycopg import errors
from psycopg.pq import ExecStatus

REASON = (
    "prepared statements get lost on the way to the database: set max_prepared_statements above 0 in "
    "PgBouncer (1.22 or later), or DATABASE_PREPARE=false"
)
_PROBE = b"numberdesk_probe"
_LOOKS = 3  # another client may take the shared server connection between two of ours

Connect = Callable[[], "psycopg.Connection[Any]"]


class PreparedStatementsLost(OperationalError):
    """A pooler mixes up statements prepared on this connection. Nothing was written."""

    def __init__(self) -> None:
        super().__init__(REASON)


class _Suspicion:
    """Whether a statement has failed in this process as it does behind such a pooler."""

    def __init__(self) -> None:
        self.generation = 0  # raised by each such failure: older connections are replaced
        self.raised = False
        self._lock = threading.Lock()

    def add(self) -> None:
        with self._lock:
            self.raised = True
            self.generation += 1

    def clear(self) -> None:
        self.raised = False


suspicion = _Suspicion()


def is_mixed_up(error: BaseException) -> bool:
    """Return whether a statement's name was taken by another client of the pooler."""
    if isinstance(error, ProgrammingError):
        error = error.__cause__ or error
    return isinstance(error, errors.DuplicatePreparedStatement)


def require_own_statements(connection: "psycopg.Connection[Any]", connect: Connect) -> None:
    """Raise PreparedStatementsLost if a pooler in between does not keep prepared statements apart.

    The check costs one statement for each new connection, and more only behind a pooler.
    ``connect`` opens another connection to the same server.
    """
    connection.autocommit = True
    try:
        if _backend(connection) == connection.pgconn.backend_pid:
            return  # no pooler
        if not _passes_names_through(connection):
            suspicion.clear()
        # Session mode passes names through as well. There a client keeps its server connection.
        elif suspicion.raised or _shares_servers(connection, connect):
            raise PreparedStatementsLost
    finally:
        connection.autocommit = False


def _backend(connection: "psycopg.Connection[Any]") -> int:
    [(pid,)] = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchall()
    return int(pid)


def _passes_names_through(connection: "psycopg.Connection[Any]") -> bool:
    """Return whether the server knows a statement under the name that we gave it."""
    with connection.transaction():  # on one server connection
        prepared = connection.pgconn.prepare(_PROBE, b"SELECT 1")
        if prepared.status == ExecStatus.FATAL_ERROR:  # an interrupted probe of another client
            return True
        [(known,)] = connection.execute(
            "SELECT count(*) FROM pg_prepared_statements WHERE name = %s",
            [_PROBE.decode()],
            prepare=False,
        ).fetchall()
        if not known:
            return False
        connection.execute(b"DEALLOCATE " + _PROBE, prepare=False)
        return True


def _shares_servers(connection: "psycopg.Connection[Any]", connect: Connect) -> bool:
    """Return whether another client gets our server connection, or we get another one."""
    ours = {_backend(connection)}
    with connect() as other:
        other.autocommit = True
        for _ in range(_LOOKS):
            ours.add(_backend(connection))
            if len(ours) > 1 or _backend(other) in ours:
                return True
    return False
