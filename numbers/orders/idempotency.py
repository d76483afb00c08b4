"""Idempotency keys: a retry gets the response of the first request.

The record is claimed first and finished last in the order's own transaction, so that a refusal or
crash rolls it back too. A second request with the key waits on the unique index until the first one
ends, then replays its response or proceeds.
"""

from typing import Any

from django.db import OperationalError, connection

from config.api.idempotency import (
    KEY_LENGTH,
    IdempotencyInProgress,
    IdempotencyKey,
    IdempotencyKeyReused,
    Remembered,
    read_idempotency_key,
)
from config.db.pipeline import Statement
from config.db.sqlstates import LOCK_NOT_AVAILABLE, sqlstate_of
from config.db.transactions import Transaction
from config.observability.metrics import locking

__all__ = [
    "KEY_LENGTH",
    "IdempotencyInProgress",
    "IdempotencyKey",
    "IdempotencyKeyReused",
    "Remembered",
    "read_idempotency_key",
]

HOURS = 24

CLAIM = """
    INSERT INTO numbers_idempotencyrecord AS r (organization_id, key, fingerprint)
    VALUES (%(organization_id)s, %(key)s, %(fingerprint)s)
    ON CONFLICT (organization_id, key) DO UPDATE
        SET fingerprint = EXCLUDED.fingerprint, status = NULL, body = NULL, created_at = now()
        WHERE r.created_at < now() - make_interval(hours => %(hours)s)
    RETURNING id
"""
RECALL = "SELECT fingerprint, status, body FROM numbers_idempotencyrecord WHERE organization_id = %s AND key = %s"
FINISH = "UPDATE numbers_idempotencyrecord SET status = %s, body = %s WHERE organization_id = %s AND key = %s"


def claim(tx: Transaction, key: IdempotencyKey) -> Remembered | None:
    """Take the key for this transaction, or return the response to the first request with it.

    Raise IdempotencyKeyReused, or IdempotencyInProgress if the first request has not finished
    within the lock timeout.
    """
    wanted: dict[str, Any] = {
        "organization_id": key.organization_id,
        "key": key.key,
        "fingerprint": key.fingerprint,
        "hours": HOURS,
    }
    try:
        with locking("idempotency key"):
            (claimed,) = tx.run((CLAIM, wanted))
    except OperationalError as error:
        if sqlstate_of(error) == LOCK_NOT_AVAILABLE:
            raise IdempotencyInProgress(headers={"Retry-After": "1"}) from error
        raise
    if claimed:
        return None
    ((remembered,),) = tx.run((RECALL, [key.organization_id, key.key]))
    fingerprint, status, body = remembered
    if bytes(fingerprint) != key.fingerprint:
        raise IdempotencyKeyReused()
    return Remembered(status, bytes(body))


def finish_statement(key: IdempotencyKey, *, status: int, body: bytes) -> Statement:
    """Return the statement that stores the response."""
    return FINISH, [status, body, key.organization_id, key.key]


def finish(tx: Transaction, key: IdempotencyKey, *, status: int, body: bytes) -> None:
    """Remember the response, in the transaction that it describes."""
    tx.run(finish_statement(key, status=status, body=body))


# An hour after the key expired: a request that has just found it may still read it.
FORGET = f"""
    WITH old AS MATERIALIZED (
        SELECT id FROM numbers_idempotencyrecord
        WHERE created_at < now() - make_interval(hours => {HOURS + 1})
        ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED
    )
    DELETE FROM numbers_idempotencyrecord WHERE id IN (SELECT id FROM old)
"""  # noqa: S608  made of constants


def forget_old_keys(*, batch: int) -> int:
    """Delete expired keys in short transactions; return how many.

    Rows that another transaction has locked are skipped, so that concurrent runs share the work.
    """
    forgotten = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(FORGET, [batch])
            forgotten += cursor.rowcount
            if cursor.rowcount < batch:
                return forgotten
