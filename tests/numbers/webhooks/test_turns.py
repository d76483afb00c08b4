"""Whose turn it is: endpoints in turn, slow ones one at a time, what was asked for first."""

import threading
from typing import Any

import pytest

from campaigns.event_types import EventType
from campaigns.outbox import write_event
from numbers.events.publish import publish_events
from numbers.models import Webhook
from numbers.verification.webhooks import WEBHOOKS
from numbers.webhooks import sender as sending
from numbers.webhooks.claims import MOST_IN_FLIGHT, claim_deliveries
from numbers.webhooks.fan_out import fan_out
from numbers.webhooks.outcomes import Attempt, record_attempts
from numbers.webhooks.replays import replay
from numbers.webhooks.send import Outcome
from numbers.webhooks.sender import Sender
from tests.conftest import Cast
from tests.support import db_assertions, factories
from tests.support.receiver import receiver
from tests.support.webhooks import delivery, endpoint, work

pytestmark = pytest.mark.django_db

URL = "https://hooks.example.com/"


@pytest.fixture
def webhook(cast: Cast) -> Webhook:
    work()  # the cast's keys have events of their own
    return endpoint(cast.owner, URL)[0]


def make_deliveries(cast: Cast, count: int) -> None:
    for _ in range(count):
        write_event(EventType.CREDIT_LOW, {}, organization_id=cast.owner.pk)
    publish_events()
    fan_out()


def test_each_endpoint_gets_its_first_turn_first(cast: Cast, webhook: Webhook) -> None:
    others = [endpoint(cast.owner, URL)[0] for _ in range(2)]
    make_deliveries(cast, 4)
    claimed = claim_deliveries(3)
    assert {one.webhook_id for one in claimed} == {webhook.pk, *(one.pk for one in others)}


def test_slow_endpoint_gets_one_at_a_time(cast: Cast, webhook: Webhook) -> None:
    make_deliveries(cast, 8)
    assert len(claim_deliveries(10, slow={webhook.pk})) == 1
    assert claim_deliveries(10, slow={webhook.pk}) == []
    for check in WEBHOOKS:
        assert not db_assertions.rows(check.offenders), check.name


def test_endpoint_that_is_quick_again_gets_all_its_turns(cast: Cast, webhook: Webhook) -> None:
    make_deliveries(cast, 8)
    (slow,) = claim_deliveries(10, slow={webhook.pk})
    record_attempts([Attempt(slow, Outcome(200))])
    assert len(claim_deliveries(10)) == MOST_IN_FLIGHT


def test_replay_goes_ahead_of_the_backlog(cast: Cast, webhook: Webhook) -> None:
    make_deliveries(cast, 1)
    (first,) = claim_deliveries(10)
    record_attempts([Attempt(first, Outcome(200))])
    make_deliveries(cast, 20)
    replay(
        delivery_id=first.id,
        webhook_id=webhook.pk,
        organization_id=cast.owner.pk,
        actor=factories.actor(),
    )
    (next_one,) = claim_deliveries(1)
    assert next_one.id == first.id


def test_ping_goes_ahead_of_the_backlog(cast: Cast, webhook: Webhook) -> None:
    make_deliveries(cast, 20)
    asked = delivery(webhook)
    (next_one,) = claim_deliveries(1)
    assert next_one.id == asked.pk


def test_ping_of_a_failing_endpoint_does_not_wait(cast: Cast, webhook: Webhook) -> None:
    make_deliveries(cast, 3)
    claimed = claim_deliveries(10)
    record_attempts([Attempt(one, Outcome(500, "the endpoint answered 500")) for one in claimed])
    assert claim_deliveries(10) == []
    asked = delivery(webhook)
    assert asked.pk in {one.id for one in claim_deliveries(10)}


def test_endpoints_that_hang_keep_no_other_from_its_turn(
    cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many requests hang as there are turns: the others are sent while they do."""
    monkeypatch.setattr(sending, "SLOW_SECONDS", 0)
    over, asked = threading.Event(), threading.Semaphore(0)

    def hang(handler: Any) -> None:
        asked.release()
        over.wait(60)

    work()
    with receiver() as dead, receiver() as alive:
        dead.behavior = hang
        settings.WEBHOOK_PRIVATE_HOSTS = [f"127.0.0.1:{one.port}" for one in (dead, alive)]
        for _ in range(2):
            endpoint(cast.owner, dead.url)
        make_deliveries(cast, 1)
        sender = Sender(threads=2)
        sender.look()
        assert all(asked.acquire(timeout=30) for _ in range(2))
        endpoint(cast.stranger, alive.url)
        write_event(EventType.CREDIT_LOW, {}, organization_id=cast.stranger.pk)
        publish_events()
        sender.expect_events()
        while not alive.received:
            sender.look()
        over.set()
        sender.finish(60)
    assert len(alive.received) == 1
