"""Responses that are remembered for retries."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html

from config import json_text
from numbers.admin.history import CompletedAdmin, link_to, owners_of
from numbers.models import IdempotencyRecord, Order
from numbers.orders.find import order_in

# Characters of a response on its page.
_SHOWN = 20_000


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(CompletedAdmin):
    list_display = ("key", "owner", "status", "created_at")
    search_fields = ("key__exact",)
    search_help_text = "A whole Idempotency-Key"
    shown = ("key", "owner", "order", "status", "created_at", "answer", "organization_id")
    shown_if_set = frozenset({"owner", "order"})

    def complete(self, rows: list[Any]) -> None:
        owners = owners_of(rows)
        for row in rows:
            row.owner = owners.get(row.organization_id)

    @admin.display(description="organization")
    def owner(self, record: IdempotencyRecord) -> str:
        return link_to(record.owner)  # type: ignore[attr-defined]

    @admin.display
    def order(self, record: IdempotencyRecord) -> str:
        order_id = order_in(record.body)
        return link_to(Order.objects.filter(pk=order_id).first() if order_id else None)

    @admin.display(description="response")
    def answer(self, record: IdempotencyRecord) -> str:
        """Return the response over several lines; one with a secret is stored sealed."""
        body = bytes(record.body or b"")
        try:
            text = json_text.dump(json_text.load(body), indent=2).decode()
        except json_text.InvalidJson:
            text = body.decode(errors="replace")
        cut = f"{text[:_SHOWN]}\n…" if len(text) > _SHOWN else text
        return format_html('<pre class="desk-json">{}</pre>', cut)
