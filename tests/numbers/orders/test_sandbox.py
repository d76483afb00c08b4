"""Sandbox keys: everything as with live keys, on a test inventory, without charges."""

from decimal import Decimal

import pytest

from tests.support import db_assertions, factories
from tests.support.api_client import refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def sandbox(api, cast):
    return api.using(cast.sandbox_key)


def unavailable(response):
    assert response.json()["error"]["code"] == "INSUFFICIENT_INVENTORY"
    return response.json()["data"]["unavailable"]


def test_sandbox_orders_test_numbers_with_a_live_response(api, sandbox, cast):
    campaign = factories.campaign(cast.sandbox)
    factories.stock("+14155550123", sandbox=True, price="5.00")
    factories.stock("+14155550124", price="5.00")
    tested = sandbox.order(["+14155550123"], label="x", campaign_id=str(campaign.pk)).json()
    live = api.order(["+14155550124"], label="x").json()
    assert tested.keys() == live.keys()
    (one,), (other,) = tested["data"], live["data"]
    differ = {"id", "number", "campaign_id", "created_at", "updated_at"}
    assert list(one) == list(other)
    assert {name: one[name] for name in one.keys() - differ} == {
        name: other[name] for name in other.keys() - differ
    }
    assert db_assertions.owners() == {"+14155550123": "Sandbox", "+14155550124": "Owner"}
    db_assertions.assert_in_order()


def test_sandbox_never_pays_and_its_order_shows_the_price(sandbox, cast):
    factories.stock(*factories.line(0, 2), sandbox=True, price="5000.00")
    assert sandbox.order(factories.line(0, 2)).status_code == 200
    assert (db_assertions.balance(cast.sandbox), db_assertions.charges(cast.sandbox)) == (0, [])
    order = db_assertions.row("SELECT sandbox, total FROM numbers_order")
    assert order == {"sandbox": True, "total": Decimal("10000.00")}
    assert db_assertions.rows("SELECT 1 FROM numbers_creditentry WHERE order_id IS NOT NULL") == []
    assert len(db_assertions.rows("SELECT 1 FROM numbers_numberevent WHERE kind = 'assigned'")) == 2


def test_sandbox_with_credit_keeps_it(api):
    rich = factories.organization(sandbox=True, credit="100.00")
    factories.stock("+14155550123", sandbox=True, price="5.00")
    assert api.using(factories.key(rich)).order(["+14155550123"]).status_code == 200
    assert db_assertions.balance(rich) == 100


def test_live_and_test_numbers_are_seen_by_their_own_kind_only(api, sandbox):
    (live,), (test,) = (
        factories.stock("+14155550123"),
        factories.stock("+14155550124", sandbox=True),
    )
    assert unavailable(sandbox.order([test, live])) == [live]
    assert unavailable(api.order([test, live])) == [test]
    assert db_assertions.written() == db_assertions.NOTHING


def test_number_sold_to_one_sandbox_is_unavailable_to_another(api, sandbox):
    other = api.using(factories.key(factories.organization(sandbox=True, credit=None)))
    factories.stock("+14155550123", sandbox=True)
    assert sandbox.order(["+14155550123"]).status_code == 200
    assert unavailable(other.order(["+14155550123"])) == ["+14155550123"]


def test_campaign_rules_hold_in_a_sandbox(sandbox, cast):
    factories.stock("+14155550123", sandbox=True)
    expired = factories.campaign(cast.sandbox, "EXPIRED")
    response = sandbox.order(["+14155550123"], campaign_id=str(expired.pk))
    refused(response, 409, "CAMPAIGN_NOT_ACTIVE", "campaign is not active: it is EXPIRED")
    live = factories.campaign(cast.owner)
    response = sandbox.order(["+14155550123"], campaign_id=str(live.pk))
    refused(response, 404, "NOT_FOUND", "not found")


def test_sandbox_retries_like_a_live_key(sandbox):
    factories.stock("+14155550123", sandbox=True)
    answers = [sandbox.order(["+14155550123"], headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert answers[1]["Idempotent-Replayed"] == "true"
