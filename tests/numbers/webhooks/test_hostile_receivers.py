"""A receiver may answer any bytes: the attempt is recorded, and other customers notice nothing."""

import random
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from numbers.models import DeliveryAttempt
from numbers.webhooks import sender as sending
from numbers.webhooks.send import send
from tests.conftest import Cast
from tests.support.receiver import Behavior, Receiver, receiver
from tests.support.webhooks import deliveries, delivery, endpoint, work

pytestmark = pytest.mark.django_db

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%s\r\nok"
FAILED = b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\nRetry-After: %s\r\n\r\nok"
# What is sent, and whether that is a success.
HEADS = {
    "status line of NUL": (b"\x00\x00bad\r\n\r\n", False),
    "no status": (b"HTTP/1.1 \r\n\r\n", False),
    "status of four digits": (b"HTTP/1.1 2000 OK\r\n\r\n", False),
    "negative status": (b"HTTP/1.1 -99 OK\r\n\r\n", False),
    "header of control characters": (WHOLE % b"X: \x00\x1b[31m\r\n", True),
    "header of no UTF-8": (WHOLE % b"X: \xff\xfe\r\n", True),
    "length that is none": (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nok", True),
    "chunk of NUL": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\x00\r\n", False),
    "line without end": (b"HTTP/1.1 200 " + 70_000 * b"x", False),
    "two hundred headers": (b"HTTP/1.1 200 OK\r\n" + 200 * b"X: y\r\n" + b"\r\n", False),
    "time of an impossible zone": (
        WHOLE % b"Retry-After: Mon, 01 Jan 2024 00:00:00 +9999999999999999999\r\n",
        True,
    ),
    "failure with that time": (FAILED % b"Mon, 01 Jan 2024 00:00:00 +9999999999999999999", False),
    "failure with a year of five digits": (FAILED % b"Mon, 01 Jan 20240 00:00:00 GMT", False),
    "failure with digits of another script": (FAILED % "٣".encode(), False),
    "failure that asks for ages": (FAILED % (400 * b"9"), False),
    "nothing": (b"", False),
}


@pytest.fixture
def hooks(settings: Any) -> Iterator[tuple[Receiver, Receiver]]:
    """A hostile receiver, and one that does its work."""
    with receiver() as hostile, receiver() as good:
        settings.WEBHOOK_PRIVATE_HOSTS = [f"127.0.0.1:{one.port}" for one in (hostile, good)]
        yield hostile, good


def say(sent: bytes) -> Behavior:
    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(sent)

    return behave


@pytest.mark.parametrize("name", HEADS)
def test_hostile_response_is_recorded_beside_a_good_one(
    cast: Cast, hooks: tuple[Receiver, Receiver], name: str
) -> None:
    (hostile, good), (sent, succeeds) = hooks, HEADS[name]
    hostile.behavior = say(sent)
    work()
    bad, fine = endpoint(cast.owner, hostile.url)[0], endpoint(cast.stranger, good.url)[0]
    delivery(bad), delivery(fine)
    work()
    assert deliveries(fine) == [("succeeded", [204])]
    ((status, attempts),) = deliveries(bad)
    assert (status, len(attempts)) == ("succeeded" if succeeds else "pending", 1)
    assert "unforeseen" not in str(attempts)


def test_any_bytes_of_a_receiver_can_be_recorded(
    cast: Cast, hooks: tuple[Receiver, Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile, _ = hooks
    chance = random.Random(11)
    monkeypatch.setattr(sending, "send", lambda *sent: send(*sent, seconds=5))
    work()
    webhook = endpoint(cast.owner, hostile.url)[0]
    starts = [b"", b"HTTP/1.1 ", b"HTTP/1.1 200 ", WHOLE % b"", FAILED % b""]
    for _ in range(100):
        start = bytearray(chance.choice(starts))
        for _ in range(chance.randrange(6)):
            start[chance.randrange(len(start) + 1) :] = chance.randbytes(chance.randrange(30))
        hostile.behavior = say(bytes(start))
        delivery(webhook)
        work()
        webhook.deliveries.update(status="failed", due_at=None, finished_at=webhook.created_at)
    assert DeliveryAttempt.objects.filter(delivery__webhook=webhook).count() == 100
    assert not DeliveryAttempt.objects.filter(error__contains="unforeseen").exists()


def test_outcome_that_no_column_takes_costs_only_its_own_attempt(
    cast: Cast, hooks: tuple[Receiver, Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is: the batch is recorded one by one, and the try is counted."""
    hostile, good = hooks

    def attempt(claimed: Any, body: bytes | None) -> sending.Outcome:
        if claimed.webhook_id == bad.pk:
            return sending.Outcome(None, "\x00")
        return sending.Outcome(204)

    monkeypatch.setattr(sending, "attempt", attempt)
    work()
    bad, fine = endpoint(cast.owner, hostile.url)[0], endpoint(cast.stranger, good.url)[0]
    delivery(bad), delivery(fine)
    work()
    assert deliveries(fine) == [("succeeded", [204])]
    assert deliveries(bad) == [("pending", ["an unforeseen error of the sender"])]
