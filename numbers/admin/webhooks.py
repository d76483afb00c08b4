"""Webhooks of customers: why one is disabled or failing, its deliveries, attempts and answers."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest

from campaigns.admin_filters import OrganizationFilter
from config.actors import Actor
from config.admin.actions import Done, Operation
from config.admin.changelist import rows_of
from config.admin.model_admin import DeskAdmin
from config.admin.related_tables import Related, link, related
from numbers.models import Webhook, WebhookDelivery
from numbers.webhooks.endpoints import change_webhook
from numbers.webhooks.replays import replay


class ActivateWebhook(Operation):
    """Make a disabled endpoint active again."""

    name, label = "activate", "Activate"
    permission = "numbers.change_webhook"

    def applies_to(self, subject: Webhook) -> bool:
        return subject.status == Webhook.Status.DISABLED and subject.deleted_at is None

    def explain(self, subject: Webhook) -> str:
        return (
            f"{subject.organization} receives events at {subject.url} again. What happened while "
            "it was disabled is delivered when the customer recovers it."
        )

    def perform(self, subject: Webhook, *, actor: Actor, values: dict[str, Any]) -> Done:
        change_webhook(
            webhook_id=subject.pk,
            organization_id=subject.organization_id,
            changes={"status": Webhook.Status.ACTIVE},
            actor=actor,
            **values,
        )
        return Done("The webhook was activated.")


class ReplayDelivery(Operation):
    """Send a delivery again."""

    name, label = "replay", "Send again"
    permission = "numbers.change_webhook"

    def applies_to(self, subject: WebhookDelivery) -> bool:
        webhook = subject.webhook
        return webhook.status == Webhook.Status.ACTIVE and webhook.deleted_at is None

    def explain(self, subject: WebhookDelivery) -> str:
        return f"The same event is sent to {subject.webhook.url} again, with the same id."

    def perform(self, subject: WebhookDelivery, *, actor: Actor, values: dict[str, Any]) -> Done:
        replay(
            delivery_id=subject.pk,
            webhook_id=subject.webhook_id,
            organization_id=subject.webhook.organization_id,
            actor=actor,
            **values,
        )
        return Done("The delivery is sent again.")


@admin.register(Webhook)
class WebhookAdmin(DeskAdmin):
    list_display = ("url", "organization", "status", "failing_since", "disabled_reason")
    list_select_related = ("organization",)
    list_filter = (OrganizationFilter, "status", ("failing_since", admin.EmptyFieldListFilter))
    search_fields = ("id__exact",)
    search_help_text = "The id of a webhook"
    shown = (
        *("id", "organization", "url", "events", "description", "status"),
        *("disabled_at", "disabled_reason", "failures", "failing_since", "probe_at"),
        *("created_at", "updated_at", "deleted_at"),
    )
    operations = [ActivateWebhook()]

    def history_address(self, subject: Webhook) -> str:
        return _events_of(subject.pk)

    def related(self, request: HttpRequest, subject: Webhook) -> list[Related]:
        return [
            related(
                "Latest deliveries",
                of=subject.deliveries.order_by("-event_id"),
                headings=("event", "type", "status", "tries", "next attempt"),
                cells=_delivery_cells,
                empty="No event has been sent to it in the last 30 days.",
            )
        ]


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(DeskAdmin):
    list_display = ("event_id", "event_type", "webhook", "status", "tries", "due_at", "finished_at")
    list_select_related = ("webhook",)
    search_fields = ("id__exact", "event_id__exact")
    search_help_text = "The id of a delivery or of an event"
    shown = (
        *("id", "webhook", "event_id", "event_type", "status", "tries"),
        *("due_at", "leased_until", "created_at", "finished_at"),
    )
    operations = [ReplayDelivery()]

    def history_address(self, subject: WebhookDelivery) -> str:
        return _events_of(subject.webhook_id)

    def related(self, request: HttpRequest, subject: WebhookDelivery) -> list[Related]:
        return [
            related(
                "Attempts",
                of=subject.attempts.order_by("pk"),
                headings=("at", "status", "error", "answer", "milliseconds"),
                cells=lambda row: (
                    row.at,
                    "" if row.status_code is None else row.status_code,
                    row.error,
                    row.response,
                    row.milliseconds,
                ),
                empty="It has not been tried yet.",
            )
        ]


def _events_of(webhook_id: UUID) -> str:
    return rows_of("campaigns_event", subject_id=webhook_id)


def _delivery_cells(row: WebhookDelivery) -> tuple[Any, ...]:
    return (link(row, str(row.event_id)), row.event_type, row.status, row.tries, row.due_at or "")
