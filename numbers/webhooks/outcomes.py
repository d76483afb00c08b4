"""Record attempts: the delivery's end or next try, and the health of its endpoint.

An attempt is recorded whatever happened to its lease. It changes the delivery only while the lease
of this try is its own: one that another worker has taken over, or an operator replayed, goes on.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from campaigns.event_types import EventType
from campaigns.history import record
from campaigns.outbox import write_event
from config.actors import Actor, new_request_id
from numbers.models import Webhook
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
_LOCK_DELIVERIES = """
    SELECT id, tries, leased_until IS NOT NULL FROM numbers_webhookdelivery
    WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE
"""
_ADD_ATTEMPTS = """
    INSERT INTO numbers_deliveryattempt (delivery_id, at, status_code, error, response, milliseconds)
    SELECT * FROM unnest(%s::uuid[], %s::timestamptz[], %s::smallint[], %s::text[], %s::text[],
                         %s::int[])
"""
_END_TRIES = """
    UPDATE numbers_webhookdelivery AS d
    SET status = ended.status, due_at = ended.due_at, finished_at = ended.finished_at,
        leased_until = NULL
    FROM unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::timestamptz[])
         AS ended (id, status, due_at, finished_at)
    WHERE d.id = ended.id
"""


class Attempt(NamedTuple):
    """A delivery that was claimed, and what became of it."""

    claimed: Claimed
    outcome: Outcome


class _Ended(NamedTuple):
    """What a delivery is after a try: over, or due again."""

    id: UUID
    status: str
    due_at: datetime | None
    finished_at: datetime | None


def record_attempts(attempts: list[Attempt]) -> None:
    """Record attempts of any endpoints in one transaction."""
    if not attempts:
        return
    with transaction.atomic(), connection.cursor() as cursor:
        webhooks = _lock_webhooks({one.claimed.webhook_id for one in attempts})
        cursor.execute(_LOCK_DELIVERIES, [[one.claimed.id for one in attempts]])
        leases = {row[0]: row[1:] for row in cursor.fetchall()}
        # Not those of deliveries that were removed with their endpoint in the meantime.
        attempts = [one for one in attempts if one.claimed.id in leases]
        now = timezone.now()
        _add_attempts(attempts, cursor)
        own = [one for one in attempts if leases[one.claimed.id] == (one.claimed.tries, True)]
        if own:
            ended = [_end_try(one, now) for one in own]
            cursor.execute(_END_TRIES, _columns(ended))
        changed = set[UUID]()
        for claimed, outcome in attempts:
            webhook = webhooks[claimed.webhook_id]
            # What became of a request to another URL says nothing about this one.
            if claimed.url == webhook.url and (outcome.error or webhook.failures):
                changed.add(webhook.pk)
                _note_health(webhook, claimed, outcome, now)
        for webhook_id in changed:
            _save_health(webhooks[webhook_id])
        refresh_due(list(webhooks))


def _lock_webhooks(ids: set[UUID]) -> dict[UUID, Webhook]:
    """Lock endpoints in the order of their keys, and return them by key."""
    rows = Webhook.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
    return {row.pk: row for row in rows}


def _add_attempts(attempts: list[Attempt], cursor: Any) -> None:
    rows = [
        (
            *(claimed.id, claimed.at, outcome.status_code),
            *(outcome.error, outcome.response, outcome.milliseconds),
        )
        for claimed, outcome in attempts
    ]
    if rows:
        cursor.execute(_ADD_ATTEMPTS, _columns(rows))


def _columns(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _end_try(attempt: Attempt, now: datetime) -> _Ended:
    """Return what follows a try: success, the next try, or the end."""
    claimed, outcome = attempt
    if not outcome.error:
        return _Ended(claimed.id, DeliveryStatus.SUCCEEDED.value, None, now)
    delay = None if outcome.status_code == GONE else delay_after(claimed.tries)
    if delay is None:
        return _Ended(claimed.id, DeliveryStatus.FAILED.value, None, now)
    due_at = now + timedelta(seconds=max(delay, _asked(outcome)))
    return _Ended(claimed.id, DeliveryStatus.PENDING.value, due_at, None)


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
