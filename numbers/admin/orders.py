"""Orders and their numbers: why one waits or failed, and how to find one."""

from typing import Any

from django.contrib import admin
from django.db import OperationalError, connection
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse

from apikeys.models import ApiKey
from campaigns.admin_filters import OrganizationFilter
from campaigns.names import as_id
from config.actors import Actor
from config.admin.actions import Done, Operation, page_of
from config.admin.changelist import LOOK_MS, ids_ending, rows_of, within_time
from config.admin.filters import TypedFilter, Unreadable
from config.admin.model_admin import DeskAdmin
from config.admin.related_tables import Related, link, related, short
from config.counts import counted, money
from config.db.sqlstates import CANCELED, sqlstate_of
from numbers.admin.filters import CriteriaFilter, OrderDayFilter
from numbers.admin.history import link_to
from numbers.admin.order_words import (
    history_of,
    name_of,
    wanted_in_words,
    why_no_numbers,
)
from numbers.admin.stock_links import stock_links
from numbers.models import Assignment, Order
from numbers.numbering.notations import meanings_of
from numbers.orders.bulk import cancel_order
from numbers.orders.find import closed_in, of_request, started_at
from numbers.orders.outlook import Outlook, outlook_of

# A number has had few owners; this bounds the orders of several meanings of what was typed.
_MOST_ORDERS = 100

REASONS = {
    "INSUFFICIENT_CREDIT": "The credit did not cover it when its turn came.",
    "CAMPAIGN_NOT_ACTIVE": "Its campaign was not ACTIVE when its turn came.",
    "BRAND_NOT_VERIFIED": "The brand of its campaign was not verified when its turn came.",
    "NOT_FOUND": "Its campaign no longer belonged to the organization when its turn came.",
}


class NumberFilter(TypedFilter):
    """Orders that brought a number, in any notation."""

    title = parameter_name = "number"
    placeholder = "(415) 555-0123"
    instruction = "a whole number, such as (415) 555-0123 or +14155550123"

    def narrow(self, request: HttpRequest, queryset: QuerySet[Any], typed: str) -> QuerySet[Any]:
        if not meanings_of(typed):
            raise Unreadable
        return queryset.filter(pk__in=_orders_of_numbers(typed))


class ReferenceFilter(TypedFilter):
    title, parameter_name = "reference", "customer_reference"
    placeholder = "the customer's, whole"

    def narrow(self, request: HttpRequest, queryset: QuerySet[Any], typed: str) -> QuerySet[Any]:
        return queryset.filter(_with_reference(typed))


def _with_reference(text: str) -> Q:
    # The second half is the condition of the index.
    return Q(customer_reference=text.replace("\0", "")[:255]) & ~Q(customer_reference="")


def _orders_of_numbers(text: str) -> list[Any]:
    owned = Assignment.objects.filter(number__number__in=meanings_of(text))
    return list(owned.order_by("-id").values_list("order_id", flat=True)[:_MOST_ORDERS])


class CancelOrder(Operation):
    name, label = "cancel", "Cancel order"
    permission = "numbers.add_order"

    def applies_to(self, subject: Order) -> bool:
        return subject.status == Order.Status.PENDING

    def explain(self, subject: Order) -> str:
        since = f"{subject.created_at:%Y-%m-%d %H:%M} UTC"
        most = money(subject.max_price_per_number or 0, subject.currency)
        return (
            f"{subject.organization} has waited since {since} for {counted(subject.quantity, 'number')} "
            f"({wanted_in_words(subject.criteria)}, up to {most} each). "
            "The order gets none of them. Nothing was charged, so nothing is returned. "
            "A cancelled order can't be resumed: the customer orders again."
        )

    def perform(self, subject: Order, *, actor: Actor, values: dict[str, Any]) -> Done:
        cancel_order(
            order_id=subject.pk,
            organization_id=subject.organization_id,
            actor=actor,
            note=values["reason"],
        )
        return Done(f"The order of {counted(subject.quantity, 'number')} was cancelled.")


@admin.register(Order)
class OrderAdmin(DeskAdmin):
    change_form_template = "operators/order.html"
    list_display = (
        "ending",
        "organization",
        "kind",
        "status",
        "quantity",
        "cost",
        "actor",
        "created_at",
    )
    list_display_links = None  # the end of the id is the link
    list_filter = (
        "status",
        "kind",
        "sandbox",
        OrderDayFilter,
        OrganizationFilter,
        NumberFilter,
        ReferenceFilter,
        CriteriaFilter,
    )
    list_select_related = ("organization",)
    search_fields = ("id__exact",)
    search_help_text = "An id, a request id, a number or a customer's reference"
    shown = (
        *(
            "id",
            "organization",
            "customer_reference",
            "sandbox",
            "kind",
            "status",
            "failure_reason",
            "waiting_reason",
            "closed_by",
            "closing_note",
            "quantity",
            "wanted",
            "max_price_per_number",
            "total",
        ),
        *(
            "currency",
            "campaign",
            "label",
            "inbound_url",
            "status_url",
            "actor",
            "api_key",
            "request_id",
        ),
        *("created_at", "finished_at", "fill_attempts", "next_attempt_at", "last_error"),
    )
    shown_if_set = frozenset(
        {
            *("failure_reason", "waiting_reason", "closed_by", "closing_note"),
            *("wanted", "max_price_per_number", "api_key"),
            *("finished_at", "fill_attempts", "next_attempt_at", "last_error"),
        }
    )
    operations = [CancelOrder()]

    def heading(self, subject: Order) -> str:
        return name_of(subject)

    @admin.display(description="id")
    def ending(self, order: Order) -> str:
        return short(order.pk, page_of(order))

    @admin.display(description="criteria")
    def wanted(self, order: Order) -> str:
        return wanted_in_words(order.criteria) if order.kind == Order.Kind.QUANTITY else ""

    @admin.display(description="API key")
    def api_key(self, order: Order) -> str:
        key = ApiKey.objects.filter(pk=order.api_key_id).first() if order.api_key_id else None
        return link_to(key)

    @admin.display(description="total")
    def cost(self, order: Order) -> str:
        return "" if order.total is None else money(order.total, order.currency)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        term = search_term.strip()
        if not term:
            return queryset, False
        if identity := as_id(term):
            return queryset.filter(pk=identity), False
        if started_at(term):
            return queryset.filter(of_request(term) | closed_in(term)), False
        found = _orders_of_numbers(term) + ids_ending(Order, term)
        found += Order.objects.filter(_with_reference(term)).values_list("pk", flat=True)[
            :_MOST_ORDERS
        ]
        return queryset.filter(pk__in=found), False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("organization", "campaign__brand")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        order: Order = context["original"]
        if order.status == Order.Status.PENDING:
            context["outlook"], context["too_slow"] = _outlook(order)
        if order.waiting_reason and order.api_key_id:
            key = ApiKey.objects.get(pk=order.api_key_id)
            context["limited_key"], context["limited_key_url"] = key, page_of(key)
        if order.kind == Order.Kind.QUANTITY:
            context.update(_stock_links(request, order, context.get("outlook")))
        context["reason"] = REASONS.get(order.failure_reason, order.failure_reason)
        return super().render_change_form(request, context, *args, **kwargs)

    def related(self, request: HttpRequest, subject: Order) -> list[Related]:
        numbers = Assignment.objects.filter(order=subject).order_by("id").select_related("number")
        return [
            history_of(subject),
            related(
                "Numbers",
                of=numbers,
                headings=("number", "price", "monthly price", "since", "until"),
                cells=lambda row: (
                    link(row.number),
                    row.price,
                    row.monthly_price,
                    row.created_at,
                    row.ended_at,
                ),
                empty=why_no_numbers(subject),
                all=rows_of("numbers_assignment", order=subject.pk),
            ),
        ]


def _outlook(order: Order) -> tuple[Outlook | None, bool]:
    """Return the outlook, and whether finding it took too long."""
    try:
        with within_time(connection.alias, LOOK_MS):
            return outlook_of(order), False
    except TypeError:  # criteria of another release; the worker reports it
        return None, False
    except OperationalError as error:
        if sqlstate_of(error) != CANCELED:
            raise
        return None, True


def _stock_links(request: HttpRequest, order: Order, outlook: Outlook | None) -> dict[str, Any]:
    """Return links to the numbers that match, and to new stock if the order waits."""
    missing = 0
    if order.status == Order.Status.PENDING:
        missing = (outlook.missing if outlook else 0) or order.quantity
    return stock_links(
        request,
        order.criteria or {},
        sandbox=order.sandbox,
        max_price=order.max_price_per_number,
        missing=missing,
    )
