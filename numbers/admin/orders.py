"""Orders and their numbers."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from campaigns.admin_filters import OrganizationFilter
from config.actors import Actor
from config.admin.actions import Done, Operation, page_of
from config.admin.model_admin import DeskAdmin
from config.admin.related_tables import Related, link, related, short
from numbers.admin.filters import OrderDayFilter
from numbers.models import Assignment, Order
from numbers.orders.bulk import cancel_order


class CancelOrder(Operation):
    name, label = "cancel", "Cancel order"
    permission = "numbers.add_order"

    def applies_to(self, subject: Order) -> bool:
        return subject.status == Order.Status.PENDING

    def explain(self, subject: Order) -> str:
        criteria = ", ".join(f"{name} {value}" for name, value in (subject.criteria or {}).items())
        since = f"{subject.created_at:%Y-%m-%d %H:%M} UTC"
        return (
            f"{subject.organization} has waited since {since} for {subject.quantity} numbers "
            f"({criteria or 'of any kind'}, up to {subject.max_price_per_number} {subject.currency} each). "
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
        return Done(f"The order of {subject.quantity} numbers was cancelled.")


@admin.register(Order)
class OrderAdmin(DeskAdmin):
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
    list_filter = ("status", "kind", "sandbox", OrderDayFilter, OrganizationFilter)
    list_select_related = ("organization",)
    search_fields = ("id__exact",)
    search_help_text = "The id of an order"
    shown = (
        *(
            "id",
            "organization",
            "sandbox",
            "kind",
            "status",
            "failure_reason",
            "closed_by",
            "closing_note",
            "quantity",
            "criteria",
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
            "api_key_id",
            "request_id",
        ),
        *("created_at", "finished_at", "fill_attempts", "next_attempt_at", "last_error"),
    )

    operations = [CancelOrder()]

    @admin.display(description="id")
    def ending(self, order: Order) -> str:
        return short(order.pk, page_of(order))

    @admin.display(description="total")
    def cost(self, order: Order) -> str:
        return "" if order.total is None else f"{order.total} {order.currency}"

    def related(self, request: HttpRequest, subject: Order) -> list[Related]:
        numbers = Assignment.objects.filter(order=subject).order_by("id").select_related("number")
        return [
            related(
                "Numbers",
                of=numbers,
                headings=("number", "price", "since", "until"),
                cells=lambda row: (link(row.number), row.price, row.created_at, row.ended_at),
                empty="It has no numbers: it is waiting for stock, failed or was cancelled.",
                all=self.history_address(subject),
            )
        ]

    def history_address(self, subject: Order) -> str:
        return f"{reverse('admin:numbers_assignment_changelist')}?order={subject.pk}"
