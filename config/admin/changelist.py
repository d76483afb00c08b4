"""Lists of millions of rows: bounded counts, bounded offsets, bounded time; rows by a short id."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import FieldListFilter
from django.core.paginator import Page, Paginator
from django.db import OperationalError, connections, transaction
from django.db.models import Model, UUIDField
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property
from psycopg import sql

from config.admin.listing import GuardedChangeList
from config.admin.related_tables import NAMES, SHORT
from config.db.sqlstates import CANCELED, sqlstate_of

# Pages beyond this need a filter instead. It also bounds OFFSET.
REACHABLE_ROWS = 10_000
# Time to find the rows of a page. A slower search needs another digit or filter.
# PATIENT_VAR in the URL asks for the longer limit.
LOOK_MS = 180
PATIENT_MS = 20_000
PATIENT_VAR = "patient"
# Time to count the rows beyond the page shown. An exact count is not worth a longer wait.
COUNT_MS = 60
# No index has the end of an id, and one would cost every order a write. So only the newest rows
# are read: as many as a list without a filter can reach.
_ENDING = re.compile(rf"(?:…|\.\.\.)?([0-9a-f]{{{SHORT}}})", re.IGNORECASE)
_MOST_FOUND = 20
_NEWEST = sql.SQL("""
    SELECT newest.id FROM (SELECT {key} AS id FROM {table} ORDER BY {key} DESC LIMIT %s) AS newest
    WHERE right(newest.id::text, %s) = %s LIMIT %s
""")


def rows_of(model: str, **query: Any) -> str:
    """Return the URL of a list, such as ``rows_of("auth_user", is_active=1)``."""
    address = reverse(f"admin:{model}_changelist")
    return f"{address}?{urlencode(query)}" if query else address


@dataclass(frozen=True, slots=True)
class _Found:
    """The rows of a page, the count of all rows, and whether there are more than that."""

    rows: list[Any]
    count: int
    more: bool
    gave_up: bool = False


class BoundedPaginator(Paginator):
    """A paginator that counts up to ``REACHABLE_ROWS`` within a time limit.

    ``more`` says that there are more rows than counted. ``gave_up`` says that finding the rows of
    this page took too long. The page's rows are fetched first. If they do not fill the page, they
    are the count, so rare rows are searched for only once.
    """

    object_list: Any

    def __init__(
        self,
        object_list: Any,
        per_page: int,
        *arguments: Any,
        at: int = 1,
        patient: bool = False,
        **options: Any,
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
        if start >= REACHABLE_ROWS:  # beyond the last page: the first one is shown
            return _Found([], REACHABLE_ROWS, more=True)
        try:
            with within_time(self.object_list.db, PATIENT_MS if self.patient else LOOK_MS):
                rows = list(self.object_list[start : start + self.per_page + 1])
                if len(rows) <= self.per_page and (rows or start == 0):
                    return _Found(rows, start + len(rows), more=False)
                counted = self._counted()
        except OperationalError as error:
            if sqlstate_of(error) != CANCELED:
                raise
            return _Found([], start and start + 1, more=True, gave_up=True)
        if counted is None:  # known only: this page is full and another one follows
            return _Found(rows[: self.per_page], start + len(rows), more=True)
        return _Found(
            rows[: self.per_page], min(counted, REACHABLE_ROWS), more=counted > REACHABLE_ROWS
        )

    def _counted(self) -> int | None:
        """Count the rows, up to one more than can be reached. Return None if it takes too long."""
        with connections[self.object_list.db].cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{COUNT_MS}ms"])
        try:
            # Counting needs neither the order nor the joins for display.
            with transaction.atomic(using=self.object_list.db):
                return int(self.object_list.order_by()[: REACHABLE_ROWS + 1].count())
        except OperationalError as error:
            if sqlstate_of(error) != CANCELED:
                raise
            return None

    @cached_property
    def estimate(self) -> int | None:
        """Return PostgreSQL's estimate of the table's rows, or None if it has none."""
        with connections[self.object_list.db].cursor() as cursor:
            cursor.execute(
                "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass",
                [self.object_list.model._meta.db_table],
            )
            rows = cursor.fetchone()[0]
        return rows if rows > REACHABLE_ROWS else None


class DeskChangeList(GuardedChangeList):
    """A list that shows the rows its paginator has found. Django's would search for them again."""

    paginator: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.multi_page:
            self.result_list = self.paginator.page(1).object_list

    def get_filters(self, request: HttpRequest) -> Any:
        """Name a filter of a column as people say it: "sandbox" for ``is_sandbox``."""
        specs, *others = super().get_filters(request)
        for spec in specs:
            if isinstance(spec, FieldListFilter):
                spec.title = NAMES.get(spec.field.name, spec.title)
        return specs, *others

    def get_filters_params(self, params: Any = None) -> Any:
        return {
            name: values
            for name, values in super().get_filters_params(params).items()
            if name != PATIENT_VAR
        }

    @property
    def patient_address(self) -> str:
        return self.get_query_string({PATIENT_VAR: "yes"})


@contextmanager
def within_time(database: str, milliseconds: int) -> Iterator[None]:
    """Run an operator's queries with a custom plan, enough memory for a bitmap and a time limit.

    The settings end with the transaction, which is rolled back.
    """
    with transaction.atomic(using=database):
        with connections[database].cursor() as cursor:
            cursor.execute(
                "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), "
                "set_config('work_mem', '32MB', true), set_config('statement_timeout', %s, true)",
                [f"{milliseconds}ms"],
            )
        yield
        transaction.set_rollback(True, using=database)


def id_ending(text: str) -> str:
    """Return the characters that a list shows of an id, if the text is those; else ""."""
    match = _ENDING.fullmatch(text.strip())
    return match[1].lower() if match else ""


def ids_ending(model: type[Model], text: str) -> list[Any]:
    """Return the keys, of the newest rows, that end as the text says; [] if it is no such end."""
    key, ending = model._meta.pk, id_ending(text)
    if not ending or not isinstance(key, UUIDField):
        return []
    query = _NEWEST.format(
        key=sql.Identifier(str(key.column)), table=sql.Identifier(model._meta.db_table)
    )
    with connections[model._default_manager.db].cursor() as cursor:
        cursor.execute(query, [REACHABLE_ROWS, SHORT, ending, _MOST_FOUND])
        return [row[0] for row in cursor.fetchall()]
