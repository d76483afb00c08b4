"""Bulk orders: the response at once, the later status, cancelling, and retries."""

import json
from decimal import Decimal

import pytest

from numbers.credit.ledger import top_up
from numbers.orders.backorders import fill_pending_orders
from tests.support import db_assertions, factories
from tests.support.api_client import error_of, refused
from tests.support.phone_numbers import BULK, MISSING, buy, order_status, release, wait_for

pytestmark = pytest.mark.django_db

KEY = {"Idempotency-Key": "bulk-4711"}
ROUTING = {
    "inbound_url": "https://customer.example/inbound",
    "status_url": "https://customer.example/status",
    "label": "support-line",
}


@pytest.fixture(autouse=True)
def books_in_order(db):
    yield
    db_assertions.assert_in_order()


def cancel(api, order_id):
    return api.request("DELETE", f"{BULK}/{order_id}")


# --- filled at once ------------------------------------------------------------------------------


def test_available_quantity_is_assigned_and_charged_at_once(api, cast):
    numbers = factories.stock(*factories.line(0, 3), price="2.50")
    campaign = factories.campaign(cast.owner)
    response = buy(api, 3, area_code="415", mode="atomic", campaign_id=str(campaign.pk), **ROUTING)
    assert response.status_code == 200
    data = response.json()["data"]
    lines = data.pop("assigned_numbers")
    assert {one["number"] for one in lines} == set(numbers)
    assert all(one["campaign_id"] == str(campaign.pk) for one in lines)
    assert all({name: one[name] for name in ROUTING} == ROUTING for one in lines)
    order_id = data.pop("order_id")
    assert data.pop("max_price_per_number") == "2.50"
    assert data == {
        "status": "complete",
        "quantity": 3,
        "assigned_count": 3,
        "pending_count": 0,
        "customer_reference": None,
    }
    order = db_assertions.row("SELECT * FROM numbers_order WHERE id = %s", order_id)
    expected = {
        "kind": "quantity",
        "status": "complete",
        "quantity": 3,
        "total": Decimal("7.50"),
        "organization_id": cast.owner.pk,
        "actor": f"key:{cast.owner_key[:12]}",
        "request_id": response["X-Request-Id"],
    }
    assert {name: order[name] for name in expected} == expected
    assert json.loads(order["criteria"]) == {"area_code": "415"}
    assert db_assertions.charges(cast.owner) == [Decimal("7.50")]
    assert set(db_assertions.owners()) == set(numbers)


def test_returned_numbers_belong_to_the_customer(api):
    factories.stock(*factories.line(0, 2))
    lines = buy(api, 2).json()["data"]["assigned_numbers"]
    for line in lines:
        assert api.get(f"/v1/phone-numbers/{line['id']}").json()["data"] == line


CRITERIA = {
    "area_code": ({"area_code": "415"}, "+14152000001"),
    "number_type": ({"number_type": "toll_free"}, "+18005550199"),
    "pattern": ({"pattern": "7654"}, "+12127654000"),
    "sms_enabled": ({"sms_enabled": False}, "+13032000001"),
    "mms_enabled": ({"mms_enabled": False}, "+13032000002"),
}


@pytest.mark.parametrize("name", CRITERIA)
def test_every_search_criterion_holds_for_assigned_numbers(api, name):
    factories.stock("+14152000001", "+18005550199", "+12127654000")
    factories.stock("+13032000001", sms_enabled=False)
    factories.stock("+13032000002", mms_enabled=False)
    criteria, number = CRITERIA[name]
    (line,) = buy(api, 1, **criteria).json()["data"]["assigned_numbers"]
    assert line["number"] == number
    wait_for(api, 1, **criteria)


def test_thousand_numbers_are_one_order_and_one_charge(api, cast):
    factories.stock(*factories.line(0, 1000), price="0.05")
    data = buy(api, 1000).json()["data"]
    assert (data["status"], len({one["number"] for one in data["assigned_numbers"]})) == (
        "complete",
        1000,
    )
    assert db_assertions.charges(cast.owner) == [Decimal("50.00")]


def test_own_holds_count_and_those_of_others_do_not(api, cast):
    mine, theirs = factories.stock(*factories.line(0, 2))
    factories.hold(cast.owner, mine)
    factories.hold(cast.stranger, theirs)
    wait_for(api, 2)
    assert [one["number"] for one in buy(api, 1).json()["data"]["assigned_numbers"]] == [mine]


def test_sandbox_is_filled_from_test_inventory_and_pays_nothing(api, cast):
    factories.stock("+14152000001")
    (test_number,) = factories.stock("+14155550100", sandbox=True)
    sandbox = api.using(cast.sandbox_key)
    assert [one["number"] for one in buy(sandbox, 1).json()["data"]["assigned_numbers"]] == [
        test_number
    ]
    wait_for(sandbox, 1)
    assert (
        db_assertions.rows(
            "SELECT 1 FROM numbers_creditentry WHERE account_id = %s", cast.sandbox.pk
        )
        == []
    )


# --- refused -------------------------------------------------------------------------------------

WRONG = {
    "quantity missing": ({}, "quantity", "must be a whole number from 1 to 1000"),
    "quantity null": ({"quantity": None}, "quantity", "must be a whole number from 1 to 1000"),
    "quantity 0": ({"quantity": 0}, "quantity", "must be a whole number from 1 to 1000"),
    "quantity negative": ({"quantity": -1}, "quantity", "must be a whole number from 1 to 1000"),
    "quantity 1001": ({"quantity": 1001}, "quantity", "must be a whole number from 1 to 1000"),
    "quantity as text": ({"quantity": "5"}, "quantity", "must be a whole number from 1 to 1000"),
    "quantity with a fraction": (
        {"quantity": 1.5},
        "quantity",
        "must be a whole number from 1 to 1000",
    ),
    "quantity true": ({"quantity": True}, "quantity", "must be a whole number from 1 to 1000"),
    "mode partial": (
        {"quantity": 1, "mode": "partial"},
        "mode",
        'must be "atomic": the whole quantity or nothing',
    ),
    "mode empty": (
        {"quantity": 1, "mode": ""},
        "mode",
        'must be "atomic": the whole quantity or nothing',
    ),
    "mode a list": (
        {"quantity": 1, "mode": ["atomic"]},
        "mode",
        'must be "atomic": the whole quantity or nothing',
    ),
    "area_code": (
        {"quantity": 1, "area_code": 415},
        "area_code",
        'must be a string of 3 digits such as "415"',
    ),
    "label": (
        {"quantity": 1, "label": "x" * 65},
        "label",
        "must be a string of up to 64 characters without control characters",
    ),
    "campaign_id": (
        {"quantity": 1, "campaign_id": "1"},
        "campaign_id",
        "must be a UUID such as b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_field_is_422_and_named(api, kind):
    factories.stock(*factories.line(0, 2))
    body, field, sentence = WRONG[kind]
    response = api.post(BULK, body)
    refused(
        response,
        422,
        "VALIDATION_FAILED",
        "validation failed",
        error={"details": {field: sentence}},
    )
    assert db_assertions.written() == db_assertions.NOTHING


def test_every_problem_is_reported_together_with_unknown_fields(api):
    error = error_of(
        buy(api, 0, areacode="415", inbound_url="http://x.example", numbers=[]),
        422,
        "VALIDATION_FAILED",
    )
    assert set(error["details"]) == {"quantity", "areacode", "inbound_url", "numbers"}


def test_insufficient_credit_is_402_and_leaves_no_order(api):
    factories.stock(*factories.line(0, 3), price="40.00")
    data = {"required": "120.00", "balance": "100.00", "shortfall": "20.00", "currency": "USD"}
    refused(buy(api, 3), 402, "INSUFFICIENT_CREDIT", "insufficient credit", data=data)
    assert db_assertions.written() == db_assertions.NOTHING


@pytest.mark.parametrize(
    ("status", "identity", "code"),
    [
        ("EXPIRED", "VERIFIED", "CAMPAIGN_NOT_ACTIVE"),
        ("ACTIVE", "UNVERIFIED", "BRAND_NOT_VERIFIED"),
    ],
)
@pytest.mark.parametrize("in_stock", [0, 1])
def test_unusable_campaign_refuses_the_order_with_any_stock(
    api, cast, status, identity, code, in_stock
):
    factories.stock(*factories.line(0, in_stock))
    campaign = factories.campaign(cast.owner, status, identity)
    error_of(buy(api, 1, campaign_id=str(campaign.pk)), 409, code)
    assert db_assertions.written() == db_assertions.NOTHING


def test_foreign_campaign_is_404_like_a_missing_one(api, cast):
    theirs = factories.campaign(cast.stranger)
    missing = refused(buy(api, 1, campaign_id=MISSING), 404, "NOT_FOUND", "not found")
    assert (
        refused(buy(api, 1, campaign_id=str(theirs.pk)), 404, "NOT_FOUND", "not found") == missing
    )


# --- pending, complete, cancelled: what is read later --------------------------------------------


def test_unavailable_quantity_is_202_pending_and_charges_nothing(api, cast):
    factories.stock(*factories.line(0, 2))
    response = buy(api, 3, label="later")
    assert response.status_code == 202
    data = response.json()["data"]
    order_id = data.pop("order_id")
    assert data == {
        "status": "pending",
        "quantity": 3,
        "assigned_count": 0,
        "pending_count": 3,
        "max_price_per_number": "1.00",
        "customer_reference": None,
        "assigned_numbers": [],
    }
    assert (db_assertions.owners(), db_assertions.charges(cast.owner)) == ({}, [])
    status = order_status(api, order_id)
    assert {name: status[name] for name in data} == data
    assert (status["reason"], status["finished_at"]) == (None, None)


def test_complete_order_shows_its_numbers_as_they_are_now(api):
    factories.stock(*factories.line(0, 2))
    placed = buy(api, 2).json()["data"]
    kept, gone = placed["assigned_numbers"]
    api.request("PATCH", f"/v1/phone-numbers/{kept['id']}", {"label": "renamed"})
    release(api, gone["id"])
    status = order_status(api, placed["order_id"])
    # What was bought stays said; what is not owned any more is not shown as if it were.
    assert (status["status"], status["quantity"], status["assigned_count"]) == ("complete", 2, 2)
    assert [(one["number"], one["label"]) for one in status["assigned_numbers"]] == [
        (kept["number"], "renamed")
    ]


def test_pending_order_is_cancelled_once_and_idempotently(api, cast):
    order_id = wait_for(api, 1)
    first = cancel(api, order_id)
    assert first.status_code == 200
    data = first.json()["data"]
    assert (data["status"], data["pending_count"]) == ("cancelled", 0)
    assert data["finished_at"] is not None
    assert cancel(api, order_id).json() == first.json()
    assert order_status(api, order_id) == data
    order = db_assertions.row(
        "SELECT closed_by, closed_in_request FROM numbers_order WHERE id = %s", order_id
    )
    assert order == {
        "closed_by": f"key:{cast.owner_key[:12]}",
        "closed_in_request": first["X-Request-Id"],
    }


def test_complete_order_cannot_be_cancelled(api):
    factories.stock(*factories.line(0))
    order_id = buy(api, 1).json()["data"]["order_id"]
    response = cancel(api, order_id)
    message = "order is not pending: only a pending order can be cancelled"
    refused(response, 409, "ORDER_NOT_PENDING", message)
    assert response["x-should-retry"] == "false"
    assert order_status(api, order_id)["status"] == "complete"


def test_order_of_named_numbers_is_not_a_bulk_order(api):
    order_id = api.order(factories.stock(*factories.line(0))).json()["meta"]["order_id"]
    for method in ("GET", "DELETE"):
        refused(api.request(method, f"{BULK}/{order_id}"), 404, "NOT_FOUND", "not found")


# --- retries -------------------------------------------------------------------------------------


def test_retry_of_a_filled_order_gets_the_same_bytes(api, cast):
    factories.stock(*factories.line(0, 4))
    first, again = buy(api, 2, headers=KEY), buy(api, 2, headers=KEY)
    assert (again.status_code, again.content) == (200, first.content)
    assert ("Idempotent-Replayed" in first, again["Idempotent-Replayed"]) == (False, "true")
    assert (len(db_assertions.owners()), len(db_assertions.charges(cast.owner))) == (2, 1)


def test_retry_of_a_pending_order_is_202_and_places_no_second(api):
    first, again = [buy(api, 2, max_price_per_number="1", headers=KEY) for _ in range(2)]
    assert (again.status_code, again.content) == (202, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert db_assertions.rows("SELECT count(*) FROM numbers_order") == [(1,)]


def test_retry_gets_the_first_response_when_filled_since(api):
    order = {"quantity": 1, "max_price_per_number": "1.00", "headers": KEY}
    first = buy(api, **order)
    factories.stock(*factories.line(0))
    assert fill_pending_orders() == 1
    assert order_status(api, first.json()["data"]["order_id"])["status"] == "complete"
    assert (buy(api, **order).status_code, buy(api, **order).content) == (202, first.content)


def test_refusal_is_not_remembered(api, cast):
    factories.stock(*factories.line(0), price="150.00")
    assert buy(api, 1, headers=KEY).status_code == 402
    top_up(
        organization_id=cast.owner.pk, amount=Decimal("50.00"), note="more", actor=factories.actor()
    )
    response = buy(api, 1, headers=KEY)
    assert (response.status_code, "Idempotent-Replayed" in response) == (200, False)


@pytest.mark.parametrize(
    "change", [{"quantity": 2}, {"area_code": "415"}, {"label": "y"}, {"mode": "atomic"}]
)
def test_another_request_with_the_key_is_422(api, change):
    factories.stock(*factories.line(0, 4))
    buy(api, 1, headers=KEY)
    error_of(buy(api, **{"quantity": 1, **change}, headers=KEY), 422, "IDEMPOTENCY_KEY_REUSED")
    assert len(db_assertions.owners()) == 1


def test_key_of_a_bulk_order_is_refused_for_named_numbers(api):
    numbers = factories.stock(*factories.line(0, 2))
    buy(api, 1, headers=KEY)
    error_of(api.order(numbers, headers=KEY), 422, "IDEMPOTENCY_KEY_REUSED")
