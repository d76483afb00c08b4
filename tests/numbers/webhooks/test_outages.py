"""Receivers that fail for an hour or are away for a day: nothing is lost, and no id changes."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from campaigns.event_types import EventType
from campaigns.outbox import write_event
from numbers.models import Webhook
from tests.conftest import Cast
from tests.support.receiver import Receiver, answer, drop, receiver
from tests.support.time_travel import let_pass
from tests.support.webhooks import deliveries, endpoint, work

pytestmark = pytest.mark.django_db

EVENTS_A_STEP = 3


@pytest.fixture
def hook(settings: Any) -> Iterator[Receiver]:
    with receiver() as state:
        settings.WEBHOOK_PRIVATE_HOSTS = [f"127.0.0.1:{state.port}"]
        yield state


def live_through(cast: Cast, steps: int, step: timedelta) -> None:
    """Let things happen while the receiver is as it is."""
    for _ in range(steps):
        for number in range(EVENTS_A_STEP):
            data = {"balance": f"{number}.00", "currency": "USD", "alert_below": "9.00"}
            write_event(EventType.CREDIT_LOW, data, organization_id=cast.owner.pk)
        work()
        let_pass(step)


def catch_up(webhook: Webhook) -> None:
    for _ in range(20):
        work()
        if {status for status, _ in deliveries(webhook)} == {"succeeded"}:
            return
        let_pass(timedelta(hours=6))
    raise AssertionError(deliveries(webhook))


def events_of(api: Any) -> list[str]:
    found = api.get("/v1/events?types=credit.low&limit=1000").json()["data"]
    return [one["id"] for one in found]


@pytest.mark.parametrize(
    ("behavior", "steps", "step"),
    [
        (answer(500), 12, timedelta(minutes=5)),
        (answer(429), 12, timedelta(minutes=5)),
        (drop, 24, timedelta(hours=1)),
    ],
    ids=["500-for-an-hour", "429-for-an-hour", "dropped-for-a-day"],
)
def test_receiver_that_fails_gets_every_event_once_it_works(
    hook: Receiver, cast: Cast, api: Any, behavior: Any, steps: int, step: timedelta
) -> None:
    work()  # the cast's keys have events of their own
    webhook, _ = endpoint(cast.owner, hook.url)
    hook.behavior = behavior
    live_through(cast, steps, step)
    assert set(hook.ids) <= set(events_of(api))
    failed = len(hook.received)
    hook.behavior = answer(204)
    catch_up(webhook)
    assert sorted(hook.ids[failed:]) == sorted(events_of(api))
    assert len(events_of(api)) == steps * EVENTS_A_STEP
    webhook.refresh_from_db()
    assert (webhook.status, webhook.failures) == ("active", 0)


def test_receiver_that_was_away_for_a_day_gets_every_event(
    cast: Cast, api: Any, settings: Any
) -> None:
    work()
    with receiver() as before:
        settings.WEBHOOK_PRIVATE_HOSTS = [f"127.0.0.1:{before.port}"]
        webhook, _ = endpoint(cast.owner, before.url)
    live_through(cast, 24, timedelta(hours=1))
    assert {status for status, _ in deliveries(webhook)} == {"pending"}
    with receiver(port=before.port) as after:
        catch_up(webhook)
    assert sorted(after.ids) == sorted(events_of(api))
    assert len(after.ids) == 24 * EVENTS_A_STEP
