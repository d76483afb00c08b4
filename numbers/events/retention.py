"""Remove events that are older than RETENTION_DAYS, and remember how far the feed was removed."""

from django.db import connection, transaction

RETENTION_DAYS = 30
_BATCH = 5_000

# A position is a time, so the oldest are the first of the primary key. The head says in the same
# transaction that they are gone: a reader whose cursor is older is refused, and skips nothing.
_REMOVE = """
    WITH removed AS (
        DELETE FROM numbers_feedentry
        WHERE position = ANY(ARRAY(
            SELECT position FROM numbers_feedentry
            WHERE position < extract(epoch FROM now() - make_interval(days => %(days)s)) * 1000000
            ORDER BY position LIMIT %(batch)s))
        RETURNING position
    ), gone AS (
        SELECT count(*) AS entries, max(position) AS last FROM removed
    )
    UPDATE numbers_feedhead SET removed = removed + entries, removed_up_to = greatest(removed_up_to, last)
    FROM gone WHERE id = 1 AND entries > 0
    RETURNING entries
"""


def forget_old_events() -> int:
    """Remove entries of the feed older than RETENTION_DAYS, in batches; return how many."""
    removed = 0
    while batch := _remove_batch():
        removed += batch
    return removed


def _remove_batch() -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_REMOVE, {"days": RETENTION_DAYS, "batch": _BATCH})
        row = cursor.fetchone()
    return row[0] if row else 0
