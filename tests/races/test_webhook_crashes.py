"""Webhooks while workers die and race: nothing is lost, nothing is sent by two at the same time."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from campaigns.event_types import EventType
from campaigns.outbox import write_event
from numbers.events.publish import publish_events
from numbers.verification.webhooks import WEBHOOKS
from numbers.webhooks import claims
from numbers.webhooks.claims import MOST_IN_FLIGHT, claim_deliveries
from numbers.webhooks.fan_out import fan_out
from tests.conftest import Cast
from tests.support import db_assertions
from tests.support.concurrency import (
    Clients,
    at_once,
    uncommitted,
    wait_until_blocked,
    wait_until_idle,
)
from tests.support.receiver import Receiver, receiver
from tests.support.time_travel import let_pass
from tests.support.webhooks import deliveries, endpoint, work
from tests.support.worker_processes import WorkerProcess, holding

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hook(settings: Any, cast: Cast) -> Iterator[Receiver]:
    work()  # the cast's keys have events of their own
    with receiver() as state:
        settings.WEBHOOK_PRIVATE_HOSTS = [f"127.0.0.1:{state.port}"]
        yield state


def happens(cast: Cast, count: int = 1) -> None:
    for _ in range(count):
        write_event(EventType.CREDIT_LOW, {}, organization_id=cast.owner.pk)


def make_deliveries(cast: Cast, count: int) -> None:
    happens(cast, count)
    publish_events()
    fan_out()


@pytest.mark.slow
@pytest.mark.parametrize("step", ["fan_out", "leased", "received", "recorded"])
def test_killed_worker_loses_no_delivery(cast: Cast, hook: Receiver, step: str) -> None:
    webhook, _ = endpoint(cast.owner, hook.url)
    happens(cast)
    with holding():
        worker = WorkerProcess(hold_at=step, WEBHOOK_PRIVATE_HOSTS=f"127.0.0.1:{hook.port}")
        try:
            wait_until_blocked()
        finally:
            worker.close()
    wait_until_idle()
    let_pass(timedelta(seconds=claims.LEASE_SECONDS + 1))
    work()
    assert [status for status, _ in deliveries(webhook)] == ["succeeded"]
    assert len(set(hook.ids)) == 1
    assert len(hook.ids) == (2 if step in ("received", "recorded") else 1)
    for check in WEBHOOKS:
        assert not db_assertions.rows(check.offenders), check.name


def test_late_commit_is_delivered_too(cast: Cast, hook: Receiver) -> None:
    webhook, _ = endpoint(cast.owner, hook.url)
    with Clients(1) as clients, uncommitted(lambda: happens(cast)):
        clients.start(lambda: (happens(cast), work())).result(60)
        assert len(hook.received) == 1
    work()
    assert len(hook.received) == len(set(hook.ids)) == 2
    assert len(deliveries(webhook)) == 2


def test_claims_at_once_never_lease_a_delivery_twice(cast: Cast, hook: Receiver) -> None:
    for _ in range(6):
        endpoint(cast.owner, hook.url)
    make_deliveries(cast, 20)
    claimed = [one for found in at_once([lambda: claim_deliveries(100)] * 4) for one in found]
    claimed += claim_deliveries(100)
    assert len({one.id for one in claimed}) == len(claimed) == 6 * MOST_IN_FLIGHT


def test_claim_passes_by_what_another_worker_claims(cast: Cast, hook: Receiver) -> None:
    endpoint(cast.owner, hook.url)
    make_deliveries(cast, 1)
    with Clients(1) as clients, uncommitted(lambda: claim_deliveries(10)):
        assert clients.start(claim_deliveries, 10).result(60) == []


def test_without_the_lock_two_claim_the_same_delivery(
    cast: Cast, hook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: so the tests above show something."""
    monkeypatch.setattr(claims, "_LOCK", claims._LOCK.partition("FOR NO KEY")[0])
    endpoint(cast.owner, hook.url)
    make_deliveries(cast, 1)
    first: list[Any] = []
    with Clients(1) as clients:
        with uncommitted(lambda: first.extend(claim_deliveries(10))):
            second = clients.start(claim_deliveries, 10)
            wait_until_blocked()
        assert [one.id for one in second.result(60)] == [one.id for one in first]


def test_event_during_a_claim_is_looked_at(cast: Cast, hook: Receiver) -> None:
    """A claim that sees nothing more to send, and a fan-out at that moment."""
    endpoint(cast.owner, hook.url)
    make_deliveries(cast, 1)
    happens(cast)
    publish_events()
    with Clients(1) as clients:
        with uncommitted(lambda: claim_deliveries(10)):
            fanning = clients.start(fan_out)
            wait_until_blocked()
        assert fanning.result(60) == 1
    assert len(claim_deliveries(10)) == 1
