"""What PostgreSQL's errors mean, by their SQLSTATEs (PostgreSQL's manual, appendix A)."""

import psycopg
from django.db import InterfaceError, OperationalError
from psycopg import errors

from config.db.backend.pooler import is_mixed_up
from config.db.pipeline import is_stale

# A statement that took too long, or that another connection canceled.
CANCELED = errors.QueryCanceled.sqlstate
LOCK_NOT_AVAILABLE = errors.LockNotAvailable.sqlstate
# Blocked by another transaction: a retry may succeed.
LOCKED = (
    LOCK_NOT_AVAILABLE,
    errors.SerializationFailure.sqlstate,
    errors.DeadlockDetected.sqlstate,
)

# Temporary: connection trouble, out of resources, shutting down or canceled; a lock, after all
# retries; a transaction that was idle for too long, or on a server that became a replica.
_UNAVAILABLE_CLASSES = ("08", "53", "57")
_UNAVAILABLE = (
    *LOCKED,
    errors.IdleInTransactionSessionTimeout.sqlstate,
    errors.ReadOnlySqlTransaction.sqlstate,
)


def sqlstate_of(error: BaseException) -> str | None:
    """Return the SQLSTATE of a database error raised by Django or psycopg, or None."""
    for candidate in (error, error.__cause__):
        if isinstance(candidate, psycopg.Error) and candidate.sqlstate:
            return candidate.sqlstate
    return None


def is_unavailable(error: BaseException) -> bool:
    """Return whether the database is temporarily unavailable, rather than the statement wrong."""
    if (
        isinstance(error, InterfaceError | psycopg.InterfaceError)
        or is_outdated(error)
        or is_mixed_up(error)
    ):
        return True
    state = sqlstate_of(error)
    if state is None:
        # A refused or broken connection has no SQLSTATE.
        return isinstance(error, OperationalError | psycopg.OperationalError)
    return state.startswith(_UNAVAILABLE_CLASSES) or state in _UNAVAILABLE


def is_outdated(error: BaseException) -> bool:
    """Return whether a migration changed the result of an earlier prepared statement."""
    return any(is_stale(one) for one in (error, error.__cause__) if one is not None)
