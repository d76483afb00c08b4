"""Filters of the operators' lists, each answered by an index."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db import connection
from django.db.models import Max, Min, Q, QuerySet
from django.http import HttpRequest
from psycopg import sql

from campaigns.admin_filters import OrganizationFilter
from config.admin.filters import CalendarFilter, DayFilter, TypedFilter, Unreadable
from config.db.fields import first_id_of
from numbers.inventory.availability import STATES
from numbers.models import Order


class StateFilter(admin.SimpleListFilter):
    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [(state, state) for state in STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        state = STATES.get(self.value() or "")
        of_owner = any(
            request.GET.get(name) for name in ("organization", "label", "campaign", "rent")
        )
        if state and self.value() != "assigned" and of_owner:
            return queryset.none()  # an owned number is always assigned: no row can match
        return queryset.filter(state) if state else queryset


def is_area_code(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isdigit()


class AreaCodeFilter(TypedFilter):
    """A range of the unique index on the number, which also sorts the list."""

    title, parameter_name = "area code", "area_code"
    placeholder = "415"
    instruction = "three digits, such as 415"

    def narrow(self, request: HttpRequest, queryset: QuerySet[Any], typed: str) -> QuerySet[Any]:
        if not is_area_code(typed):
            raise Unreadable
        # A short code such as +1415 has no area code. Compare with NULL only: PostgreSQL would
        # treat an equal area code as independent of the range, and expect a four-hundredth of the
        # rows.
        return queryset.filter(
            number__gte=f"+1{typed}", number__lt=f"+1{typed}:", area_code__isnull=False
        )


class OwnerFilter(OrganizationFilter):
    """Numbers that the organization owns now."""

    title = "owner"
    column = "assignments__organization_id"

    def of(self, queryset: QuerySet[Any], ids: list[UUID]) -> QuerySet[Any]:
        return queryset.filter(
            STATES["assigned"], **self.one_of(ids), assignments__ended_at__isnull=True
        )


class PeriodFilter(OrganizationFilter):
    """Assignments of the organization: open ones, or with `ended_at__isempty=0` ended ones.

    Each of the two has an index of its own.
    """

    def of(self, queryset: QuerySet[Any], ids: list[UUID]) -> QuerySet[Any]:
        return super().of(queryset, ids).filter(ended_at__isnull=not self.ended)

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.ended = request.GET.get("ended_at__isempty") == "0"


class AccountFilter(OrganizationFilter):
    column = "account_id"


class OrderDayFilter(CalendarFilter):
    """A range of the primary key: an order's id begins with the time of its creation."""

    def between(self, queryset: QuerySet[Any], begin: datetime, end: datetime) -> QuerySet[Any]:
        return queryset.filter(pk__gte=first_id_of(begin), pk__lt=first_id_of(end))

    def begin(self) -> str:
        first = Order.objects.order_by("pk").values_list("created_at", flat=True).first()
        return f"{first.astimezone(UTC):%Y-%m-%d}" if first else ""


# The criteria that unmet demand is counted by, by the names that operators know.
CRITERIA = {"area": "area_code", "type": "number_type", "pattern": "pattern"}
_ANY = "any"


def criteria_in_words(criteria: Mapping[str, str]) -> str:
    """Return criteria as `CriteriaFilter` reads them, such as "area 415, pattern 777"."""
    named = [f"{word} {criteria[name]}" for word, name in CRITERIA.items() if criteria.get(name)]
    return ", ".join(named) or _ANY


class CriteriaFilter(TypedFilter):
    """Backorders that wait for exactly these criteria; SMS and MMS may be named beside them."""

    title, parameter_name = "backorders for", "criteria"
    placeholder = "area 415, type local, or any"
    instruction = "area 415, type local, pattern 777, several of them with commas, or any"

    def narrow(self, request: HttpRequest, queryset: QuerySet[Any], typed: str) -> QuerySet[Any]:
        named = dict.fromkeys(CRITERIA.values(), "")
        for part in [] if typed == _ANY else typed.split(","):
            word, _, given = part.strip().partition(" ")
            if word not in CRITERIA or not given.strip():
                raise Unreadable
            named[CRITERIA[word]] = given.strip()
        conditions = [
            Q(**{f"criteria__{name}": given} if given else {f"criteria__{name}__isnull": True})
            for name, given in named.items()
        ]
        return queryset.filter(*conditions, status="pending")


# OFFSET 0, or PostgreSQL would answer min() by reading the primary key from its end.
SPAN = sql.SQL("""
    SELECT min(id), max(id)
    FROM (SELECT id FROM {table} WHERE {moment} >= %s AND {moment} < %s OFFSET 0) AS day
""")


class SerialDayFilter(DayFilter):
    """Rows with a serial id, in the order of time: find the first and the last id first.

    Without the ids, PostgreSQL would read the newest rows backwards until it comes to the period.
    Ids and times may differ in order by moments, so those of a whole day are looked at.
    """

    def between(self, queryset: QuerySet[Any], begin: datetime, end: datetime) -> QuerySet[Any]:
        found = super().between(queryset, begin, end)
        of_all = super().between(queryset.model._default_manager.all(), begin, end)
        moments = of_all.aggregate(first=Min(self.moment), last=Max(self.moment))
        if moments["first"] is None:
            return queryset.none()
        day = timedelta(days=1)
        first, last = self._ids(queryset, begin, min(end, moments["first"] + day))
        if end - begin > day:
            _, last = self._ids(queryset, max(begin, moments["last"] - day), end)
        return found.filter(pk__gte=first, pk__lte=last)

    def _ids(self, queryset: QuerySet[Any], begin: datetime, end: datetime) -> tuple[int, int]:
        """Return the first and the last id of a time that has rows."""
        span = SPAN.format(
            table=sql.Identifier(queryset.model._meta.db_table), moment=sql.Identifier(self.moment)
        )
        with connection.cursor() as cursor:
            cursor.execute(span, [begin, end])
            first, last = cursor.fetchone()
        return first, last
