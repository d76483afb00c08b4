"""A server killed with SIGKILL in the middle of an order, and the retry of its client."""

import http.client
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support import db_assertions, factories
from tests.support.concurrency import wait_until_idle
from tests.support.live_server import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

CUT_OFF = (ConnectionError, http.client.HTTPException)


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()
    wait_until_idle()
    db_assertions.assert_in_order()


@pytest.fixture
def numbers(db):
    return factories.stock(*factories.line(0, 3), price="10.00")


def crash(server, crash_at, secret, numbers):
    server.start(crash_at=crash_at)
    with pytest.raises(CUT_OFF):
        server.order(secret, numbers, key="k")
    server.kill()
    wait_until_idle()
    server.start()


@pytest.mark.parametrize("point", ["between check and write", "between write and commit"])
def test_kill_before_the_commit_leaves_nothing(server, cast, numbers, point):
    crash(server, point, cast.owner_key, numbers)
    assert db_assertions.written() == db_assertions.NOTHING
    assert db_assertions.balance(cast.owner) == 100
    retry = server.order(cast.owner_key, numbers, key="k")
    assert retry.status == 200
    assert "Idempotent-Replayed" not in retry.headers
    assert db_assertions.written() == {
        "orders": 1,
        "owned": 3,
        "recorded": 3,
        "charged": 1,
        "remembered": 1,
    }


def test_kill_after_the_commit_is_answered_by_the_retry(server, cast, numbers):
    crash(server, "between commit and answer", cast.owner_key, numbers)
    once = {"orders": 1, "owned": 3, "recorded": 3, "charged": 1, "remembered": 1}
    assert db_assertions.written() == once
    retries = [server.order(cast.owner_key, numbers, key="k") for _ in range(2)]
    assert [(retry.status, retry.headers["Idempotent-Replayed"]) for retry in retries] == [
        (200, "true")
    ] * 2
    assert retries[0].body == retries[1].body
    assert [line["number"] for line in retries[0].json()["data"]] == numbers
    ((order_id, request_id),) = db_assertions.rows("SELECT id::text, request_id FROM numbers_order")
    assert retries[0].json()["meta"] == {"order_id": order_id}
    assert request_id not in {retry.headers["X-Request-Id"] for retry in retries}
    assert (db_assertions.written(), db_assertions.balance(cast.owner)) == (once, 70)


def test_repeated_kills_under_load_lose_and_double_nothing(server, cast):
    """Four clients place 15 orders each and retry with the same key until they are answered 200."""
    factories.stock(*factories.line(0, 120), price="0.10")
    server.start()

    def until_answered(at):
        numbers, cut_off = factories.line(2 * at, 2), 0
        while True:
            try:
                answer = server.order(cast.owner_key, numbers, key=f"order-{at}")
            except CUT_OFF:
                cut_off += 1
                continue
            assert answer.status in (200, 409, 503), answer.body
            if answer.status == 200:
                return answer.body, cut_off
            assert (
                answer.status == 503 or answer.json()["error"]["code"] == "IDEMPOTENCY_IN_PROGRESS"
            )

    with ThreadPoolExecutor(4) as clients:
        orders = [clients.submit(until_answered, at) for at in range(60)]
        for done in (10, 25, 40):
            orders[done].result()
            server.kill()
            server.start()
        answers = [order.result() for order in orders]
    assert len({body for body, _ in answers}) == 60
    assert sum(cut_off for _, cut_off in answers) > 0
    assert db_assertions.written() == {
        "orders": 60,
        "owned": 120,
        "recorded": 120,
        "charged": 60,
        "remembered": 60,
    }
    assert (len(db_assertions.owners()), db_assertions.balance(cast.owner)) == (120, 88)
