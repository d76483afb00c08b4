"""Return retired numbers to stock: undo a retirement, without cutting a quarantine short."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from config.actors import Actor
from config.db.transactions import Transaction, run_transaction
from config.errors import ValidationFailed
from numbers.locks import lock_numbers_by_id
from numbers.worker.wake import wake_statement

# A number that was retired during its quarantine goes back into it, and one that went from its owner
# to the carrier into the quarantine that its release would have begun, unless that is over.
RESTING_UNTIL = """
    SELECT n.id, CASE
        WHEN last.kind = 'released' THEN last.at + make_interval(days => %(days)s)
        WHEN last.before ->> 'status' = 'quarantined' THEN (
            SELECT (e.after ->> 'quarantined_until')::timestamptz FROM numbers_numberevent e
            WHERE e.number_id = n.id AND e.id < last.id AND e.after ? 'status' ORDER BY e.id DESC LIMIT 1)
    END AS until
    FROM unnest(%(ids)s::bigint[]) AS n (id)
    LEFT JOIN LATERAL (
        SELECT id, kind, at, before FROM numbers_numberevent e
        WHERE e.number_id = n.id AND e.after ? 'status' ORDER BY e.id DESC LIMIT 1
    ) AS last ON true
"""
RESTORE = f"""
    WITH line AS (
        SELECT id, CASE WHEN until > %(at)s THEN until END AS until FROM ({RESTING_UNTIL}) AS resting
    ), restored AS (
        UPDATE numbers_phonenumber number
        SET status = CASE WHEN line.until IS NULL THEN 'available' ELSE 'quarantined' END,
            quarantined_until = line.until, updated_at = %(at)s
        FROM line WHERE number.id = line.id
        RETURNING number.id, number.status, number.quarantined_until
    )
    INSERT INTO numbers_numberevent (at, number_id, kind, actor, request_id, before, after, reason)
    SELECT %(at)s, id, 'restored', %(actor)s, %(request_id)s, '{{"status": "retired"}}',
           jsonb_build_object('status', status, 'quarantined_until', quarantined_until), %(reason)s
    FROM restored
"""  # noqa: S608  made of a constant


def resting_until(number_ids: Sequence[int]) -> dict[int, datetime]:
    """Return when the quarantine ends into which retired numbers would go back, if one is left."""
    parameters: dict[str, Any] = {"ids": list(number_ids), "days": settings.NUMBER_QUARANTINE_DAYS}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, until FROM ({RESTING_UNTIL}) AS resting WHERE until > now()",  # noqa: S608
            parameters,
        )
        return dict(cursor.fetchall())


def restore_numbers(*, number_ids: Sequence[int], actor: Actor, reason: str) -> list[int]:
    """Return retired numbers to stock; return the ids of those that were retired.

    Raise ValidationFailed if there is no reason.
    """
    if not reason.strip():
        raise ValidationFailed(
            details={"reason": "is required: it is kept in the number's history"}
        )
    return run_transaction(lambda tx: _restore(tx, list(number_ids), actor, reason))


def _restore(tx: Transaction, number_ids: list[int], actor: Actor, reason: str) -> list[int]:
    rows = [row for row in lock_numbers_by_id(number_ids) if row.status == "retired"]
    if rows:
        parameters: dict[str, Any] = {
            "ids": [row.id for row in rows],
            "days": settings.NUMBER_QUARANTINE_DAYS,
            "at": max(row.at for row in rows),
            "actor": str(actor),
            "request_id": actor.request_id,
            "reason": reason.strip()[:256],
        }
        with connection.cursor() as cursor:
            cursor.execute(RESTORE, parameters)
        tx.run(wake_statement())
    return [row.id for row in rows]
