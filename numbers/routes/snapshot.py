"""All routes at one instant, a line each, streamed with the memory of one chunk.

One transaction sees the head of the feed and the routes in the same snapshot. What commits later
gets a position beyond that head, so ``changes`` from there misses nothing.
"""

from collections.abc import Callable, Iterator

from django.db import connection, transaction

from numbers.routes.changes import RoutePlace, current_place
from numbers.routes.route import ALL_ROUTES

_CHUNK = 1 << 16
# As CSV with quotes and delimiters that JSON never has, COPY writes a row as it is.
_COPY = rf"COPY ({ALL_ROUTES}) TO STDOUT WITH (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')"


def stream_routes(last_line: Callable[[RoutePlace], bytes]) -> Iterator[bytes]:
    """Yield every route as a line of JSON, then the line that ``last_line`` makes of the place.

    The transaction lasts until the end, so close the generator. Without the last line the
    snapshot is not whole.
    """
    is_alone = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if is_alone:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
        place = current_place()
        with cursor.copy(_COPY) as copy:
            buffer = bytearray()
            for row in copy:
                buffer += row
                if len(buffer) >= _CHUNK:
                    yield bytes(buffer)
                    buffer.clear()
        yield bytes(buffer) + last_line(place)
