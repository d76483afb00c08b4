"""``?dry_run=true``: the checks and errors of an order, without writes or holds."""

import pytest

from tests.support import db_assertions, factories
from tests.support.api_client import ORDERS, refused
from tests.support.concurrency import Clients

pytestmark = pytest.mark.django_db


def dry(api, numbers, **body):
    return api.order(numbers, query="?dry_run=true", **body)


def test_dry_run_returns_prices_total_and_remaining_credit(api):
    numbers = factories.stock(*factories.line(0, 2), price="1.25") + factories.stock(
        "+18005550199", price="10.00"
    )
    response = dry(api, numbers[::-1])
    assert response.status_code == 200
    assert response.json() == {
        "success": True,
        "data": {
            "numbers": [
                {"number": "+18005550199", "price": "10.00", "monthly_price": "0.00"},
                {"number": numbers[1], "price": "1.25", "monthly_price": "0.00"},
                {"number": numbers[0], "price": "1.25", "monthly_price": "0.00"},
            ],
            "total": "12.50",
            "currency": "USD",
            "balance_after": "87.50",
        },
    }


def test_dry_run_writes_nothing_and_remembers_nothing(api, cast):
    numbers = factories.stock(*factories.line(0, 2))
    for _ in range(2):
        assert dry(api, numbers, headers={"Idempotency-Key": "k"}).status_code == 200
    assert db_assertions.written() == db_assertions.NOTHING
    assert db_assertions.rows("SELECT DISTINCT status FROM numbers_phonenumber") == [("available",)]
    assert (db_assertions.balance(cast.owner), db_assertions.owners()) == (100, {})


def test_dry_run_creates_no_account(api):
    newcomer = factories.organization(credit=None)
    factories.stock("+14155550123", price="0.00")
    assert (
        dry(api.using(factories.key(newcomer)), ["+14155550123"]).json()["data"]["balance_after"]
        == "0.00"
    )
    assert (
        db_assertions.rows(
            "SELECT 1 FROM numbers_creditaccount WHERE organization_id = %s", newcomer.pk
        )
        == []
    )


@pytest.mark.parametrize("query", ["", "?dry_run=false", "?dry_run=0"])
def test_same_body_buys_without_the_parameter(api, query):
    (line,) = api.order(factories.stock("+14155550123"), query=query).json()["data"]
    assert line["number"] == "+14155550123"
    assert db_assertions.owners() == {"+14155550123": "Owner"}


@pytest.mark.parametrize("query", ["?dry_run=true&dry_run=false", "?dry_run=true&dry_run=true"])
def test_repeated_parameter_does_not_buy(api, query):
    error = {"details": {"dry_run": "is given more than once; give it once"}}
    response = api.order(factories.stock("+14155550123"), query=query)
    refused(response, 422, "VALIDATION_FAILED", "validation failed", error=error)
    assert db_assertions.written() == db_assertions.NOTHING


@pytest.mark.parametrize("value", ["", "yes", "True", "maybe", "2"])
def test_value_that_is_not_true_or_false_does_not_buy(api, value):
    response = api.order(factories.stock("+14155550123"), query=f"?dry_run={value}")
    details = {"dry_run": "must be true or false"}
    refused(response, 422, "VALIDATION_FAILED", "validation failed", error={"details": details})
    assert db_assertions.owners() == {}


def refusals(cast):
    """An order for each refusal: the client's secret and the body."""
    expired, unverified = (
        factories.campaign(cast.owner, "EXPIRED"),
        factories.campaign(cast.owner, "ACTIVE", None),
    )
    mine, theirs, free = factories.stock(*factories.line(0, 3))
    factories.own(cast.owner, mine)
    factories.own(cast.stranger, theirs)
    factories.stock("+14155550123", price="1000.00")
    return {
        401: ("am_live_x", {"numbers": [free]}),
        403: (cast.colleague_key, {"numbers": [free]}),
        422: (cast.owner_key, {"numbers": [free, "x"], "label": 1}),
        404: (
            cast.owner_key,
            {"numbers": [free], "campaign_id": "00000000-0000-4000-8000-000000000000"},
        ),
        "campaign": (cast.owner_key, {"numbers": [free], "campaign_id": str(expired.pk)}),
        "brand": (cast.owner_key, {"numbers": [free], "campaign_id": str(unverified.pk)}),
        "inventory": (cast.owner_key, {"numbers": [theirs, free, mine]}),
        402: (cast.owner_key, {"numbers": [free, "+14155550123"]}),
    }


def test_dry_run_is_refused_like_the_order(api, cast):
    for secret, body in refusals(cast).values():
        client = api.using(secret)
        ran, ordered = client.post(f"{ORDERS}?dry_run=true", body), client.post(ORDERS, body)
        bodies = [response.json() for response in (ran, ordered)]
        for answer in bodies:
            answer["error"].pop("request_id")
        assert ran.status_code == ordered.status_code >= 400
        assert bodies[0] == bodies[1]
        assert ran.headers.get("x-should-retry") == ordered.headers.get("x-should-retry")
    assert db_assertions.written() == db_assertions.NOTHING


def test_sandbox_dry_run_keeps_the_balance(api, cast):
    factories.stock("+14155550123", sandbox=True, price="5.00")
    data = dry(api.using(cast.sandbox_key), ["+14155550123"]).json()["data"]
    assert (data["total"], data["balance_after"]) == ("5.00", "0.00")


@pytest.mark.django_db(transaction=True)
def test_nothing_is_held_after_a_dry_run(api, cast):
    """No lock is left behind either: a stranger on another connection buys the same numbers at once."""
    numbers = factories.stock(*factories.line(0, 2))
    assert dry(api, numbers).status_code == 200
    with Clients(1) as clients:
        assert (
            clients.start(api.using(cast.stranger_key).order, numbers).result().status_code == 200
        )
