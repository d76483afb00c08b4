"""Lists of millions: no unbounded count, no offset into the depths."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db import OperationalError, connections, transaction
from django.http import HttpRequest
from django.utils.functional import cached_property

from config.admin.listing import GuardedChangeList
from config.errors import sqlstate_of

# Nobody turns to page 101 by hand: whoever gets there needs a filter. It also bounds OFFSET.
REACHABLE_ROWS = 10_000
# Of looking for the rows of a page: what takes longer needs another digit or another filter. Whoever wants to
# wait asks for it, by PATIENT_VAR in the address.
LOOK_MS = 180
PATIENT_MS = 20_000
PATIENT_VAR = "patient"
# Of counting what lies beyond the page that is shown: a page is not worth waiting for its last digit.
COUNT_MS = 60
_CANCELLED = "57014"


@dataclass(frozen=True, slots=True)
class _Found:
    """The rows of a page; how many there are in all, and whether there are more than that, or nobody knows."""

    rows: list[Any]
    count: int
    more: bool
    gave_up: bool = False


class BoundedPaginator(Paginator):
    """Counts no further than ``REACHABLE_ROWS``, and not for long; ``more`` says that there are more rows,
    ``gave_up`` that even those of this page took too long to find.

    The page's rows are fetched first: where they are not many, they are the count. What is rare is then
    searched for once, not twice.
    """

    object_list: Any

    def __init__(
        self, object_list: Any, per_page: int, *arguments: Any, at: int = 1, patient: bool = False, **options: Any
    ) -> None:
        super().__init__(object_list, per_page, *arguments, **options)
        self._at = max(at, 1)
        self.patient = patient

    @cached_property
    def count(self) -> int:
        return self._found.count

    @property
    def more(self) -> bool:
        return self._found.more

    @property
    def gave_up(self) -> bool:
        return self._found.gave_up

    def page(self, number: Any) -> Page:
        if self.validate_number(number) != self._at:
            return super().page(number)
        return Page(self._found.rows, self._at, self)

    @cached_property
    def _found(self) -> _Found:
        start = (self._at - 1) * self.per_page
        if start >= REACHABLE_ROWS:  # no page: whoever typed it in is sent to the first
            return _Found([], REACHABLE_ROWS, more=True)
        try:
            with _looking(self.object_list.db, PATIENT_MS if self.patient else LOOK_MS):
                rows = list(self.object_list[start : start + self.per_page + 1])
                if len(rows) <= self.per_page and (rows or start == 0):
                    return _Found(rows, start + len(rows), more=False)
                counted = self._counted()
        except OperationalError as error:
            if sqlstate_of(error) != _CANCELLED:
                raise
            return _Found([], start and start + 1, more=True, gave_up=True)
        if counted is None:  # what is known: this page is full, and there is another one
            return _Found(rows[: self.per_page], start + len(rows), more=True)
        return _Found(rows[: self.per_page], min(counted, REACHABLE_ROWS), more=counted > REACHABLE_ROWS)

    def _counted(self) -> int | None:
        """How many rows there are, up to one more than can be reached; None where that takes too long."""
        with connections[self.object_list.db].cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{COUNT_MS}ms"])
        try:
            # Without its order and its joins for display, the rows are only counted.
            with transaction.atomic(using=self.object_list.db):
                return int(self.object_list.order_by()[: REACHABLE_ROWS + 1].count())
        except OperationalError as error:
            if sqlstate_of(error) != _CANCELLED:
                raise
            return None

    @cached_property
    def estimate(self) -> int | None:
        """About how many rows the whole table has, as PostgreSQL last counted them; None when it has not."""
        with connections[self.object_list.db].cursor() as cursor:
            cursor.execute(
                "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass",
                [self.object_list.model._meta.db_table],
            )
            rows = cursor.fetchone()[0]
        return rows if rows > REACHABLE_ROWS else None


class DeskChangeList(GuardedChangeList):
    """A list that shows the rows which its paginator has found, also where they fill less than a page:
    Django's would search for those once more."""

    paginator: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.multi_page:
            self.result_list = self.paginator.page(1).object_list

    def get_filters_params(self, params: Any = None) -> Any:
        return {name: values for name, values in super().get_filters_params(params).items() if name != PATIENT_VAR}

    @property
    def patient_address(self) -> str:
        return self.get_query_string({PATIENT_VAR: "yes"})


@contextmanager
def _looking(database: str, milliseconds: int) -> Iterator[None]:
    """Settings for queries whose filters are an operator's: each is planned for what it asks, has the memory
    to know each row that an index names, and so much time. They end with the transaction, which is rolled back."""
    with transaction.atomic(using=database):
        with connections[database].cursor() as cursor:
            cursor.execute(
                "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), "
                "set_config('work_mem', '32MB', true), set_config('statement_timeout', %s, true)",
                [f"{milliseconds}ms"],
            )
        yield
        transaction.set_rollback(True, using=database)
