"""Events of numbers, newest first; `?number_id=` for those of one number."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from config.admin.actions import page_of
from numbers.admin.history import HistoryAdmin, link_to
from numbers.inventory.timeline import SENTENCES
from numbers.models import Assignment, NumberEvent, Order, PhoneNumber
from numbers.numbering.notations import meanings_of
from numbers.orders.find import started_at, written_by

# Digits of a number's id; any longer text is no id of a row.
_LONGEST_ID = 18


def with_numbers(events: list[NumberEvent]) -> list[NumberEvent]:
    """Return the events, each with its phone number as ``number``, read in one query."""
    numbers = PhoneNumber.objects.in_bulk({event.number_id for event in events})
    for event in events:
        event.number = numbers[event.number_id]  # type: ignore[attr-defined]
    return events


def in_a_sentence(event: NumberEvent) -> str:
    """Return what happened in the words of a number's timeline."""
    return SENTENCES[NumberEvent.Kind(event.kind)]


@admin.register(NumberEvent)
class NumberEventAdmin(HistoryAdmin):
    linked = ("number_id",)
    list_display = ("at", "phone_number", "what", "changes", "actor", "reason", "owner")
    list_display_links = ("at",)
    search_fields = ("number_id__exact",)
    search_help_text = "A phone number in any notation, or the id of a request"
    shown = (
        *("at", "phone_number", "what", "changes", "reason", "actor", "owner"),
        *("order", "assignment", "request_id", "number_id"),
    )
    shown_if_set = frozenset({"reason", "owner", "order", "assignment"})

    def complete(self, rows: list[NumberEvent]) -> None:
        super().complete(with_numbers(rows))

    def heading(self, subject: NumberEvent) -> str:
        return f"{subject.number}: {in_a_sentence(subject)}"  # type: ignore[attr-defined]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        term = search_term.strip()
        if not term:
            return queryset, False
        if started_at(term):
            return queryset.filter(written_by(NumberEvent, term, at="at")), False
        ids = list(
            PhoneNumber.objects.filter(number__in=meanings_of(term)).values_list("pk", flat=True)
        )
        if not ids and term.isascii() and term.isdecimal() and len(term) <= _LONGEST_ID:
            ids = [int(term)]
        return queryset.filter(number_id__in=ids), False

    @admin.display
    def phone_number(self, event: NumberEvent) -> str:
        return link_to(event.number)  # type: ignore[attr-defined]

    @admin.display
    def what(self, event: NumberEvent) -> str:
        return in_a_sentence(event)

    @admin.display
    def order(self, event: NumberEvent) -> str:
        order = Order.objects.filter(pk=event.order_id).first() if event.order_id else None
        return link_to(order)

    @admin.display
    def assignment(self, event: NumberEvent) -> str:
        if event.assignment_id is None:
            return ""
        row = Assignment(pk=event.assignment_id)
        return format_html('<a href="{}">{}</a>', page_of(row), event.assignment_id)
