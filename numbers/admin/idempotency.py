"""Responses that are remembered for retries."""

from django.contrib import admin

from config.admin.model_admin import DeskAdmin
from numbers.models import IdempotencyRecord


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(DeskAdmin):
    list_display = ("key", "organization_id", "status", "created_at")
    search_fields = ("key__exact",)
    search_help_text = "A whole Idempotency-Key"
    shown = ("organization_id", "key", "status", "answer", "created_at")

    @admin.display
    def answer(self, record: IdempotencyRecord) -> str:
        return bytes(record.body).decode() if record.body is not None else ""
