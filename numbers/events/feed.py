"""Read the feed: a page of an organization, one event, or everything after a position.

A page and the head of the feed are read in one statement, in one snapshot. What is visible below
the head is complete, so a page that is not full has shown everything up to the head.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from campaigns.event_types import EventType
from config.errors import ApiError, NotFound
from numbers.events.ids import LAST_NUMBER, START, Place, place_of
from numbers.events.render import NAMES, Entry, Event, events_statement

_COLUMNS = "position, id, organization_id, type, at, subject_id, event_count, data"

_OF_ALL_TYPES = f"""
    SELECT {_COLUMNS} FROM numbers_feedentry
    WHERE organization_id = %(organization_id)s AND position >= %(position)s
    ORDER BY position LIMIT %(limit)s + 1
"""  # noqa: S608  made of constants
# By type, so that a reader of a rare type never walks through ten million entries of others.
_OF_SOME_TYPES = f"""
    SELECT found.* FROM unnest(%(entry_types)s::text[]) AS wanted (type)
    CROSS JOIN LATERAL (
        SELECT {_COLUMNS} FROM numbers_feedentry
        WHERE organization_id = %(organization_id)s AND type = wanted.type AND position >= %(position)s
        ORDER BY position LIMIT %(limit)s + 1
    ) AS found
    ORDER BY position LIMIT %(limit)s + 1
"""  # noqa: S608  made of constants
# An entry is left out if those before it fill the page; the first of them may have been read in
# part, up to ``skipped`` events.
_ENTRIES = f"""
    SELECT {_COLUMNS} FROM (
        SELECT found.*, sum(events) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING) - events AS ahead
        FROM (
            SELECT found.*, CASE WHEN type = ANY(%(completed)s)
                   THEN (type = ANY(%(types)s))::int + %(assigned)s * (event_count - 1)
                   ELSE event_count END AS events
            FROM ({{found}}) AS found
        ) AS found
    ) AS counted
    WHERE ahead < %(limit)s + %(skipped)s
"""  # noqa: S608  made of constants
_PAGE = """
    SELECT head.position, head.removed_up_to, page.*
    FROM (SELECT position, removed_up_to FROM numbers_feedhead WHERE id = 1) AS head
    LEFT JOIN (
        SELECT position, number, type, text FROM event
        WHERE type = ANY(%(types)s) AND (position, number) > (%(after)s, %(after_number)s)
        ORDER BY position, number LIMIT %(limit)s
    ) AS page ON true
    ORDER BY page.position, page.number
"""
_PAGE_OF_ALL_TYPES = events_statement(_ENTRIES.format(found=_OF_ALL_TYPES), _PAGE)
_PAGE_OF_SOME_TYPES = events_statement(_ENTRIES.format(found=_OF_SOME_TYPES), _PAGE)

_BY_POSITION = f"""
    SELECT {_COLUMNS} FROM numbers_feedentry
    WHERE position = ANY(%(positions)s)
      AND (%(organization_id)s::uuid IS NULL OR organization_id = %(organization_id)s)
"""  # noqa: S608  made of constants
_EVENTS_AT = events_statement(
    _BY_POSITION,
    """
    SELECT position, number, type, text FROM event
    WHERE (position, number) IN (
        SELECT * FROM unnest(%(positions)s::bigint[], %(numbers)s::integer[])
    )
    """,
)
_AFTER_OF = f"""
    SELECT {_COLUMNS} FROM numbers_feedentry
    WHERE organization_id = %s AND position > %s ORDER BY position LIMIT %s
"""  # noqa: S608  made of constants
_AFTER = f"""
    SELECT {_COLUMNS} FROM numbers_feedentry WHERE position > %s ORDER BY position LIMIT %s
"""  # noqa: S608  made of constants

ALL_TYPES = frozenset(EventType.values)


class EventExpired(ApiError):
    """The cursor is older than the events that are kept."""

    status, code = 410, "EVENT_EXPIRED"
    message = "events after this cursor are no longer kept"


class FeedPage(NamedTuple):
    """Events, and the place to go on from."""

    events: list[Event]
    next: Place


def read_page(
    organization_id: UUID,
    *,
    after: Place = START,
    types: Collection[str] = ALL_TYPES,
    limit: int,
) -> FeedPage:
    """Return up to `limit` events of these types after a place, oldest first.

    Raise EventExpired if events after the place have been removed.
    """
    has_numbers = EventType.PHONE_NUMBER_ASSIGNED in types
    is_of_all = set(types) >= ALL_TYPES
    begin, skipped = after.position, after.number + 1
    if after == START or after.number == LAST_NUMBER:
        begin, skipped = after.position + 1, 0
    with connection.cursor() as cursor:
        cursor.execute(
            _PAGE_OF_ALL_TYPES if is_of_all else _PAGE_OF_SOME_TYPES,
            {
                **NAMES,
                "organization_id": organization_id,
                "position": begin,
                "after": after.position,
                "after_number": after.number,
                "limit": limit,
                "skipped": skipped,
                "types": list(types),
                "entry_types": sorted({*types, *(NAMES["completed"] if has_numbers else ())}),
                "assigned": int(has_numbers),
            },
        )
        rows = cursor.fetchall()
    head, removed_up_to = rows[0][:2] if rows else (0, 0)
    if START < after < Place(removed_up_to, LAST_NUMBER):
        raise EventExpired()
    events = [Event._make(row[2:]) for row in rows if row[2] is not None]
    if len(events) == limit:
        return FeedPage(events, Place(events[-1].position, events[-1].number))
    return FeedPage(events, max(after, Place(head, LAST_NUMBER)))


def current_place() -> Place:
    """Return the place after all events of this moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT position FROM numbers_feedhead WHERE id = 1")
        row = cursor.fetchone()
    return Place(row[0] if row else 0, LAST_NUMBER)


def own_event(some_id: UUID, organization_id: UUID) -> Event:
    """Return an event of the organization. Raise NotFound if it has none with this id."""
    event = events_by_id([some_id], organization_id=organization_id).get(some_id)
    if event is None:
        raise NotFound()
    return event


def events_by_id(ids: Iterable[UUID], *, organization_id: UUID | None = None) -> dict[UUID, Event]:
    """Return the events with these ids, without those that are unknown or no longer kept.

    `organization_id`: only those of this organization.
    """
    wanted = list(ids)
    places = [place_of(one) for one in wanted]
    with connection.cursor() as cursor:
        cursor.execute(
            _EVENTS_AT,
            {
                **NAMES,
                "positions": [one.position for one in places],
                "numbers": [one.number for one in places],
                "organization_id": organization_id,
            },
        )
        found = {event.id: event for event in map(Event._make, cursor.fetchall())}
    return {one: found[one] for one in wanted if one in found}


def entries_after(position: int, *, limit: int) -> list[Entry]:
    """Return entries of all organizations after a position, oldest first.

    A caller that keeps the last position gets every entry once, since none is inserted below.
    """
    with connection.cursor() as cursor:
        cursor.execute(_AFTER, [position, limit])
        return [Entry.read(row) for row in cursor.fetchall()]


def entries_of(organization_id: UUID, position: int, *, limit: int) -> list[Entry]:
    """Return entries of one organization after a position, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(_AFTER_OF, [organization_id, position, limit])
        return [Entry.read(row) for row in cursor.fetchall()]
