"""The proofs of webhooks hold after deliveries, and find what is planted."""

from typing import Any

import pytest
from django.utils import timezone

from campaigns.event_types import EventType
from campaigns.outbox import write_event
from numbers.models import Webhook
from numbers.verification.webhooks import WEBHOOKS
from tests.conftest import Cast
from tests.support import db_assertions, factories
from tests.support.receiver import receiver
from tests.support.webhooks import endpoint, work

pytestmark = pytest.mark.django_db


def failing() -> set[str]:
    return {one.name for one in WEBHOOKS if db_assertions.rows(one.offenders.replace("%", "%%"))}


@pytest.fixture
def webhook(cast: Cast, settings: Any, api: Any) -> Any:
    """An endpoint with a delivery of each event of an order, and one that waits."""
    work()
    with receiver() as state:
        settings.WEBHOOK_PRIVATE_HOSTS = [f"127.0.0.1:{state.port}"]
        made, _ = endpoint(cast.owner, state.url)
        endpoint(cast.owner, state.url, "credit.low")
        factories.stock("+14155550123")
        assert api.order(["+14155550123"]).status_code == 200
        work()
        state.behavior = lambda handler: handler.send_error(500)
        write_event(EventType.CREDIT_LOW, {}, organization_id=cast.owner.pk)
        work()
        yield made


def test_deliveries_of_the_product_break_no_proof(webhook: Webhook) -> None:
    assert webhook.deliveries.count() == 3
    assert failing() == set()


def test_event_without_a_delivery_is_found(webhook: Webhook) -> None:
    db_assertions.run(
        "DELETE FROM numbers_deliveryattempt",
        "DELETE FROM numbers_webhookdelivery WHERE event_type = 'phone_number.assigned'",
        "UPDATE numbers_webhookdelivery SET status = 'failed' WHERE status = 'succeeded'",
    )
    assert failing() == {"every_event_has_a_delivery_for_each_endpoint_that_wants_it"}


def test_disabled_endpoint_is_a_reason(webhook: Webhook) -> None:
    db_assertions.run("DELETE FROM numbers_deliveryattempt", "DELETE FROM numbers_webhookdelivery")
    Webhook.objects.update(
        status="disabled", disabled_at=timezone.now(), disabled_reason="x", due_at=None
    )
    assert failing() == set()


@pytest.mark.parametrize("due", ["NULL", "now() + interval '1 day'"])
def test_delivery_without_a_due_endpoint_is_found(webhook: Webhook, due: str) -> None:
    db_assertions.run(f"UPDATE numbers_webhook SET due_at = {due}")
    assert failing() == {"every_pending_delivery_is_looked_at_in_time"}


def test_success_that_was_not_received_is_found(webhook: Webhook) -> None:
    db_assertions.run("UPDATE numbers_deliveryattempt SET error = 'x', status_code = NULL")
    assert failing() == {"every_delivery_that_succeeded_was_received"}
