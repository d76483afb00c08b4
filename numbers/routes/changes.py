"""Routes as they change, derived from the feed of events (docs/adr/0012-feed-of-events.md).

Every change of an owner or of routing writes an entry of the feed, in its transaction. So changes
cost orders nothing, and have the feed's order: nothing is skipped that commits late. An entry says
which numbers changed; their routes are read as they are now, after the entries. A reader who has
followed the cursor to the end has the table that the database has.

An entry of an organization, a brand or a campaign stands for all its numbers, which are found page
by page: a suspension of a million numbers is one row where it happens.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from campaigns.event_types import EventType
from campaigns.outbox import ROUTES_CHANGED
from config import json_text
from config.db.pipeline import array_text, run_statements
from numbers.events.feed import EventExpired
from numbers.routes.route import ROUTES_OF_NUMBERS

# Entries that one statement reads. Most are orders, with a number or more each.
ENTRIES = 1_000

# Of the entry that a migration left in a desk with a history (campaigns/migrations/0010).
_NOTHING = "{}"
_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)
_ORDERS = (EventType.ORDER_COMPLETED.value, EventType.BULK_ORDER_COMPLETED.value)

# The head is read in the same snapshot, so whatever stands below it is visible.
_READ_ENTRIES = """
    SELECT head.position, head.removed_up_to, entry.*
    FROM (SELECT position, removed_up_to FROM numbers_feedhead WHERE id = 1) AS head
    LEFT JOIN LATERAL (
        SELECT e.position, e.type, e.subject_id, e.event_count,
               CASE WHEN e.type LIKE 'phone_number.%%' THEN ARRAY(
                   SELECT (item ->> 'id')::uuid FROM jsonb_array_elements(e.data) AS item ORDER BY 1
               ) END,
               CASE WHEN e.type = %(changed)s THEN e.data -> 0 END
        FROM numbers_feedentry e WHERE e.position >= %(position)s ORDER BY e.position LIMIT %(entries)s
    ) AS entry ON true
"""
_OF_ORDERS = """
    SELECT order_id, id FROM numbers_assignment WHERE order_id = ANY(%s::uuid[]) ORDER BY id
"""
_OPEN = "ended_at IS NULL AND id > %(after)s ORDER BY id LIMIT %(limit)s"
_OF_SUBJECT = {
    "organization": f"""
        SELECT id FROM numbers_assignment WHERE organization_id = %(subject)s AND {_OPEN}
    """,  # noqa: S608  made of constants
    "campaign": f"""
        SELECT id FROM numbers_assignment WHERE campaign_id = %(subject)s AND {_OPEN}
    """,  # noqa: S608
    "brand": f"""
        SELECT found.id FROM campaigns_campaign c
        CROSS JOIN LATERAL (
            SELECT id FROM numbers_assignment WHERE campaign_id = c.id AND {_OPEN}
        ) AS found
        WHERE c.brand_id = %(subject)s ORDER BY found.id LIMIT %(limit)s
    """,  # noqa: S608
}


class RoutePlace(NamedTuple):
    """A place in the changes: an entry's position, and the last of its numbers that was read."""

    position: int
    assignment_id: UUID

    def to_bytes(self) -> bytes:
        return self.position.to_bytes(8) + self.assignment_id.bytes

    @classmethod
    def from_bytes(cls, text: bytes) -> "RoutePlace":
        return cls(int.from_bytes(text[:8]), UUID(bytes=text[8:]))


START = RoutePlace(0, _FIRST)


class _Entry(NamedTuple):
    """An entry of the feed: the assignments that it names, or the subject of all."""

    position: int
    type: str
    subject_id: UUID | None
    event_count: int
    ids: list[UUID] | None
    subject: str | None  # JSON


@dataclass(slots=True)
class ChangedRoutes:
    """Routes as JSON, and the place to go on from. ``more``: there was more when it was read."""

    routes: list[str] = field(default_factory=list)
    next: RoutePlace = START
    more: bool = False


def end_of(position: int) -> RoutePlace:
    """Return the place after all numbers of the entry at a position."""
    return RoutePlace(position, _LAST)


def current_place() -> RoutePlace:
    """Return the place after all changes of this moment."""
    (rows,) = run_statements(("SELECT position FROM numbers_feedhead WHERE id = 1", []))
    return end_of(rows[0][0] if rows else 0)


def read_changes(*, after: RoutePlace = START, limit: int) -> ChangedRoutes:
    """Return up to `limit` changed routes after a place, oldest first; a number comes once.

    Raise EventExpired if changes after the place are no longer kept.
    """
    place, found = after, list[UUID]()
    while True:
        entries, head = _read_entries(place, is_start=after == START)
        read = _assignments_of(entries, place, limit)
        found = [one.assignment_id for one in read]
        if len(read) == limit:
            place, more = read[-1], True
        elif len(entries) == ENTRIES:
            place, more = end_of(entries[-1].position), True
        else:
            place, more = max(place, head), False
        if found or not more:
            return ChangedRoutes(_routes_of(found), place, more)


def _read_entries(after: RoutePlace, *, is_start: bool) -> tuple[list[_Entry], RoutePlace]:
    """Return entries from a place on, which may have been read in part, and the feed's end."""
    parameters = {"position": after.position, "changed": ROUTES_CHANGED, "entries": ENTRIES}
    (rows,) = run_statements((_READ_ENTRIES, parameters))
    head, removed_up_to = rows[0][:2] if rows else (0, 0)
    if not is_start and after < end_of(removed_up_to):
        raise EventExpired()
    return [_Entry._make(row[2:]) for row in rows if row[2] is not None], end_of(head)


def _assignments_of(entries: Sequence[_Entry], after: RoutePlace, limit: int) -> list[RoutePlace]:
    """Return the first `limit` assignments that the entries name, in order."""
    of_orders: dict[UUID | None, list[UUID]] | None = None
    found: list[RoutePlace] = []
    for place, entry in enumerate(entries):
        last = after.assignment_id if entry.position == after.position else _FIRST
        if entry.type in _ORDERS:
            if of_orders is None or entry.subject_id not in of_orders:
                of_orders = _numbers_of_orders(entries[place:], limit - len(found))
            ids = of_orders[entry.subject_id]
        elif entry.subject is not None and entry.subject != _NOTHING:
            ids = _numbers_of_subject(entry.subject, last, limit - len(found))
        else:
            ids = entry.ids or []
        found += [RoutePlace(entry.position, one) for one in ids if one > last]
        if len(found) >= limit:
            return found[:limit]
    return found


def _numbers_of_orders(entries: Sequence[_Entry], most: int) -> dict[UUID | None, list[UUID]]:
    """Return the assignments of the first orders, up to those that have ``most`` numbers."""
    orders: list[UUID | None] = []
    for entry in entries:
        if entry.type in _ORDERS:
            orders.append(entry.subject_id)
            most -= entry.event_count - 1  # the first event is the order's own
            if most <= 0:
                break
    (rows,) = run_statements((_OF_ORDERS, [array_text(orders)]))
    numbers: dict[UUID | None, list[UUID]] = defaultdict(list, {one: [] for one in orders})
    for order_id, assignment_id in rows:
        numbers[order_id].append(assignment_id)
    return numbers


def _numbers_of_subject(subject: str, after: UUID, limit: int) -> list[UUID]:
    ((kind, subject_id),) = json_text.load(subject.encode()).items()
    parameters = {"subject": subject_id, "after": after, "limit": limit}
    (rows,) = run_statements((_OF_SUBJECT[kind], parameters))
    return [one for (one,) in rows]


def _routes_of(assignments: Sequence[UUID]) -> list[str]:
    if not assignments:
        return []
    (rows,) = run_statements((ROUTES_OF_NUMBERS, [array_text(assignments)]))
    return [text for (text,) in rows]
