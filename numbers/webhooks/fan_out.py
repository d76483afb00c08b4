"""Read the feed into deliveries: one for each event and each endpoint that wants its type.

Only the worker that holds the cursor's lock follows the feed, by position as a reader does: late
commits get later positions, so none is skipped. Deliveries, the cursor and the endpoints' ``due_at``
commit together.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction

from campaigns.event_types import EventType
from config.db.fields import new_id
from numbers.events.feed import entries_after
from numbers.events.ids import event_id
from numbers.events.render import COMPLETED_TYPES, Entry
from numbers.webhooks.claims import refresh_due
from numbers.webhooks.types import ALL_EVENTS

# Entries read at once, and events of one transaction, whose locks make creations wait.
ENTRIES, _EVENTS = 500, 2_000

_LOCK_CURSOR = """
    SELECT position FROM numbers_webhookcursor WHERE id = 1 FOR NO KEY UPDATE SKIP LOCKED
"""
# Only in a database without the row: nothing of what was before it is sent.
MAKE_CURSOR = """
    INSERT INTO numbers_webhookcursor (id, position)
    SELECT 1, coalesce((SELECT position FROM numbers_feedhead WHERE id = 1), 0)
    ON CONFLICT DO NOTHING
"""
_MOVE_CURSOR = "UPDATE numbers_webhookcursor SET position = %s WHERE id = 1"
_LOCK_ENDPOINTS = """
    SELECT id, organization_id, events, followed_from FROM numbers_webhook
    WHERE organization_id = ANY(%s) AND deleted_at IS NULL AND status <> 'disabled'
    ORDER BY id FOR NO KEY UPDATE
"""
_ADD = """
    INSERT INTO numbers_webhookdelivery (id, webhook_id, event_id, event_type, status, due_at, tries)
    SELECT id, webhook_id, event_id, event_type, 'pending', statement_timestamp(), 0
    FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::text[])
         AS line (id, webhook_id, event_id, event_type)
    ON CONFLICT (webhook_id, event_id) DO NOTHING
"""


class Endpoint(NamedTuple):
    """What decides whether an endpoint gets an event."""

    id: UUID
    organization_id: UUID
    events: list[str]
    followed_from: int

    def wants(self, entry: Entry, event_type: str) -> bool:
        """Return whether it gets an event of the entry. A ping goes to the endpoint it names."""
        if entry.position <= self.followed_from:
            return False
        if event_type == EventType.WEBHOOK_PING:
            return bool(entry.data) and entry.data[0]["id"] == str(self.id)
        return wants_type(self.events, event_type)


def wants_type(wanted: Sequence[str], event_type: str) -> bool:
    """Return whether a list of types, or ``*``, has this one."""
    return ALL_EVENTS in wanted or event_type in wanted


def events_in(entry: Entry) -> Iterator[tuple[UUID, str]]:
    """Return id and type of each event of an entry."""
    for number in range(entry.event_count):
        is_number = number > 0 and entry.type in COMPLETED_TYPES
        event_type = EventType.PHONE_NUMBER_ASSIGNED.value if is_number else entry.type
        yield event_id(entry.id, number), event_type


def fan_out(*, batches: int | None = None) -> int:
    """Make the deliveries of new events; return how many entries of the feed were read.

    Zero too if another worker is doing it at this moment. ``batches``: not more than so many.
    """
    read = 0
    for _ in itertools.count() if batches is None else range(batches):
        entries = _fan_out_batch()
        read += entries
        if not entries:
            break
    return read


def _fan_out_batch() -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK_CURSOR)
        row = cursor.fetchone()
        if row is None:  # another worker holds it, or there is none
            cursor.execute(MAKE_CURSOR)
        entries = bounded(entries_after(row[0], limit=ENTRIES)) if row else []
        if not entries:
            return 0
        endpoints: dict[UUID, list[Endpoint]] = defaultdict(list)
        cursor.execute(_LOCK_ENDPOINTS, [list({one.organization_id for one in entries})])
        for endpoint in map(Endpoint._make, cursor.fetchall()):
            endpoints[endpoint.organization_id].append(endpoint)
        add_deliveries(
            (endpoint.id, event, event_type)
            for entry in entries
            for event, event_type in events_in(entry)
            for endpoint in endpoints.get(entry.organization_id, ())
            if endpoint.wants(entry, event_type)
        )
        cursor.execute(_MOVE_CURSOR, [entries[-1].position])
    return len(entries)


def add_deliveries(lines: Iterable[tuple[UUID, UUID, str]]) -> int:
    """Add a delivery for each endpoint, event id and type that has none. Return how many.

    The caller holds the locks of the endpoints.
    """
    added = list(lines)
    if not added:
        return 0
    webhooks, events, types = (list(column) for column in zip(*added, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [[new_id() for _ in added], webhooks, events, types])
        count = cursor.rowcount
    refresh_due(list(set(webhooks)))
    return count


def bounded(entries: list[Entry]) -> list[Entry]:
    """Return the first entries, up to the events of one transaction, and always one."""
    total = 0
    for position, entry in enumerate(entries):
        total += entry.event_count
        if total > _EVENTS and position > 0:
            return entries[:position]
    return entries
