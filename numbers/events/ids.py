"""Ids of events, and their places in the feed.

An id is a UUIDv7 whose time is the position of its entry: milliseconds in the first 48 bits,
microseconds within them in the 12 bits after the version. The last 12 bits number the events of
one entry, the bits between are random. So an id alone says where its event stands.
"""

from typing import NamedTuple
from uuid import UUID

NUMBER_BITS = 0xFFF
LAST_NUMBER = NUMBER_BITS


class Place(NamedTuple):
    """A place in the feed: the position of an entry, and the number of an event within it."""

    position: int
    number: int

    def as_uuid(self) -> UUID:
        """Return the place as a UUID without a random part, for cursors."""
        milliseconds, microseconds = divmod(self.position, 1000)
        return UUID(int=(milliseconds << 80) | (microseconds << 64) | self.number)


START = Place(0, 0)


def event_id(entry_id: UUID, number: int) -> UUID:
    """Return the id of an event of an entry, whose own id is that of event 0."""
    return UUID(int=entry_id.int | number)


def place_of(some_id: UUID) -> Place:
    """Return the place that an event's id, or ``Place.as_uuid``, says."""
    milliseconds, microseconds = some_id.int >> 80, (some_id.int >> 64) & 0xFFF
    return Place(milliseconds * 1000 + microseconds, some_id.int & NUMBER_BITS)
