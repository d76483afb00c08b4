"""The stock: numbers, their assignments and their stock batches."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IS_POPUP_VAR
from django.db.models import Prefetch
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html

from campaigns.names import as_id
from config.admin.actions import page_of
from config.admin.changelist import REACHABLE_ROWS, ids_ending, rows_of
from config.admin.csv_export import ExportedAdmin
from config.admin.form_fields import LastChange, last_change_in
from config.admin.model_admin import DeskAdmin
from config.admin.related_tables import Related, link, related
from config.admin.sign_in.operators import actor_of
from config.counts import money
from numbers.admin.add_numbers import AddNumbers
from numbers.admin.bulk_actions import BulkActionOperation, actions_for
from numbers.admin.filters import AreaCodeFilter, OwnerFilter, PeriodFilter, StateFilter
from numbers.admin.history import linked_names
from numbers.admin.number_filters import (
    BatchFilter,
    CampaignFilter,
    CarrierFilter,
    CostFilter,
    LabelFilter,
    PriceFilter,
    RentFilter,
    batches_noted,
)
from numbers.admin.number_search import containing, is_about_sold
from numbers.admin.rent import billing_of
from numbers.admin.timeline import question_on
from numbers.bulk_actions.actions import BULK_ACTIONS
from numbers.inventory.availability import state_of
from numbers.inventory.export import COLUMNS, with_owner
from numbers.inventory.timeline import timeline_of
from numbers.models import Assignment, NumberEvent, PhoneNumber, StockBatch

OPEN = Prefetch(
    "assignments",
    queryset=Assignment.objects.filter(ended_at__isnull=True).select_related("organization"),
    to_attr="open_assignments",
)


def _events_of(number_id: int) -> str:
    return rows_of("numbers_numberevent", number_id=number_id)


@admin.register(PhoneNumber)
class PhoneNumberAdmin(ExportedAdmin):
    linked = (
        *("status__exact", "quarantined_until__gt", "quarantined_until__lte"),
        *("sms_enabled__exact", "mms_enabled__exact"),
    )
    change_list_template = "operators/number_list.html"
    list_display = ("number", "state", "number_type", "owner", "prices", "carries", "region")
    sortable_by = ("number",)
    list_filter = (
        *(StateFilter, "number_type", AreaCodeFilter, OwnerFilter, "sandbox"),
        *(BatchFilter, CarrierFilter, PriceFilter, CostFilter, LabelFilter, CampaignFilter),
        RentFilter,
    )
    ordering = ("number",)  # the order of an index, which keeps area codes together
    search_fields = ("number__contains",)
    search_help_text = "Any part of a number"
    change_form_template = "operators/number.html"
    shown = (
        *(
            "number",
            "number_type",
            "area_code",
            "state",
            "owner",
            "sandbox",
            "price",
            "monthly_price",
            "sms_enabled",
            "mms_enabled",
        ),
        *(
            "region",
            "rate_center",
            "carrier",
            "quarantined_until",
            "held_for",
            "held_until",
            "reservation",
        ),
        *("batch", "created_at", "updated_at"),
    )
    shown_if_set = frozenset({"quarantined_until", "held_for", "held_until", "reservation"})
    editable = ("region", "rate_center", "carrier")
    adding = AddNumbers()
    exported = COLUMNS
    operations = [BulkActionOperation(action) for action in BULK_ACTIONS.values()]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related(OPEN).select_related("batch")

    def export_rows(self, rows: Any) -> Any:
        return with_owner(rows)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        found = containing(search_term, sold=is_about_sold(request))
        return (queryset if found is None else queryset.filter(found)), False

    def get_actions(self, request: HttpRequest) -> Any:
        return actions_for(request) if IS_POPUP_VAR not in request.GET else {}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        number = context["original"]
        life = timeline_of(number)
        named = linked_names(moment.facts for moment in life)
        context.update(question_on(request, number), life=life, named=named)
        return super().render_change_form(request, context, *args, **kwargs)

    def related(self, request: HttpRequest, subject: PhoneNumber) -> list[Related]:
        return billing_of(subject)

    def history_address(self, subject: PhoneNumber) -> str:
        return _events_of(subject.pk)

    @admin.display
    def state(self, number: PhoneNumber) -> str:
        """Return the effective state, which ends a hold or quarantine by time."""
        state, until = state_of(number)
        ends = format_html(" until {}", date_format(until, "M j, H:i")) if until else ""
        return format_html('<span class="desk-key desk-key-{}"></span>{}{}', state, state, ends)

    @admin.display(description="price")
    def prices(self, number: PhoneNumber) -> str:
        month = f" + {money(number.monthly_price)} a month" if number.monthly_price else ""
        return f"{money(number.price)}{month}"

    @admin.display
    def carries(self, number: PhoneNumber) -> str:
        able = (("SMS", number.sms_enabled), ("MMS", number.mms_enabled))
        return ", ".join(name for name, enabled in able if enabled) or "voice only"

    @admin.display
    def owner(self, number: PhoneNumber) -> str:
        for assignment in number.open_assignments:  # type: ignore[attr-defined]
            return format_html(
                '<a href="{}">{}</a>', page_of(assignment.organization), assignment.organization
            )
        return ""

    def last_change(self, subject: PhoneNumber, column: str) -> LastChange | None:
        return last_change_in(NumberEvent.objects.filter(number_id=subject.pk), column)

    def record_change(
        self,
        request: HttpRequest,
        obj: Any,
        *,
        before: dict[str, Any],
        after: dict[str, Any],
        reason: str,
    ) -> None:
        actor = actor_of(request)
        NumberEvent.objects.create(
            number_id=obj.pk,
            kind=NumberEvent.Kind.CHANGED,
            actor=str(actor),
            request_id=actor.request_id,
            before=before,
            after=after,
            reason=reason,
        )


@admin.register(Assignment)
class AssignmentAdmin(DeskAdmin):
    """Assignments, newest first; those of one organization by `?organization=`."""

    linked = ("order",)
    list_display = (
        "number",
        "organization",
        "created_at",
        "ended_at",
        "price",
        "label",
        "campaign",
    )
    list_filter = (("ended_at", admin.EmptyFieldListFilter), PeriodFilter)
    list_select_related = ("number", "organization", "campaign")
    search_fields = ("id__exact",)
    search_help_text = "The id that the customer sees"
    shown = (
        *(
            "id",
            "number",
            "organization",
            "order",
            "price",
            "monthly_price",
            "label",
            "inbound_url",
            "status_url",
            "campaign",
        ),
        *("created_at", "updated_at", "ended_at"),
    )

    def heading(self, subject: Assignment) -> str:
        return f"{subject.number} of {subject.organization}"

    def history_address(self, subject: Assignment) -> str:
        return _events_of(subject.number_id)


@admin.register(StockBatch)
class StockBatchAdmin(DeskAdmin):
    list_display = ("created_at", "source", "actor", "note", "request_id")
    list_filter = ("source",)
    search_fields = ("note",)
    search_help_text = "A part of the note, or an id"
    shown = ("id", "source", "numbers", "actor", "request_id", "note", "created_at")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        identity = as_id(search_term.strip())
        if not search_term.strip():
            return queryset, False
        ids = [identity] if identity else ids_ending(StockBatch, search_term)
        return queryset.filter(pk__in=ids or batches_noted(search_term.strip())), False

    @admin.display
    def numbers(self, batch: StockBatch) -> str:
        """Count the numbers, up to what a list can reach: a batch may have millions."""
        count = PhoneNumber.objects.filter(batch=batch).order_by()[: REACHABLE_ROWS + 1].count()
        return f"more than {REACHABLE_ROWS:,}" if count > REACHABLE_ROWS else f"{count:,}"

    def related(self, request: HttpRequest, subject: StockBatch) -> list[Related]:
        return [
            related(
                "Numbers",
                of=PhoneNumber.objects.filter(batch=subject).order_by("number"),
                headings=("number", "type", "state", "price"),
                cells=lambda row: (
                    link(row),
                    row.get_number_type_display(),
                    state_of(row)[0],
                    row.price,
                ),
                empty="It has no numbers.",
                all=rows_of("numbers_phonenumber", batch=subject.pk),
            )
        ]
