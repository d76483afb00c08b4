"""Filters for lists of millions of rows: without counts, each backed by an index."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone


class TypedFilter(admin.SimpleListFilter):
    """A filter by a typed value, for columns with too many values to list."""

    template = "operators/typed_filter.html"
    placeholder: ClassVar[str] = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("", "")]  # one, so that the filter is shown; the template asks for text

    def choices(self, changelist: Any) -> Any:
        """Pass the template the other parameters, which its form must keep."""
        others = changelist.get_filters_params().items()
        kept = [
            (name, value)
            for name, values in others
            for value in values
            if name != self.parameter_name
        ]
        yield {"value": self.value() or "", "kept": [*kept, *self._search(changelist)]}

    def _search(self, changelist: Any) -> list[tuple[str, str]]:
        return [("q", changelist.query)] if changelist.query else []


class CalendarFilter(TypedFilter):
    """Rows of a year, a month or a day in UTC, with links from each to the next smaller one.

    The links come from the calendar: Django's ``date_hierarchy`` reads every row for them.
    """

    title = parameter_name = "day"
    template = "operators/calendar_filter.html"
    placeholder = "2026, 2026-12 or 2026-12-31"
    years_shown: ClassVar[int] = 3

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        span = read_period(self.value() or "")
        return queryset.none() if span is None else self.between(queryset, *span)

    def between(self, queryset: QuerySet[Any], begin: datetime, end: datetime) -> QuerySet[Any]:
        raise NotImplementedError

    def choices(self, changelist: Any) -> Any:
        (choice,) = super().choices(changelist)
        value = (self.value() or "").strip()

        def linked(period: str) -> tuple[str, str]:
            query = changelist.get_query_string({self.parameter_name: period})
            return period, query

        smaller = _periods_in(value, years=self.years_shown)
        yield {
            **choice,
            "larger": [linked(period) for period in _periods_around(value)],
            "smaller": [linked(period) for period in smaller],
            "whole": changelist.get_query_string({}, [self.parameter_name]) if value else "",
        }


def read_period(text: str) -> tuple[datetime, datetime] | None:
    """Return the begin and the end of a year, a month or a day; None if it is none of them."""
    match = re.fullmatch(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?", text.strip(), re.ASCII)
    if match is None:
        return None
    year, month, day = (int(part) if part else None for part in match.groups())
    try:
        begin = datetime(year or 0, month or 1, day or 1, tzinfo=UTC)
        if day is not None:
            return begin, begin + timedelta(days=1)
        if month is not None:
            return begin, datetime(begin.year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        return begin, datetime(begin.year + 1, 1, 1, tzinfo=UTC)
    except (ValueError, OverflowError):  # not in the calendar, or at its end
        return None


def _periods_in(value: str, *, years: int) -> list[str]:
    """Return the parts of a period that have begun: years, months or days. A day has none."""
    today = timezone.now().date()
    if not value:
        return [str(today.year - back) for back in range(years)]
    span = read_period(value)
    if span is None or len(value) > len("2026-12"):
        return []
    if len(value) == len("2026"):
        periods = [f"{value}-{month:02}" for month in range(1, 13)]
        return [period for period in periods if period <= f"{today:%Y-%m}"]
    days = (span[1] - span[0]).days
    periods = [f"{value}-{day:02}" for day in range(1, days + 1)]
    return [period for period in periods if period <= today.isoformat()]


def _periods_around(value: str) -> list[str]:
    """Return the year, and the month, that a month or a day is in."""
    if read_period(value) is None:
        return []
    return [value[:length] for length in (4, 7) if length < len(value)]


class DayFilter(TypedFilter):
    """Rows of one day in UTC. ``moment`` names the column, which needs an index."""

    title = parameter_name = "day"
    placeholder = "2026-12-31"
    moment: ClassVar[str] = "created_at"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        try:
            begin = datetime.combine(date.fromisoformat(value.strip()), datetime.min.time(), UTC)
            end = begin + timedelta(days=1)
        except (ValueError, OverflowError):  # not a day, or the last one of the calendar
            return queryset.none()
        return self.between(queryset, begin, end)

    def between(self, queryset: QuerySet[Any], begin: datetime, end: datetime) -> QuerySet[Any]:
        return queryset.filter(**{f"{self.moment}__gte": begin, f"{self.moment}__lt": end})
