"""Remove old deliveries, and deleted endpoints, in batches."""

from datetime import timedelta

from django.db import connection, transaction

KEEP = timedelta(days=30)
BATCH = 5_000

# By the key, whose UUIDv7 begins with the time. A text of the time makes the bound.
_OLD = """
    SELECT id FROM numbers_webhookdelivery
    WHERE id < (
        SELECT (lpad(to_hex((extract(epoch FROM bound) * 1000)::bigint), 12, '0')
                || repeat('0', 20))::uuid
        FROM (SELECT statement_timestamp() - make_interval(days => %(keep)s) AS bound) AS old
    )
    ORDER BY id LIMIT %(batch)s
"""
_OF_DELETED = """
    SELECT d.id FROM numbers_webhook AS w
    CROSS JOIN LATERAL (
        SELECT id FROM numbers_webhookdelivery WHERE webhook_id = w.id LIMIT %(batch)s
    ) AS d
    WHERE w.deleted_at IS NOT NULL LIMIT %(batch)s
"""
_REMOVE = """
    WITH old AS ({which}), attempts AS (
        DELETE FROM numbers_deliveryattempt WHERE delivery_id IN (SELECT id FROM old)
    )
    SELECT id FROM old
"""
_REMOVE_DELIVERIES = "DELETE FROM numbers_webhookdelivery WHERE id = ANY(%s)"
_REMOVE_ENDPOINTS = """
    DELETE FROM numbers_webhook AS w WHERE deleted_at < statement_timestamp() - interval '1 hour'
    AND NOT EXISTS (SELECT FROM numbers_webhookdelivery WHERE webhook_id = w.id)
"""


def forget_old_deliveries() -> int:
    """Remove deliveries older than 30 days and those of deleted endpoints; return how many."""
    removed = 0
    for which in (_OLD, _OF_DELETED):
        while count := _remove_batch(which):
            removed += count
    with connection.cursor() as cursor:
        cursor.execute(_REMOVE_ENDPOINTS)
    return removed


def _remove_batch(which: str) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_REMOVE.format(which=which), {"keep": KEEP.days, "batch": BATCH})
        ids = [row[0] for row in cursor.fetchall()]
        if ids:
            cursor.execute(_REMOVE_DELIVERIES, [ids])
    return len(ids)
