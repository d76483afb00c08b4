"""What operators do to webhooks stands in the history of the webhook and its organization."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.models import Event
from numbers.models import Webhook, WebhookDelivery
from tests.support.admin_client import do
from tests.support.webhooks import endpoint

pytestmark = pytest.mark.django_db


@pytest.fixture
def delivery(cast: Any) -> WebhookDelivery:
    webhook, _ = endpoint(cast.owner, "https://hooks.example/hook")
    failed: WebhookDelivery = webhook.deliveries.create(
        event_id=cast.owner.pk,
        event_type="webhook.ping",
        status="failed",
        finished_at=timezone.now(),
    )
    return failed


def test_replay_is_recorded_with_its_operator(desk: Client, delivery: WebhookDelivery) -> None:
    do(desk, delivery, "replay", reason="ticket 7")
    delivery.refresh_from_db()
    event = Event.objects.latest("id")
    assert delivery.status == "pending"
    assert (event.kind, event.actor, event.reason) == (
        "replayed",
        "operator:alice",
        "ticket 7",
    )
    assert (event.organization_id, event.after["event_id"]) == (
        delivery.webhook.organization_id,
        str(delivery.event_id),
    )


def test_activation_is_recorded_with_its_operator(desk: Client, delivery: WebhookDelivery) -> None:
    Webhook.objects.update(
        status="disabled", disabled_at=timezone.now(), disabled_reason="it failed for 72 hours"
    )
    do(desk, delivery.webhook, "activate", reason="ticket 8")
    event = Event.objects.latest("id")
    assert Webhook.objects.get().status == "active"
    assert (event.kind, event.actor, event.reason) == (
        "changed",
        "operator:alice",
        "ticket 8",
    )
    assert (event.subject, event.subject_id) == ("webhook", delivery.webhook_id)
    assert event.organization_id == delivery.webhook.organization_id
    assert (event.before, event.after) == ({"status": "disabled"}, {"status": "active"})


def test_refused_replay_records_nothing(desk: Client, delivery: WebhookDelivery) -> None:
    before = Event.objects.count()
    Webhook.objects.update(status="paused")
    do(desk, delivery, "replay", reason="ticket 7")
    assert Event.objects.count() == before
