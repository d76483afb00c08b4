"""Retries with an ``Idempotency-Key``: the first response again, and nothing done twice."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db.models import F

from apikeys.models import ApiKey
from numbers.credit.ledger import top_up
from numbers.models import IdempotencyRecord
from numbers.orders import place
from tests.support import db_assertions, factories
from tests.support.api_client import ORDERS, error_of, refused
from tests.support.concurrency import Clients, at_once, gate_after, wait_until_blocked
from tests.support.phone_numbers import BULK

pytestmark = pytest.mark.django_db

KEY = {"Idempotency-Key": "order-4711"}
ONE_ORDER = {"orders": 1, "owned": 2, "recorded": 2, "charged": 1, "remembered": 1}


@pytest.fixture
def numbers(db):
    return factories.stock(*factories.line(0, 2), price="10.00")


def replays(response, first):
    assert (response.status_code, response.content) == (200, first.content)
    assert response["Idempotent-Replayed"] == "true"
    assert response["X-Request-Id"] != first["X-Request-Id"]


def grow_older(**age):
    IdempotencyRecord.objects.update(created_at=F("created_at") - timedelta(**age))


# --- one after the other -------------------------------------------------------------------------


def test_retry_gets_the_same_bytes_and_is_charged_once(api, cast, numbers):
    first = api.order(numbers, label="x", headers=KEY)
    assert first.status_code == 200
    assert "Idempotent-Replayed" not in first
    for _ in range(3):
        replays(api.order(numbers, label="x", headers=KEY), first)
    assert (db_assertions.written(), db_assertions.balance(cast.owner)) == (ONE_ORDER, 80)
    db_assertions.assert_in_order()


def test_retry_gets_the_same_response_when_numbers_changed(api, cast, numbers):
    campaign = factories.campaign(cast.owner)
    first = api.order(numbers, campaign_id=str(campaign.pk), headers=KEY)
    campaign.status = "EXPIRED"
    campaign.save(update_fields=["status"])
    factories.release(numbers[0], until="2020-01-01T00:00Z")
    factories.own(cast.stranger, numbers[0])
    replays(api.order(numbers, campaign_id=str(campaign.pk), headers=KEY), first)


def test_another_key_of_the_organization_may_retry(api, cast, numbers):
    first = api.order(numbers, headers=KEY)
    replays(api.using(factories.key(cast.owner)).order(numbers, headers=KEY), first)


@pytest.mark.parametrize("path", [ORDERS, BULK])
def test_retry_is_not_judged_by_a_newer_limit(api, cast, path):
    numbers = factories.stock(*factories.line(0, 3))
    bodies = {
        ORDERS: {"numbers": numbers},
        BULK: {"quantity": 3, "area_code": "415", "max_price_per_number": "1.00"},
    }
    headers = {"Idempotency-Key": "lost"}
    first = api.post(path, bodies[path], headers=headers)
    assert first.status_code == 200
    ApiKey.objects.filter(organization=cast.owner).update(max_numbers_per_order=2)
    replays(api.post(path, bodies[path], headers=headers), first)
    new = api.post(path, bodies[path], headers={"Idempotency-Key": "new"})
    error_of(new, 422, "VALIDATION_FAILED")
    assert not IdempotencyRecord.objects.filter(key="new").exists()


def test_retry_still_needs_a_key_with_the_scope(api, cast, numbers):
    api.order(numbers, headers=KEY)
    assert api.using(cast.colleague_key).order(numbers, headers=KEY).status_code == 403
    assert api.using(None).order(numbers, headers=KEY).status_code == 401


def test_same_key_is_independent_between_organizations(api, cast, numbers):
    api.order(numbers, headers=KEY)
    other = factories.stock(*factories.line(10))
    response = api.using(cast.stranger_key).order(other, headers=KEY)
    assert [line["number"] for line in response.json()["data"]] == other
    assert "Idempotent-Replayed" not in response


def test_whitespace_and_field_order_do_not_change_the_request(api, numbers):
    path = api.order(numbers, label="x", headers=KEY).wsgi_request.path
    body = f'{{ "label" :"\\u0078",\n "numbers": ["{numbers[0]}" ,"{numbers[1]}"]}}'.encode()
    assert api.post(path, body, headers=KEY)["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    "change", [{"label": "y"}, {"label": None}, {"numbers": "reversed"}, {"numbers": "fewer"}]
)
def test_another_request_with_a_used_key_is_422_and_does_nothing(api, numbers, change):
    first = api.order(numbers, label="x", headers=KEY)
    changed = {"reversed": numbers[::-1], "fewer": numbers[:1], "same": numbers}[
        change.pop("numbers", "same")
    ]
    response = api.order(changed, **{"label": "x", **change}, headers=KEY)
    message = "this Idempotency-Key belongs to another request: use a new key for each request"
    refused(response, 422, "IDEMPOTENCY_KEY_REUSED", message)
    replays(api.order(numbers, label="x", headers=KEY), first)
    assert db_assertions.written() == ONE_ORDER


def test_key_is_reusable_after_24_hours(api, cast, numbers):
    first = api.order(numbers, headers=KEY)
    grow_older(hours=23, minutes=59)
    replays(api.order(numbers, headers=KEY), first)
    grow_older(minutes=2)
    others = factories.stock(*factories.line(10, 2))
    second = api.order(others, headers=KEY)
    assert [line["number"] for line in second.json()["data"]] == others
    replays(api.order(others, headers=KEY), second)
    assert db_assertions.written() == {
        "orders": 2,
        "owned": 4,
        "recorded": 4,
        "charged": 2,
        "remembered": 1,
    }


def test_refusal_is_not_remembered(api, cast):
    dear = factories.stock(*factories.line(0), price="150.00")
    assert api.order(dear, headers=KEY).status_code == 402
    assert db_assertions.written() == db_assertions.NOTHING
    top_up(
        organization_id=cast.owner.pk, amount=Decimal("50.00"), note="more", actor=factories.actor()
    )
    response = api.order(dear, headers=KEY)
    assert response.status_code == 200
    assert "Idempotent-Replayed" not in response


def test_refused_key_may_be_used_for_another_request(api, numbers):
    assert api.order([*numbers, "+14155550199"], headers=KEY).status_code == 409
    assert api.order(numbers, headers=KEY).status_code == 200


def test_crash_midway_is_not_remembered(api, numbers, monkeypatch):
    purchase_statement = place.purchase_statement

    def write_and_crash(*arguments, **options):
        purchase_statement(*arguments, **options)
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(place, "purchase_statement", write_and_crash)
        assert api.order(numbers, headers=KEY).status_code == 500
    assert db_assertions.written() == db_assertions.NOTHING
    assert "Idempotent-Replayed" not in api.order(numbers, headers=KEY)
    assert db_assertions.written() == ONE_ORDER


# --- which keys ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["", " ", "x" * 256, "two words", "tab\tbed", "caf\u00e9", "line\nfeed", "\x7f", "\x00"]
)
def test_key_is_422_unless_1_to_255_visible_ascii_characters(api, numbers, key):
    response = api.order(numbers, headers={"Idempotency-Key": key})
    details = {"Idempotency-Key": "must be 1 to 255 visible ASCII characters, such as a UUID"}
    refused(response, 422, "VALIDATION_FAILED", "validation failed", error={"details": details})
    assert db_assertions.written() == db_assertions.NOTHING


@pytest.mark.parametrize(
    "key",
    [
        "!",
        "~" * 255,
        "3f0a6c1e-6f43-4a51-9d3a-1f4f8f0b0c11",
        "'; DROP TABLE x; --%s".replace(" ", ""),
    ],
)
def test_any_visible_ascii_is_a_valid_key(api, numbers, key):
    first = api.order(numbers, headers={"Idempotency-Key": key})
    assert first.status_code == 200
    replays(api.order(numbers, headers={"Idempotency-Key": key}), first)


def test_keys_differ_in_case(api, numbers):
    assert api.order(numbers[:1], headers={"Idempotency-Key": "abc"}).status_code == 200
    response = api.order(numbers[1:], headers={"Idempotency-Key": "ABC"})
    assert response.json()["data"][0]["number"] == numbers[1]


# --- at the same time ----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_concurrent_requests_with_one_key_place_one_order(api, cast, numbers):
    answers = at_once([lambda: api.using(cast.owner_key).order(numbers, headers=KEY)] * 20)
    assert {response.status_code for response in answers} == {200}
    assert len({response.content for response in answers}) == 1
    assert (
        sorted(response.has_header("Idempotent-Replayed") for response in answers)
        == [False] + [True] * 19
    )
    assert len({response["X-Request-Id"] for response in answers}) == 20
    assert (db_assertions.written(), db_assertions.balance(cast.owner)) == (ONE_ORDER, 80)
    db_assertions.assert_in_order()


@pytest.mark.django_db(transaction=True)
def test_concurrent_reuse_of_an_expired_key_makes_one_order(api, cast, numbers):
    api.order(factories.stock(*factories.line(10)), headers=KEY)
    grow_older(hours=25)
    answers = at_once([lambda: api.using(cast.owner_key).order(numbers, headers=KEY)] * 20)
    assert {response.status_code for response in answers} == {200}
    assert len({response.content for response in answers}) == 1
    assert db_assertions.written() == {
        "orders": 2,
        "owned": 3,
        "recorded": 3,
        "charged": 2,
        "remembered": 1,
    }


@pytest.mark.django_db(transaction=True)
def test_retry_waits_and_replays_when_the_first_request_runs(api, cast, numbers, monkeypatch):
    gate = gate_after(monkeypatch, place, "purchase_statement")
    with Clients(2) as clients:
        first = clients.start(api.order, numbers, headers=KEY)
        gate.wait_for_someone()
        retry = clients.start(api.using(cast.owner_key).order, numbers, headers=KEY)
        wait_until_blocked()
        assert not retry.done()
        gate.open()
        replays(retry.result(), first.result())
    assert db_assertions.written() == ONE_ORDER


@pytest.mark.django_db(transaction=True)
def test_waiting_retry_places_the_order_when_the_first_fails(api, cast, numbers, monkeypatch):
    gate = gate_after(monkeypatch, place, "purchase_statement")
    with Clients(2) as clients:
        first = clients.start(api.order, numbers, headers=KEY)
        gate.wait_for_someone()
        retry = clients.start(api.using(cast.owner_key).order, numbers, headers=KEY)
        wait_until_blocked()
        db_assertions.rows(  # what a crash of the first's process does to its transaction
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
            "current_database() AND wait_event = 'ClientRead' AND backend_xid IS NOT NULL AND pid "
            "<> pg_backend_pid()"
        )
        assert retry.result().status_code == 200
        gate.open()
        assert first.result().status_code == 503
    assert "Idempotent-Replayed" not in retry.result()
    assert db_assertions.written() == ONE_ORDER


@pytest.mark.django_db(transaction=True)
def test_other_request_is_422_when_its_key_is_in_use(api, cast, numbers, monkeypatch):
    gate = gate_after(monkeypatch, place, "purchase_statement")
    with Clients(2) as clients:
        first = clients.start(api.order, numbers, headers=KEY)
        gate.wait_for_someone()
        other = clients.start(api.using(cast.owner_key).order, numbers[::-1], headers=KEY)
        wait_until_blocked()
        gate.open()
        assert other.result().json()["error"]["code"] == "IDEMPOTENCY_KEY_REUSED"
        assert first.result().status_code == 200


@pytest.mark.django_db(transaction=True)
def test_retry_is_in_progress_when_the_first_request_is_slow(
    api, cast, numbers, monkeypatch, settings
):
    settings.LOCK_TIMEOUT_MS = 50
    gate = gate_after(monkeypatch, place, "purchase_statement")
    with Clients(1) as clients:
        first = clients.start(api.order, numbers, headers=KEY)
        gate.wait_for_someone()
        response = api.using(cast.owner_key).order(numbers, headers=KEY)
        message = "a request with this Idempotency-Key has not finished yet"
        refused(response, 409, "IDEMPOTENCY_IN_PROGRESS", message)
        assert response["Retry-After"] == "1"
        assert not response.has_header("x-should-retry")  # a retry is what is wanted
        gate.open()
        assert first.result().status_code == 200
    replays(api.order(numbers, headers=KEY), first.result())


def test_record_keeps_a_request_digest_and_the_whole_response(api, numbers):
    response = api.order(numbers, label="x", headers=KEY)
    record = IdempotencyRecord.objects.get()
    assert (record.key, record.status, bytes(record.body)) == ("order-4711", 200, response.content)
    assert len(record.fingerprint) == 32
