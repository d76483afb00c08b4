"""Send on request: a ping, one delivery again, or all events since a time."""

from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Now

from campaigns.event_types import EventType
from campaigns.history import record
from config.actors import Actor
from config.db.transactions import Transaction, run_transaction
from config.errors import Conflict, NotFound
from numbers.events.feed import Entry, entries_of
from numbers.events.publish import publish_now
from numbers.models import Webhook, WebhookDelivery
from numbers.models.webhooks import DeliveryStatus
from numbers.webhooks.claims import refresh_due
from numbers.webhooks.endpoints import lock_webhook
from numbers.webhooks.fan_out import ENTRIES, add_deliveries, bounded, events_in, wants_type
from numbers.webhooks.types import webhook_json
from numbers.worker.wake import wake_worker

# Before the oldest delivery that waits: the sender takes the oldest first.
_AHEAD = """
    SELECT least(statement_timestamp(), min(due_at) - interval '1 microsecond') FROM (
        SELECT due_at FROM numbers_webhookdelivery
        WHERE webhook_id = %s AND status = 'pending' ORDER BY due_at LIMIT 1
    ) AS first
"""
_AGAIN = {
    "status": DeliveryStatus.PENDING,
    "leased_until": None,
    "tries": 0,
    "finished_at": None,
}


class NotActive(Conflict):
    """The endpoint is paused or disabled: nothing would be sent."""

    code = "CONFLICT"
    message = "the webhook is paused or disabled: set its status to active first"


def ping(*, webhook_id: UUID, organization_id: UUID, actor: Actor) -> WebhookDelivery:
    """Make an event ``webhook.ping`` and its delivery. Raise NotFound or NotActive."""
    webhook = _active(webhook_id, organization_id)
    event_id = publish_now(
        EventType.WEBHOOK_PING, webhook_json(webhook), organization_id=organization_id
    )
    add_deliveries([(webhook.pk, event_id, EventType.WEBHOOK_PING.value)])
    _send_first(WebhookDelivery.objects.filter(webhook=webhook, event_id=event_id), webhook)
    record(webhook, "pinged", actor=actor, after={"event_id": str(event_id)})
    wake_worker()
    return WebhookDelivery.objects.get(webhook=webhook, event_id=event_id)


def replay(
    *,
    delivery_id: UUID,
    webhook_id: UUID,
    organization_id: UUID,
    actor: Actor,
    reason: str = "",
) -> WebhookDelivery:
    """Send an event again at once, with the same id. Raise NotFound or NotActive."""

    def send_again(_: Transaction) -> WebhookDelivery:
        webhook = _active(webhook_id, organization_id)
        own = WebhookDelivery.objects.filter(pk=delivery_id, webhook=webhook)
        if not _send_first(own, webhook):
            raise NotFound()
        delivery = own.get()
        after = {"delivery_id": str(delivery_id), "event_id": str(delivery.event_id)}
        record(webhook, "replayed", actor=actor, after=after, reason=reason)
        wake_worker()
        return delivery

    return run_transaction(send_again, organization_id=organization_id)


def recover(*, webhook_id: UUID, organization_id: UUID, since: datetime, actor: Actor) -> int:
    """Deliver every event since a time that the endpoint did not get. Return how many.

    Each batch of events is a transaction: the fan-out and the sender, who need the endpoint's lock,
    go on in between. Raise NotFound or NotActive.
    """

    def begin(_: Transaction) -> None:
        webhook = _active(webhook_id, organization_id)
        record(webhook, "recovered", actor=actor, after={"since": since.isoformat()})

    run_transaction(begin)
    count, position = 0, int(since.timestamp() * 1_000_000) - 1
    while entries := bounded(entries_of(organization_id, position, limit=ENTRIES)):
        deliver = partial(
            _deliver, entries=entries, webhook_id=webhook_id, organization_id=organization_id
        )
        count += run_transaction(deliver)
        position = entries[-1].position
    return count


def _deliver(
    _: Transaction, *, entries: list[Entry], webhook_id: UUID, organization_id: UUID
) -> int:
    """Make due what the endpoint did not get of these entries. Return how many events."""
    webhook = _active(webhook_id, organization_id)
    lines = [
        (webhook.pk, event_id, event_type)
        for entry in entries
        for event_id, event_type in events_in(entry)
        if wants_type(webhook.events, event_type) and event_type != EventType.WEBHOOK_PING
    ]
    failed = WebhookDelivery.objects.filter(
        webhook=webhook,
        status=DeliveryStatus.FAILED,
        event_id__in=[event_id for _, event_id, _ in lines],
    )
    count = add_deliveries(lines) + failed.update(due_at=Now(), **_AGAIN)
    refresh_due([webhook.pk])
    wake_worker()
    return count


def _send_first(deliveries: QuerySet[WebhookDelivery], webhook: Webhook) -> int:
    """Make deliveries due now, ahead of all others of the endpoint. Return how many.

    An endpoint that fails starts without its failures, since a person waits for this attempt.
    """
    with connection.cursor() as cursor:
        cursor.execute(_AHEAD, [webhook.pk])
        (ahead,) = cursor.fetchone()
    count = deliveries.update(due_at=ahead, **_AGAIN)
    Webhook.objects.filter(pk=webhook.pk).update(probe_at=None, failures=0, failing_since=None)
    refresh_due([webhook.pk])
    return count


def _active(webhook_id: UUID, organization_id: UUID) -> Webhook:
    webhook = lock_webhook(webhook_id, organization_id)
    if webhook.status != Webhook.Status.ACTIVE:
        raise NotActive()
    return webhook
