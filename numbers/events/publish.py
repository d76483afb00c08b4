"""Move entries from the outbox into the feed, and give each its position.

An id in ascending order is not in the order of commits: a reader of ``id > cursor`` would skip
what commits late. So one writer at a time, who holds the lock of the feed's head until its commit,
gives positions to what has committed. A position is visible only together with all smaller ones
(docs/adr/0012-feed-of-events.md).
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from campaigns.event_types import EventType
from config.api.envelope import render

# Entries that one transaction moves. A larger number makes the first of a backlog wait longer.
BATCH = 1_000

_IS_WAITING = "SELECT EXISTS (SELECT FROM campaigns_outboxentry)"
# Another worker that holds the lock is doing the work at this moment.
_LOCK_HEAD = "SELECT FROM numbers_feedhead WHERE id = 1 FOR NO KEY UPDATE SKIP LOCKED"
_MAKE_HEAD = "INSERT INTO numbers_feedhead (id, position) VALUES (1, 0) ON CONFLICT DO NOTHING"
# Positions follow the clock, not a counter: after a failover or a restore that lost the last ones,
# the next are still greater than any that a reader has seen. ARRAY(): a plan by the index,
# whatever the statistics say of a table that is empty most of the time.
_MOVE = """
    WITH taken AS (
        DELETE FROM campaigns_outboxentry
        WHERE id = ANY(ARRAY({which}))
        RETURNING *
    ), placed AS (
        SELECT taken.*, gen_random_uuid()::text AS random,
               greatest(head.position, (extract(epoch FROM statement_timestamp()) * 1000000)::bigint)
               + row_number() OVER (ORDER BY taken.id) AS position
        FROM taken CROSS JOIN (SELECT position FROM numbers_feedhead WHERE id = 1 OFFSET 0) AS head
    ), moved AS (
        INSERT INTO numbers_feedentry (position, id, organization_id, type, at, subject_id, event_count, data)
        SELECT position, (lpad(to_hex(position / 1000), 12, '0') || '7' || lpad(to_hex(position %% 1000), 3, '0')
                          || substr(random, 20, 4) || substr(random, 25, 9) || '000')::uuid,
               organization_id, type, at, subject_id, event_count, data
        FROM placed
        RETURNING position
    )
    UPDATE numbers_feedhead SET position = last, published = published + moved_now
    FROM (SELECT max(position) AS last, count(*) AS moved_now FROM moved) AS all_moved
    WHERE id = 1 AND moved_now > 0
    RETURNING moved_now
"""
_MOVE_OLDEST = _MOVE.format(
    which="SELECT id FROM campaigns_outboxentry ORDER BY id LIMIT %(batch)s"
)
_MOVE_ONE = _MOVE.format(which="SELECT %(id)s::bigint")
_WAIT_FOR_HEAD = "SELECT FROM numbers_feedhead WHERE id = 1 FOR NO KEY UPDATE"
_WRITE = """
    INSERT INTO campaigns_outboxentry (organization_id, type, event_count, data)
    VALUES (%s, %s, 1, %s::jsonb) RETURNING id
"""
_LAST_ID = """
    SELECT id FROM numbers_feedentry
    WHERE position = (SELECT position FROM numbers_feedhead WHERE id = 1)
"""


def publish_events() -> int:
    """Move all committed entries of the outbox into the feed; return how many were moved.

    Zero too if another worker is moving them at this moment.
    """
    moved = 0
    while batch := _publish_batch():
        moved += batch
        if batch < BATCH:
            break
    return moved


def publish_now(
    event_type: EventType, resource: Mapping[str, Any], *, organization_id: UUID
) -> UUID:
    """Write one event straight into the feed, in the current transaction; return its id.

    For an event whose id the response names. It holds the lock of the head until the commit, so the
    transaction must be a short one, and its last step.
    """
    with connection.cursor() as cursor:
        data = render([resource]).decode()
        cursor.execute(_WRITE, [organization_id, event_type.value, data])
        (entry,) = cursor.fetchone()
        cursor.execute(_WAIT_FOR_HEAD)
        if cursor.rowcount == 0:
            cursor.execute(_MAKE_HEAD)
        cursor.execute(_MOVE_ONE, {"id": entry})
        cursor.execute(_LAST_ID)
        (published,) = cursor.fetchone()
    return published


def _publish_batch() -> int:
    with connection.cursor() as cursor:
        cursor.execute(_IS_WAITING)
        if not cursor.fetchone()[0]:
            return 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK_HEAD)
        if cursor.rowcount == 0:
            cursor.execute(_MAKE_HEAD)  # only in a new database; waits for its first publisher
            if cursor.rowcount == 0:
                return 0
        cursor.execute(_MOVE_OLDEST, {"batch": BATCH})
        row = cursor.fetchone()
        return row[0] if row else 0
