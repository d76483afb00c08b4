"""Delivery: signed, at least once, within bounds, by the schedule, whatever the receiver does."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from campaigns.event_types import EventType
from campaigns.models import Event
from campaigns.outbox import write_event
from numbers.models import Webhook, WebhookDelivery
from numbers.webhooks import send as sending
from numbers.webhooks.claims import claim_deliveries
from numbers.webhooks.fan_out import fan_out
from numbers.webhooks.outcomes import Attempt, record_attempts
from numbers.webhooks.schedule import DELAYS, JITTER, MOST_TRIES
from numbers.webhooks.send import Outcome
from tests.conftest import Cast
from tests.support.receiver import Receiver, answer, drop, receiver
from tests.support.time_travel import let_pass
from tests.support.webhooks import deliveries, endpoint, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def hook(settings: Any) -> Iterator[Receiver]:
    with receiver() as state:
        settings.WEBHOOK_PRIVATE_HOSTS = [f"127.0.0.1:{state.port}"]
        yield state


def happens(cast: Cast, count: int = 1) -> None:
    """Write events of the owner."""
    for number in range(count):
        write_event(
            EventType.CREDIT_LOW,
            {"balance": f"{number}.00", "currency": "USD", "alert_below": "9.00"},
            organization_id=cast.owner.pk,
        )


@pytest.fixture
def webhook(hook: Receiver, cast: Cast) -> Webhook:
    work()  # the cast's keys have events of their own
    return endpoint(cast.owner, hook.url)[0]


def test_event_is_delivered_once_as_the_feed_has_it(
    hook: Receiver, cast: Cast, api: Any, webhook: Webhook
) -> None:
    happens(cast)
    work()
    work()
    ((headers, body),) = hook.received
    event = json.loads(body)
    assert headers["webhook-id"] == event["id"]
    assert api.get(f"/v1/events/{event['id']}").json()["data"] == event
    assert headers["content-type"] == "application/json"
    assert deliveries(webhook) == [("succeeded", [204])]


def test_signature_verifies_with_the_official_library(hook: Receiver, cast: Cast) -> None:
    from standardwebhooks import Webhook as Verifier
    from standardwebhooks import WebhookVerificationError

    work()
    _, secret = endpoint(cast.owner, hook.url)
    happens(cast)
    work()
    headers, body = hook.received[-1]
    assert Verifier(secret).verify(body, headers)["type"] == "credit.low"
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(body + b" ", headers)


def test_both_secrets_sign_for_a_day_after_a_rotation(hook: Receiver, cast: Cast, api: Any) -> None:
    from standardwebhooks import Webhook as Verifier
    from standardwebhooks import WebhookVerificationError

    work()
    webhook, old = endpoint(cast.owner, hook.url)
    rotated = api.request("POST", f"/v1/webhooks/{webhook.pk}/rotate-secret")
    new = rotated.json()["data"]["secret"]
    happens(cast)
    work()
    headers, body = hook.received[-1]
    assert Verifier(old).verify(body, headers) == Verifier(new).verify(body, headers)
    let_pass(timedelta(hours=24, seconds=1))
    happens(cast)
    work()
    headers, body = hook.received[-1]
    Verifier(new).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(old).verify(body, headers)


def test_rolled_back_event_is_never_sent(hook: Receiver, cast: Cast, webhook: Webhook) -> None:
    with transaction.atomic():
        happens(cast)
        transaction.set_rollback(True)
    work()
    assert hook.received == []


def test_endpoint_gets_only_its_types_and_its_organization(hook: Receiver, cast: Cast) -> None:
    work()
    wanted, _ = endpoint(cast.owner, hook.url, "credit.depleted")
    theirs, _ = endpoint(cast.stranger, hook.url)
    happens(cast)
    work()
    assert (deliveries(wanted), deliveries(theirs)) == ([], [])


@pytest.mark.parametrize(
    ("behavior", "error"),
    [
        (answer(500), "the endpoint answered 500"),
        (answer(302, Location="/other"), "the endpoint answered 302: redirects are not followed"),
        (drop, "BadStatusLine"),
    ],
)
def test_failure_is_recorded_and_tried_again_with_the_same_id(
    hook: Receiver, cast: Cast, webhook: Webhook, behavior: Any, error: str
) -> None:
    hook.behavior = behavior
    happens(cast)
    work()
    ((status, (first,)),) = deliveries(webhook)
    assert status == "pending"
    assert error.split(":")[0] in first
    work()
    assert len(hook.received) == 1  # not before its time
    hook.behavior = answer(204)
    let_pass(timedelta(seconds=DELAYS[0] * (1 + JITTER)))
    work()
    assert len(set(hook.ids)) == 1
    assert hook.paths == ["/hook", "/hook"]
    assert [status for status, _ in deliveries(webhook)] == ["succeeded"]


def test_receiver_that_answers_too_late_has_failed(hook: Receiver, cast: Cast) -> None:
    over = threading.Event()

    def too_late(handler: Any) -> None:
        over.wait(60)

    hook.behavior = too_late
    outcome = sending.send(hook.url, b"{}", {"webhook-id": "x"}, seconds=0.3)
    over.set()
    assert outcome.error == "no complete response within 0.3 s"


def test_receiver_that_drips_bytes_is_cut_off(hook: Receiver, cast: Cast) -> None:
    over = threading.Event()

    def drip(handler: Any) -> None:
        while not over.wait(0.02):
            try:
                handler.wfile.write(b"H")
                handler.wfile.flush()
            except OSError:
                return

    hook.behavior = drip
    outcome = sending.send(hook.url, b"{}", {"webhook-id": "x"}, seconds=0.5)
    over.set()
    assert outcome.error == "no complete response within 0.5 s"


def test_response_is_read_up_to_a_bound(hook: Receiver, cast: Cast) -> None:
    def huge(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**12))
        handler.end_headers()
        handler.wfile.write(b"x" * 100_000)

    hook.behavior = huge
    outcome = sending.send(hook.url, b"{}", {"webhook-id": "x"}, seconds=10)
    assert (outcome.status_code, len(outcome.response)) == (200, 512)


def test_gone_disables_the_endpoint_with_an_event(
    hook: Receiver, cast: Cast, webhook: Webhook, api: Any
) -> None:
    hook.behavior = answer(410)
    happens(cast)
    work()
    shown = api.get(f"/v1/webhooks/{webhook.pk}").json()["data"]
    assert (shown["status"], shown["disabled_reason"]) == (
        "disabled",
        "the endpoint answered 410 Gone",
    )
    assert deliveries(webhook) == [("failed", ["the endpoint answered 410"])]
    event = Event.objects.get(subject_id=webhook.pk, kind="disabled")
    assert (event.actor, event.reason) == ("system:send_webhooks", "the endpoint answered 410 Gone")
    assert (event.before, event.after) == ({"status": "active"}, {"status": "disabled"})
    happens(cast)
    work()
    events = api.get("/v1/events?types=webhook.disabled").json()["data"]
    assert [one["data"]["id"] for one in events] == [str(webhook.pk)]
    assert len(hook.received) == 1


def test_retry_after_is_honored(hook: Receiver, cast: Cast, webhook: Webhook) -> None:
    hook.behavior = answer(503, Retry_After="7200")
    happens(cast)
    work()
    (row,) = webhook.deliveries.all()
    assert row.due_at - timezone.now() > timedelta(minutes=119)
    webhook.refresh_from_db()
    assert webhook.due_at - timezone.now() > timedelta(minutes=119)


def test_last_attempt_is_the_tenth(cast: Cast, webhook: Webhook) -> None:
    happens(cast)
    work_without_sending()
    delays = []
    for _ in range(MOST_TRIES):
        WebhookDelivery.objects.update(due_at=timezone.now())
        Webhook.objects.update(due_at=timezone.now(), probe_at=None, failures=0, failing_since=None)
        (claimed,) = claim_deliveries(10)
        before = timezone.now()
        record_attempts([Attempt(claimed, Outcome(500, "the endpoint answered 500"))])
        (row,) = webhook.deliveries.all()
        delays.append((row.due_at - before).total_seconds() if row.due_at else None)
    assert delays.pop() is None
    assert all(0.8 * d <= delay <= 1.2 * d + 5 for d, delay in zip(DELAYS, delays, strict=True))
    assert row.status == "failed"


def work_without_sending() -> None:
    from numbers.events.publish import publish_events

    publish_events()
    fan_out()


def test_failing_endpoint_is_probed_by_one(hook: Receiver, cast: Cast, webhook: Webhook) -> None:
    hook.behavior = answer(500)
    happens(cast, 20)
    work()
    first_round = len(hook.received)
    assert first_round == 5
    for _ in range(3):
        let_pass(timedelta(minutes=5))
        work()
    assert len(hook.received) == first_round + 3
    hook.behavior = answer(204)
    for _ in range(8):
        let_pass(timedelta(minutes=5))
        work()
    assert {status for status, _ in deliveries(webhook)} <= {"succeeded", "pending"}
    webhook.refresh_from_db()
    assert webhook.failures == 0


def test_endpoint_that_failed_for_five_days_is_disabled(
    hook: Receiver, cast: Cast, webhook: Webhook
) -> None:
    hook.behavior = answer(500)
    happens(cast, 12)
    work()
    let_pass(timedelta(days=5, minutes=1))
    work()
    webhook.refresh_from_db()
    assert webhook.status == "disabled"
    assert webhook.disabled_reason.startswith("it has failed for five days")
    let_pass(timedelta(days=1))
    work()
    assert len(hook.received) == 6


def test_private_address_is_not_connected_to(cast: Cast, settings: Any) -> None:
    with receiver() as state:
        settings.WEBHOOK_PRIVATE_HOSTS = []
        outcome = sending.send(f"https://127.0.0.1:{state.port}/", b"{}", {}, seconds=5)
        assert outcome.error.startswith("not called: must have a public host")
        assert state.received == []


def test_name_that_resolves_to_a_private_address_is_refused(
    cast: Cast, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that was public when it was written may be private when it is called."""
    from numbers.webhooks import addresses

    settings.WEBHOOK_PRIVATE_HOSTS = []
    found = [(2, 1, 6, "", ("10.0.0.1", 443)), (2, 1, 6, "", ("127.0.0.1", 443))]
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_, **__: found)
    outcome = sending.send("https://rebound.example.com/", b"{}", {}, seconds=5)
    assert outcome.error == (
        "not called: rebound.example.com resolves to private or reserved addresses only"
    )


def test_dead_worker_leaves_a_lease_that_ends(hook: Receiver, cast: Cast, webhook: Webhook) -> None:
    happens(cast)
    work_without_sending()
    assert len(claim_deliveries(10)) == 1  # and the worker dies
    work()
    assert hook.received == []
    let_pass(timedelta(seconds=61))
    work()
    assert len(hook.received) == 1
    assert deliveries(webhook) == [("succeeded", [204])]


def test_late_result_of_a_lost_lease_changes_nothing(
    hook: Receiver, cast: Cast, webhook: Webhook
) -> None:
    happens(cast)
    work_without_sending()
    (lost,) = claim_deliveries(10)
    let_pass(timedelta(seconds=61))
    work()
    record_attempts([Attempt(lost, Outcome(500, "the endpoint answered 500"))])
    ((status, _),) = deliveries(webhook)
    assert status == "succeeded"


@pytest.mark.parametrize(
    ("host", "attempts"),
    [("ok", [204]), ("500", ["the endpoint answered 500"]), ("timeout", None), ("flaky", None)],
)
def test_sandbox_host_forces_its_outcome(cast: Cast, host: str, attempts: Any) -> None:
    work()
    webhook, _ = endpoint(cast.sandbox, f"https://{host}.webhooks.example/")
    write_event(EventType.CREDIT_LOW, {}, organization_id=cast.sandbox.pk)
    work()
    ((_, made),) = deliveries(webhook)
    assert len(made) == 1
    assert attempts in (None, made)
