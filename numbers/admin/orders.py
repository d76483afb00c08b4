"""Orders, as they were placed."""

from django.contrib import admin
from django.urls import reverse

from config.desk.model_admin import DeskAdmin
from numbers.models import Order


@admin.register(Order)
class OrderAdmin(DeskAdmin):
    list_display = ("id", "organization", "kind", "status", "quantity", "total", "currency", "actor", "created_at")
    list_filter = ("status", "kind", "sandbox")
    list_select_related = ("organization",)
    search_fields = ("id__exact",)
    search_help_text = "The id of an order"
    shown = (
        *("id", "organization", "sandbox", "kind", "status", "failure_reason", "quantity", "criteria", "total"),
        *("currency", "campaign", "label", "inbound_url", "status_url", "actor", "api_key_id", "request_id"),
        *("created_at", "finished_at"),
    )

    def history_address(self, subject: Order) -> str:
        return f"{reverse('admin:numbers_assignment_changelist')}?order={subject.pk}"
