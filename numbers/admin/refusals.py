"""Refusals, and searches that found too few numbers."""

import re
from typing import Any

from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db.models import Func, OuterRef, QuerySet, Subquery, TextField, Value
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from campaigns.admin_filters import OrganizationFilter
from campaigns.models import Organization
from config.admin.filters import TypedFilter, Unreadable
from config.admin.model_admin import DeskAdmin
from numbers.admin.filters import SerialDayFilter, is_area_code
from numbers.admin.stock_links import stock_links
from numbers.inventory.criteria import PATTERN
from numbers.models import PhoneNumber, Refusal

NUMBERS_SHOWN = 2
NAMED_SHOWN = 20
SEARCHES = (Refusal.SEARCH_SHORT,)
# The value of a filter for requests that did not name this criterion.
NOT_NAMED = "none"


def _never(request: HttpRequest, codes: tuple[str, ...]) -> bool:
    """Return whether the list is filtered by another code, which by a CHECK has no such rows."""
    code = request.GET.get("code") or request.GET.get("code__exact")
    return code is not None and code not in codes


class RefusalDayFilter(SerialDayFilter):
    moment = "at"


class UnmetFilter(admin.SimpleListFilter):
    """Refusals that count as unmet demand."""

    title, parameter_name = "unmet demand", "unmet"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [("yes", "Fewer were available")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        return (
            queryset.none()
            if _never(request, Refusal.UNMET)
            else queryset.filter(wanted__isnull=False)
        )


# The expression of the index refusal_areas.
_AREAS = Func(
    "area_code",
    "numbers",
    function="numberdesk_refused_areas",
    output_field=ArrayField(TextField()),
)

# Not by that expression: PostgreSQL would call it for each row that the index finds.
_NAMED = Func("numbers", Value(" "), function="array_to_string", output_field=TextField())
_OF_AN_AREA = r"\+1[2-9][0-9]{9}"


class AreaFilter(TypedFilter):
    """Searches in an area code, and orders that named numbers of it."""

    title, parameter_name = "area code", "area"
    placeholder = "415, or none"
    instruction = "three digits, such as 415, or none"

    def narrow(self, request: HttpRequest, queryset: QuerySet[Any], typed: str) -> QuerySet[Any]:
        if typed == NOT_NAMED:
            others = queryset.annotate(in_text=_NAMED).exclude(in_text__regex=_OF_AN_AREA)
            return others.filter(wanted__isnull=False, area_code="")
        if not is_area_code(typed):
            raise Unreadable
        if _never(request, Refusal.UNMET):
            return queryset.none()
        return queryset.annotate(areas=_AREAS).filter(wanted__isnull=False, areas__contains=[typed])


class TypeFilter(admin.SimpleListFilter):
    """The type that a search asked for; orders of named numbers have none."""

    title, parameter_name = "number type", "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return [*PhoneNumber.Type.choices, (NOT_NAMED, "None named")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        if self.value() == NOT_NAMED:
            return queryset.filter(number_type="")
        return (
            queryset.none()
            if _never(request, SEARCHES)
            else queryset.filter(number_type=self.value())
        )


class PatternFilter(TypedFilter):
    title = parameter_name = "pattern"
    placeholder = "777, or none"
    instruction = "digits, such as 777, with a plus those at the beginning, or none"

    def narrow(self, request: HttpRequest, queryset: QuerySet[Any], typed: str) -> QuerySet[Any]:
        if typed == NOT_NAMED:
            return queryset.filter(pattern="")
        if not re.fullmatch(PATTERN, typed, re.ASCII):
            raise Unreadable
        return queryset.none() if _never(request, SEARCHES) else queryset.filter(pattern=typed)


def asked_for(refusal: Refusal) -> int | None:
    """Return how many numbers were asked for. Unmet demand leaves out those that the buyer owns."""
    return refusal.wanted if refusal.requested is None else refusal.requested


def available(refusal: Refusal) -> int | None:
    return refusal.found if refusal.available is None else refusal.available


@admin.register(Refusal)
class RefusalAdmin(DeskAdmin):
    change_form_template = "operators/refused.html"
    linked = ("code", "code__exact", "status__in", "sandbox__exact", "organization_id")
    list_display = (
        "at",
        "reason",
        "organization",
        "numbers_asked",
        "numbers_available",
        "criteria",
        "note",
    )
    list_filter = (
        UnmetFilter,
        RefusalDayFilter,
        OrganizationFilter,
        AreaFilter,
        TypeFilter,
        PatternFilter,
    )
    shown = (
        *(
            "at",
            "status",
            "reason",
            "organization",
            "sandbox",
            "path",
            "note",
            "numbers_asked",
            "numbers_available",
            "area_code",
            "number_type",
        ),
        *("pattern", "named_numbers", "idempotency_key", "actor", "request_id"),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        named = Organization.objects.filter(pk=OuterRef("organization_id")).values("name")
        return super().get_queryset(request).annotate(organization_name=Subquery(named))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        refusal: Refusal = context["original"]
        named = refusal.named or refusal.numbers
        context["named"] = named[:NAMED_SHOWN]
        context["more_named"] = max(0, len(named) - NAMED_SHOWN)
        context["asked"], context["available"] = asked_for(refusal), available(refusal)
        if refusal.wanted is not None:
            context.update(_stock_links(request, refusal))
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="code")
    def reason(self, refusal: Refusal) -> str:
        """Return the code with line breaks allowed: INSUFFICIENT_INVENTORY is two columns wide."""
        return format_html_join(
            mark_safe("_<wbr>"), "{}", ((part,) for part in refusal.what.split("_"))
        )

    @admin.display(description="asked for")
    def numbers_asked(self, refusal: Refusal) -> str:
        return _counted_or_dash(asked_for(refusal))

    @admin.display(description="available")
    def numbers_available(self, refusal: Refusal) -> str:
        return _counted_or_dash(available(refusal))

    @admin.display(description="numbers")
    def named_numbers(self, refusal: Refusal) -> str:
        return ", ".join(refusal.named or refusal.numbers)

    @admin.display
    def criteria(self, refusal: Refusal) -> str:
        """Return the criteria of a search, or the first numbers of an order."""
        criteria = [one for one in (refusal.area_code, refusal.number_type, refusal.pattern) if one]
        named = refusal.named or refusal.numbers
        more = ["…"] if len(named) > NUMBERS_SHOWN else []
        return ", ".join([*criteria, *named[:NUMBERS_SHOWN], *more])

    @admin.display
    def organization(self, refusal: Any) -> str:
        if refusal.organization_id == Refusal.NO_ORGANIZATION:
            return "no valid key"
        address = reverse("admin:campaigns_organization_change", args=[refusal.organization_id])
        name = refusal.organization_name or refusal.organization_id
        return format_html('<a href="{}" title="{}">{}</a>', address, refusal.organization_id, name)


def _counted_or_dash(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"


def _stock_links(request: HttpRequest, refusal: Refusal) -> dict[str, Any]:
    """Return links to the numbers that match; an order that named some has no criteria."""
    criteria = {
        name: value
        for name in ("area_code", "number_type", "pattern")
        if (value := getattr(refusal, name))
    }
    links = stock_links(
        request,
        criteria,
        sandbox=refusal.sandbox,
        missing=(refusal.wanted or 0) - (refusal.found or 0),
    )
    return links if criteria else {**links, "searches": []}
