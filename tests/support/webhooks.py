"""Endpoints of tests, and one turn of everything that the worker does for them."""

from typing import Any

from django.db import transaction

from campaigns.models import Organization
from numbers.events.publish import publish_events
from numbers.models import Webhook, WebhookDelivery
from numbers.webhooks.endpoints import create_webhook
from numbers.webhooks.replays import ping
from numbers.webhooks.sender import Sender
from tests.support import factories


def endpoint(organization: Organization, url: str, *events: str) -> tuple[Webhook, str]:
    """Return an endpoint with its secret."""
    with transaction.atomic():
        return create_webhook(
            organization_id=organization.pk,
            url=url,
            events=list(events or ["*"]),
            description="",
            actor=factories.actor(),
        )


def delivery(webhook: Webhook) -> WebhookDelivery:
    """Return a new delivery of a ping to it."""
    with transaction.atomic():
        return ping(
            webhook_id=webhook.pk, organization_id=webhook.organization_id, actor=factories.actor()
        )


def work() -> None:
    """Publish, fan out, and send what is due, to its end."""
    publish_events()
    sender = Sender(threads=8)
    sender.look()
    sender.finish(60)


def deliveries(webhook: Webhook) -> list[tuple[str, list[Any]]]:
    """Return status, and the error or status of each attempt, of each delivery by its event."""
    rows = webhook.deliveries.order_by("event_id")
    return [
        (row.status, [one.error or one.status_code for one in row.attempts.order_by("pk")])
        for row in rows
    ]
