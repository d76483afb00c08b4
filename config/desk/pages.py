"""Lists of millions: no unbounded count, no offset into the depths."""

from typing import Any

from django.core.paginator import Paginator
from django.db import connection
from django.utils.functional import cached_property

# Nobody turns to page 101 by hand: whoever gets there needs a filter. It also bounds OFFSET.
REACHABLE_ROWS = 10_000


class BoundedPaginator(Paginator):
    """Counts no further than ``REACHABLE_ROWS``; ``more`` says that there are more rows."""

    object_list: Any

    @cached_property
    def count(self) -> int:
        return min(self._counted, REACHABLE_ROWS)

    @property
    def more(self) -> bool:
        return self._counted > REACHABLE_ROWS

    @cached_property
    def _counted(self) -> int:
        # Without its order and its joins for display, the rows are only counted.
        return self.object_list.order_by()[: REACHABLE_ROWS + 1].count()

    @cached_property
    def estimate(self) -> int | None:
        """About how many rows the whole table has, as PostgreSQL last counted them; None when it has not."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass",
                [self.object_list.model._meta.db_table],
            )
            rows = cursor.fetchone()[0]
        return rows if rows > REACHABLE_ROWS else None
