"""Former and foreign objects, beside tests/contract/test_foreign_objects.py for every endpoint."""

import pytest

from tests.support import db_assertions, factories
from tests.support.phone_numbers import (
    BULK,
    BULK_RELEASE,
    MISSING,
    NUMBERS,
    buy,
    hold,
    owned,
    release,
    release_hold,
    wait_for,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def stranger(api, cast):
    return api.using(cast.stranger_key)


def word_for_word(response):
    """The whole answer, without what differs between any two requests."""
    body = response.content.replace(response["X-Request-Id"].encode(), b"")
    ours = ("X-Request-Id", "RateLimit")
    headers = {name: value for name, value in response.headers.items() if not name.startswith(ours)}
    return response.status_code, body, headers


def same_as_missing(client, path, *ids, methods=("GET", "DELETE")):
    for method in methods:
        missing = word_for_word(client.request(method, path.format(MISSING)))
        assert missing[0] == 404
        assert [word_for_word(client.request(method, path.format(one))) for one in ids] == [
            missing
        ] * len(ids)


def test_bulk_orders_of_others_look_missing_in_every_state(api, stranger, cast):
    pending, cancelled, failed = (
        wait_for(api, quantity, area_code="212") for quantity in (7, 8, 9)
    )
    api.request("DELETE", f"{BULK}/{cancelled}")
    db_assertions.run(
        "UPDATE numbers_order SET status = 'failed', failure_reason = 'INSUFFICIENT_CREDIT', "
        "finished_at = now(), closed_by = 'system:tests', closed_in_request = 'x' WHERE id = "
        f"'{failed}'"
    )
    factories.stock(*factories.line(0))
    complete = buy(api, 1).json()["data"]["order_id"]
    same_as_missing(stranger, f"{BULK}/{{}}", pending, cancelled, failed, complete)


def test_released_reservations_of_others_look_missing(api, stranger):
    active, ended = (hold(api, number)["id"] for number in factories.stock(*factories.line(0, 2)))
    release_hold(api, ended)
    same_as_missing(stranger, f"{NUMBERS}/reservations/{{}}", active, ended)


def test_released_number_looks_missing(api, stranger):
    (number_id,) = owned(api, *factories.stock(*factories.line(0)))
    release(api, number_id)
    same_as_missing(stranger, f"{NUMBERS}/{{}}", number_id)
    data = stranger.post(BULK_RELEASE, {"ids": [number_id, MISSING]}).json()["data"]
    assert data == {
        "released": [],
        "unknown": [number_id, MISSING],
        "already_released": [],
        "locked": [],
    }


@pytest.mark.parametrize("where", ["orders", "bulk"])
def test_idempotency_keys_of_organizations_are_independent(api, stranger, where):
    headers = {"Idempotency-Key": "the-same"}
    numbers = factories.stock(*factories.line(0, 2))
    bodies = {
        "orders": [{"numbers": [number]} for number in numbers],
        "bulk": [{"quantity": 1}] * 2,
    }[where]
    first = api.post(f"{NUMBERS}/{where}", bodies[0], headers=headers)
    second = stranger.post(f"{NUMBERS}/{where}", bodies[1], headers=headers)
    assert (first.status_code, second.status_code) == (200, 200)
    assert "Idempotent-Replayed" not in second
    assert sorted(db_assertions.owners().values()) == ["Owner", "Stranger"]
