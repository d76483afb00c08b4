"""Filters for lists of millions of rows: without counts, each backed by an index."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from config.admin.form_fields import read_day

_QUOTED = 40  # characters of a value that a message repeats


class Unreadable(Exception):
    """A filter can't read its value. The text, if any, is a sentence about what would help."""


class TypedFilter(admin.SimpleListFilter):
    """A filter by a typed value, for columns with too many values to list.

    A subclass narrows the rows, or raises `Unreadable`: then there are none, and a message says
    why.
    """

    template = "operators/typed_filter.html"
    placeholder: ClassVar[str] = ""
    # How to write a value, in the message for one that can't be read; else the placeholder.
    instruction: ClassVar[str] = ""

    @property
    def typed(self) -> str:
        return (self.value() or "").replace("\0", "").strip()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        typed = self.typed
        if not typed:
            return queryset
        try:
            return self.narrow(request, queryset, typed)
        except Unreadable as problem:
            messages.warning(request, self._explain(typed, str(problem)))
            return queryset.none()

    def narrow(self, request: HttpRequest, queryset: QuerySet[Any], typed: str) -> QuerySet[Any]:
        """Return the rows that match what was typed. Raise Unreadable if it can't be read."""
        raise NotImplementedError

    def found_nothing(self, typed: str) -> str:
        shown = typed if len(typed) <= _QUOTED else f"{typed[:_QUOTED]}…"
        return f"The filter “{self.title}” finds nothing for “{shown}”"

    def _explain(self, typed: str, problem: str) -> str:
        found = self.found_nothing(typed)
        return (
            f"{found}. {problem}"
            if problem
            else f"{found}: write {self.instruction or self.placeholder}."
        )

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


class DayFilter(TypedFilter):
    """Rows of a day, a month, a year or a span of them, in UTC.

    ``moment`` names the column, which needs an index.
    """

    title = parameter_name = "day"
    placeholder = "2026, 2026-12 or 2026-12-31"
    instruction = "2026, 2026-12, 2026-12-31, 31 Dec 2026 or 2026-12-24..2026-12-31"
    moment: ClassVar[str] = "created_at"

    def narrow(self, request: HttpRequest, queryset: QuerySet[Any], typed: str) -> QuerySet[Any]:
        span = read_period(typed) or _read_range(typed)
        if span is None:
            raise Unreadable
        return self.between(queryset, *span)

    def between(self, queryset: QuerySet[Any], begin: datetime, end: datetime) -> QuerySet[Any]:
        return queryset.filter(**{f"{self.moment}__gte": begin, f"{self.moment}__lt": end})


class CalendarFilter(DayFilter):
    """Rows of a period, with links from each year and month to the next smaller one.

    The links come from the calendar: Django's ``date_hierarchy`` reads every row for them.
    """

    template = "operators/calendar_filter.html"
    years_shown: ClassVar[int] = 3

    def begin(self) -> str:
        """Return the day of the first row, such as 2026-12-31; "" if there is no row."""
        raise NotImplementedError

    def choices(self, changelist: Any) -> Any:
        (choice,) = super().choices(changelist)
        value = _in_digits(self.typed)

        def linked(period: str) -> tuple[str, str]:
            query = changelist.get_query_string({self.parameter_name: period})
            return period, query

        smaller = [] if self.typed and not value else _periods_in(value, years=self.years_shown)
        begin = self.begin() if smaller else None
        smaller = [period for period in smaller if begin and period >= begin[: len(period)]]
        yield {
            **choice,
            "larger": [linked(period) for period in _periods_around(value)],
            "smaller": [linked(period) for period in smaller],
            "whole": changelist.get_query_string({}, [self.parameter_name]) if self.typed else "",
        }


def read_period(text: str) -> tuple[datetime, datetime] | None:
    """Return the begin and the end of a year, a month or a day; None if it is none of them."""
    match = re.fullmatch(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?", _in_digits(text), re.ASCII)
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


def _read_range(text: str) -> tuple[datetime, datetime] | None:
    """Return the begin of the first and the end of the last of two periods, as in 2026..2027."""
    first, dots, last = text.partition("..")
    begin, end = read_period(first), read_period(last)
    if not dots or begin is None or end is None or begin[0] >= end[1]:
        return None
    return begin[0], end[1]


def _in_digits(text: str) -> str:
    """Return a year or a month as it is, and a day of any notation as 2026-12-31; else ""."""
    if re.fullmatch(r"[0-9]{4}(?:-[0-9]{2})?", text.strip(), re.ASCII):
        return text.strip()
    day = read_day(text)
    return day.isoformat() if day else ""


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
