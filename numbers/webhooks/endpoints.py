"""Create, change and delete endpoints. Locks: the cursor of the fan-out, then the endpoint.

``followed_from`` is set under a share lock of the cursor: an endpoint gets every matching event
after it, whatever is committed or fanned out at the same time.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from campaigns.history import record
from campaigns.models import Organization
from config.actors import Actor
from config.db.fields import new_id
from config.db.transactions import Transaction, run_transaction
from config.errors import LimitExceeded, NotFound
from numbers.models import Webhook
from numbers.webhooks.claims import refresh_due
from numbers.webhooks.fan_out import MAKE_CURSOR
from numbers.webhooks.secrets import CannotOpen, new_secret, seal, unseal

MOST_ENDPOINTS = 50
_RESEALED_AT_ONCE = 500
GRACE = timedelta(hours=24)

_POSITIONS = """
    SELECT cursor.position,
           greatest(cursor.position, (SELECT position FROM numbers_feedhead WHERE id = 1), 0)
    FROM numbers_webhookcursor AS cursor WHERE cursor.id = 1 FOR SHARE OF cursor
"""


class TooManyWebhooks(LimitExceeded):
    message = f"limit exceeded: an organization has at most {MOST_ENDPOINTS} webhooks; delete one"


def create_webhook(
    *, organization_id: UUID, url: str, events: list[str], description: str, actor: Actor
) -> tuple[Webhook, str]:
    """Create an endpoint, in the current transaction. Return it with its secret.

    Raise TooManyWebhooks.
    """
    # Two creations at once must not both be the 50th.
    Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
    if Webhook.objects.of(organization_id).count() >= MOST_ENDPOINTS:
        raise TooManyWebhooks()
    webhook_id, secret = new_id(), new_secret()
    webhook = Webhook.objects.create(
        id=webhook_id,
        organization_id=organization_id,
        url=url,
        events=events,
        description=description,
        secret=seal(secret, webhook_id=webhook_id),
        followed_from=_positions()[1],
    )
    webhook.refresh_from_db(fields=["created_at"])
    after = {"url": url, "events": events, "description": description}
    record(webhook, "created", actor=actor, after=after)
    return webhook, secret


def own_webhook(webhook_id: UUID, organization_id: UUID) -> Webhook:
    """Return an endpoint of the organization. Raise NotFound."""
    webhook = Webhook.objects.of(organization_id).filter(pk=webhook_id).first()
    if webhook is None:
        raise NotFound()
    return webhook


def lock_webhook(webhook_id: UUID, organization_id: UUID) -> Webhook:
    """Lock an endpoint of the organization. Raise NotFound."""
    own = Webhook.objects.of(organization_id).select_for_update(no_key=True, of=("self",))
    webhook = own.filter(pk=webhook_id).first()
    if webhook is None:
        raise NotFound()
    return webhook


def change_webhook(
    *,
    webhook_id: UUID,
    organization_id: UUID,
    changes: dict[str, Any],
    actor: Actor,
    reason: str = "",
) -> Webhook:
    """Change fields of an endpoint, and record those that differ. Raise NotFound.

    An endpoint that becomes active or gets another URL starts without its failures. One that was
    disabled goes on with what waits; what happened while it was disabled, only ``recover`` delivers.
    """

    def change(_: Transaction) -> Webhook:
        fanned_out, head = _positions()
        webhook = lock_webhook(webhook_id, organization_id)
        if changes.get("events", webhook.events) != webhook.events:
            webhook.followed_from = max(webhook.followed_from, fanned_out)
        if "status" in changes and webhook.status == Webhook.Status.DISABLED:
            webhook.followed_from = max(webhook.followed_from, head)
        after = {name: to for name, to in changes.items() if getattr(webhook, name) != to}
        before = {name: getattr(webhook, name) for name in after}
        for name, value in changes.items():
            setattr(webhook, name, value)
        fields = {*changes, "followed_from", "updated_at"}
        if "status" in changes:
            webhook.disabled_at, webhook.disabled_reason, webhook.due_at = None, "", None
            fields |= {"disabled_at", "disabled_reason", "due_at"}
        if "status" in changes or "url" in after:
            webhook.failures, webhook.failing_since, webhook.probe_at = 0, None, None
            fields |= {"failures", "failing_since", "probe_at"}
        webhook.save(update_fields=fields)
        refresh_due([webhook.pk])
        if after:
            record(webhook, "changed", actor=actor, before=before, after=after, reason=reason)
        return webhook

    return run_transaction(change, organization_id=organization_id)


def delete_webhook(*, webhook_id: UUID, organization_id: UUID, actor: Actor) -> Webhook:
    """Delete an endpoint: nothing is sent any more. Its rows are removed in batches later."""

    def delete(_: Transaction) -> Webhook:
        webhook = lock_webhook(webhook_id, organization_id)
        webhook.deleted_at, webhook.due_at = timezone.now(), None
        webhook.secret = webhook.previous_secret = ""
        webhook.previous_secret_until = None
        fields = ["deleted_at", "due_at", "secret", "previous_secret", "previous_secret_until"]
        webhook.save(update_fields=[*fields, "updated_at"])
        after = {"deleted_at": webhook.deleted_at.isoformat()}
        record(webhook, "deleted", actor=actor, before={"url": webhook.url}, after=after)
        return webhook

    return run_transaction(delete, organization_id=organization_id)


def rotate_secret(*, webhook_id: UUID, organization_id: UUID, actor: Actor) -> tuple[Webhook, str]:
    """Give an endpoint a new secret, in the current transaction; both sign for 24 hours.

    Raise NotFound.
    """
    webhook = lock_webhook(webhook_id, organization_id)
    secret = new_secret()
    webhook.previous_secret, webhook.secret = webhook.secret, seal(secret, webhook_id=webhook.pk)
    webhook.previous_secret_until = timezone.now() + GRACE
    webhook.save(update_fields=["secret", "previous_secret", "previous_secret_until", "updated_at"])
    after = {"previous_secret_until": webhook.previous_secret_until.isoformat()}
    record(webhook, "rotated", actor=actor, after=after)
    return webhook, secret


def reseal_webhooks() -> tuple[int, list[UUID]]:
    """Encrypt all secrets again under the current key, in batches that the sender hardly notices.

    Return how many endpoints that were, and the ids of those that no key decrypts.
    """
    ids = list(Webhook.objects.filter(deleted_at__isnull=True).order_by("pk").values_list("pk"))
    lost: list[UUID] = []
    for begin in range(0, len(ids), _RESEALED_AT_ONCE):
        batch = [webhook_id for (webhook_id,) in ids[begin : begin + _RESEALED_AT_ONCE]]
        with transaction.atomic():
            rows = Webhook.objects.filter(pk__in=batch, deleted_at__isnull=True)
            for webhook in rows.order_by("pk").select_for_update(no_key=True):
                try:
                    webhook.secret = _resealed(webhook.secret, webhook.pk)
                    webhook.previous_secret = _resealed(webhook.previous_secret, webhook.pk)
                except CannotOpen:
                    lost.append(webhook.pk)
                    continue
                webhook.save(update_fields=["secret", "previous_secret"])
    return len(ids) - len(lost), lost


def _resealed(sealed: str, webhook_id: UUID) -> str:
    return seal(unseal(sealed, webhook_id=webhook_id), webhook_id=webhook_id) if sealed else ""


def _positions() -> tuple[int, int]:
    """Lock the cursor against the fan-out; return it, and the last position of the feed."""
    with connection.cursor() as cursor:
        cursor.execute(MAKE_CURSOR)
        cursor.execute(_POSITIONS)
        fanned_out, head = cursor.fetchone()
    return fanned_out, head
