"""Refusals, and searches that found too little."""

from typing import Any

from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db.models import Func, QuerySet, TextField
from django.http import HttpRequest

from campaigns.filters import OrganizationFilter
from config.desk.filters import TypedFilter
from config.desk.model_admin import DeskAdmin
from numbers.admin.filters import SerialDayFilter
from numbers.models import PhoneNumber, Refusal


class RefusalDayFilter(SerialDayFilter):
    moment = "at"


class UnmetFilter(admin.SimpleListFilter):
    """Those that make up the list of what is wanted and not available."""

    title, parameter_name = "unmet demand", "unmet"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("yes", "Numbers were missing")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(wanted__isnull=False) if self.value() else queryset


class AreaFilter(TypedFilter):
    """Searches in an area code, and orders that named numbers of it."""

    title, parameter_name = "area code", "area"
    placeholder = "415"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = (self.value() or "").strip()
        if not value:
            return queryset
        if not (len(value) == 3 and value.isascii() and value.isdigit()):
            return queryset.none()
        # As the index refusal_areas has it.
        areas = Func("area_code", "numbers", function="numberdesk_refused_areas", output_field=ArrayField(TextField()))
        return queryset.annotate(areas=areas).filter(wanted__isnull=False, areas__contains=[value])


class TypeFilter(admin.SimpleListFilter):
    """What searches asked for; orders name numbers, whatever their type."""

    title, parameter_name = "number type", "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return PhoneNumber.Type.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(number_type=self.value()) if self.value() else queryset


class PatternFilter(TypedFilter):
    title = parameter_name = "pattern"
    placeholder = "777"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(pattern=self.value()) if self.value() else queryset


@admin.register(Refusal)
class RefusalAdmin(DeskAdmin):
    list_display = ("at", "code", "organization_id", "wanted", "found", "area_code", "number_type", "pattern", "note")
    list_filter = (UnmetFilter, RefusalDayFilter, OrganizationFilter, AreaFilter, TypeFilter, PatternFilter)
    shown = (
        *("at", "code", "organization_id", "sandbox", "path", "note", "wanted", "found", "area_code", "number_type"),
        *("pattern", "numbers", "actor", "request_id"),
    )
