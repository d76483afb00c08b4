"""Record attempts: the delivery's end or next try, and the health of its endpoint.

An attempt is recorded whatever happened to its lease. It changes the delivery only while the lease
of this try is its own: one that another worker has taken over, or an operator replayed, goes on.
"""

from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar
from uuid import UUID

from django.db import models, transaction
from django.db.models import QuerySet
from django.utils import timezone

from campaigns.event_types import EventType
from campaigns.history import record
from campaigns.outbox import write_event
from config.actors import Actor, new_request_id
from numbers.models import DeliveryAttempt, Webhook, WebhookDelivery
from numbers.models.webhooks import DeliveryStatus
from numbers.webhooks.claims import Claimed, refresh_due
from numbers.webhooks.schedule import (
    DISABLED_AFTER,
    LONGEST_RETRY_AFTER,
    delay_after,
    round_after,
)
from numbers.webhooks.send import Outcome
from numbers.webhooks.types import webhook_json

GONE = 410
Row = TypeVar("Row", bound=models.Model)


class Attempt(NamedTuple):
    """A delivery that was claimed, and what became of it."""

    claimed: Claimed
    outcome: Outcome


def record_attempts(attempts: list[Attempt]) -> None:
    """Record attempts of any endpoints in one transaction."""
    if not attempts:
        return
    with transaction.atomic():
        webhooks = _locked(Webhook.objects.all(), {one.claimed.webhook_id for one in attempts})
        deliveries = _locked(WebhookDelivery.objects.all(), {one.claimed.id for one in attempts})
        now = timezone.now()
        rows, changed = [], set[UUID]()
        for claimed, outcome in attempts:
            delivery, webhook = deliveries.get(claimed.id), webhooks[claimed.webhook_id]
            if delivery is None:  # removed with its endpoint in the meantime
                continue
            rows.append(_row(claimed, outcome))
            if delivery.leased_until is not None and delivery.tries == claimed.tries:
                _end_try(delivery, outcome, now)
            if outcome.error or webhook.failures:
                changed.add(webhook.pk)
                _note_health(webhook, claimed, outcome, now)
        DeliveryAttempt.objects.bulk_create(rows)
        WebhookDelivery.objects.bulk_update(
            deliveries.values(), ["status", "due_at", "leased_until", "finished_at"]
        )
        for webhook in webhooks.values():
            if webhook.pk in changed:
                _save_health(webhook)
        refresh_due(list(webhooks))


def _locked(rows: QuerySet[Row], ids: set[UUID]) -> dict[UUID, Row]:
    """Lock rows in the order of their keys, and return them by key."""
    found = rows.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    return {row.pk: row for row in found}


def _row(claimed: Claimed, outcome: Outcome) -> DeliveryAttempt:
    return DeliveryAttempt(
        delivery_id=claimed.id,
        at=claimed.at,
        status_code=outcome.status_code,
        error=outcome.error,
        response=outcome.response,
        milliseconds=outcome.milliseconds,
    )


def _end_try(delivery: WebhookDelivery, outcome: Outcome, now: datetime) -> None:
    """Set what follows a try: success, the next try, or the end."""
    delivery.leased_until = None
    delay = None if outcome.status_code == GONE else delay_after(delivery.tries)
    if not outcome.error:
        delivery.status, delivery.due_at, delivery.finished_at = DeliveryStatus.SUCCEEDED, None, now
    elif delay is None:
        delivery.status, delivery.due_at, delivery.finished_at = DeliveryStatus.FAILED, None, now
    else:
        delivery.due_at = now + timedelta(seconds=max(delay, _asked(outcome)))


def _note_health(webhook: Webhook, claimed: Claimed, outcome: Outcome, now: datetime) -> None:
    """Set the health of an endpoint that is not deleted or disabled already.

    Attempts that were in flight together fail as one round.
    """
    if webhook.deleted_at or webhook.status == Webhook.Status.DISABLED:
        return
    if not outcome.error:
        webhook.failures, webhook.failing_since, webhook.probe_at = 0, None, None
        return
    if webhook.failing_since is None or claimed.at >= (webhook.probe_at or claimed.at):
        webhook.failures += 1
        webhook.failing_since = webhook.failing_since or now
        webhook.probe_at = now + timedelta(seconds=round_after(webhook.failures))
    asked = now + timedelta(seconds=_asked(outcome))
    webhook.probe_at = max(webhook.probe_at or now, asked)
    if outcome.status_code == GONE:
        _disable(webhook, "the endpoint answered 410 Gone", now)
    elif webhook.failing_since <= now - DISABLED_AFTER:
        _disable(webhook, f"it has failed for five days; last: {outcome.error}", now)


def _disable(webhook: Webhook, reason: str, now: datetime) -> None:
    record(
        webhook,
        "disabled",
        actor=Actor("system", "send_webhooks", new_request_id()),
        before={"status": webhook.status},
        after={"status": Webhook.Status.DISABLED},
        reason=reason[:256],
    )
    webhook.status, webhook.disabled_at = Webhook.Status.DISABLED, now
    webhook.disabled_reason, webhook.due_at = reason[:512], None
    webhook.updated_at = now
    write_event(
        EventType.WEBHOOK_DISABLED,
        dict(webhook_json(webhook)),
        organization_id=webhook.organization_id,
    )


def _save_health(webhook: Webhook) -> None:
    fields = ["failures", "failing_since", "probe_at"]
    if webhook.status == Webhook.Status.DISABLED:
        fields += ["status", "disabled_at", "disabled_reason", "due_at", "updated_at"]
    webhook.save(update_fields=fields)


def _asked(outcome: Outcome) -> float:
    """Return the seconds that ``Retry-After`` asks for, a day at most."""
    return min(outcome.retry_after or 0.0, LONGEST_RETRY_AFTER)
