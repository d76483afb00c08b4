"""Filters for lists of millions of rows: without counts, each backed by an index."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest


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
