"""The limits of backorders: their number, the cost of checking them, and their price bound."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from config.db.fields import LARGEST_AMOUNT
from numbers.orders import backorders, waiting
from numbers.orders.backorders import fill_pending_orders
from numbers.reports.unmet_demand import unmet_demand
from tests.support import db_assertions, factories
from tests.support.api_client import Api, error_of
from tests.support.phone_numbers import BULK, buy, hold, order_status, release_hold, wait_for
from tests.support.sql_capture import captured

pytestmark = pytest.mark.django_db

ANY_PRICE = str(LARGEST_AMOUNT)


@pytest.fixture
def stranger(cast):
    return Api(cast.stranger_key)


def status(api, order_id):
    return order_status(api, order_id)["status"]


# --- how many wait
# ----------------------------------------------------------------------------------


def test_backorder_over_the_limit_is_refused(api, stranger, settings):
    settings.BACKORDERS_PER_ORGANIZATION = 2
    first, _ = wait_for(api, 1), wait_for(api, 1)
    response = buy(api, 1, max_price_per_number="1.00")
    error = error_of(response, 409, "LIMIT_EXCEEDED")
    assert error["message"].startswith(
        "limit exceeded: 2 bulk orders of your organization wait for stock"
    )
    assert response["x-should-retry"] == "false"
    wait_for(stranger, 1)  # a limit of each organization
    api.request("DELETE", f"{BULK}/{first}")
    wait_for(api, 1)


def test_fillable_order_is_accepted_at_the_limit(api, settings):
    settings.BACKORDERS_PER_ORGANIZATION = 1
    wait_for(api, 1, area_code="212")
    factories.stock(*factories.line(0))
    assert buy(api, 1, area_code="415").status_code == 200


def test_refused_backorder_leaves_its_idempotency_key_free(api, settings):
    settings.BACKORDERS_PER_ORGANIZATION = 1
    waiting = wait_for(api, 1)
    order = {"quantity": 2, "max_price_per_number": "1.00", "headers": {"Idempotency-Key": "k"}}
    error_of(buy(api, **order), 409, "LIMIT_EXCEEDED")
    api.request("DELETE", f"{BULK}/{waiting}")
    assert buy(api, **order).status_code == 202


# --- what a look costs
# ------------------------------------------------------------------------------


def test_fill_check_cost_is_independent_of_the_queue(api, cast):
    def look():
        with captured() as statements:
            assert fill_pending_orders() == 0
        return len(statements)

    wait_for(api, 2, area_code="415")
    once = look()
    for quantity in range(2, 40):
        wait_for(api, quantity, area_code="415")
    assert look() == once


@pytest.mark.django_db(transaction=True)
def test_fill_check_reads_a_row_for_each_criteria(api, cast, monkeypatch):
    for _ in range(3):
        for area_code in ("415", "212"):
            wait_for(api, 1, area_code=area_code)
    db_assertions.run(
        """INSERT INTO numbers_order (id, organization_id, sandbox, kind, status, quantity, criteria, inbound_url,
               status_url, label, max_price_per_number, currency, failure_reason, actor, request_id)
           SELECT gen_random_uuid(), organization_id, sandbox, kind, status, quantity, criteria, '',
                  '', '', max_price_per_number, currency, '', actor, request_id
           FROM numbers_order CROSS JOIN generate_series(1, 300)""",
        "ANALYZE numbers_order",
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN (ANALYZE, BUFFERS OFF, FORMAT JSON) {waiting._DEMANDS}", {"sandbox": False}
        )
        ((plans,),) = cursor.fetchall()
    read = [
        node for node in nodes(plans[0]["Plan"]) if node.get("Relation Name") == "numbers_order"
    ]
    assert read
    assert {node.get("Index Name") for node in read} == {"order_wish"}
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in read) == 2


def nodes(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def test_freeing_stock_fills_no_orders_itself(api, stranger, monkeypatch):
    factories.stock(*factories.line(0))
    held = hold(stranger, *factories.line(0))["id"]
    order_id = wait_for(api, 1)
    monkeypatch.setattr(
        backorders, "look", lambda: pytest.fail("a customer's request filled orders")
    )
    assert release_hold(stranger, held).status_code == 200
    assert status(api, order_id) == "pending"


def test_sandbox_and_live_orders_take_turns(api, cast, monkeypatch):
    sandbox, tried = api.using(cast.sandbox_key), []
    for _ in range(3):
        wait_for(sandbox, 1)
    for _ in range(2):
        wait_for(api, 1)
    factories.stock(*factories.line(0, 3))
    factories.stock(*factories.line(5, 3), sandbox=True)
    fill = backorders._fill
    monkeypatch.setattr(
        backorders,
        "_fill",
        lambda tx, order, besides: tried.append(order.sandbox) or fill(tx, order, besides),
    )
    assert fill_pending_orders() == 5
    assert tried == [False, True, False, True, True]


# --- at what price
# ----------------------------------------------------------------------------------


def test_price_bound_is_required_when_nothing_matches(api):
    factories.stock(*factories.line(0))
    error = error_of(buy(api, 1, area_code="212"), 422, "VALIDATION_FAILED")
    assert list(error["details"]) == ["max_price_per_number"]
    assert (
        "is required, since no number in stock matches" in error["details"]["max_price_per_number"]
    )
    assert db_assertions.rows("SELECT count(*) FROM numbers_order") == [(0,)]


def test_default_bound_is_the_highest_matching_price(api):
    factories.stock(*factories.line(0), price="1.00")
    factories.stock(*factories.line(1), price="3.50")
    factories.stock(*factories.line(0, 1, area_code="212"), price="9.00")
    response = buy(api, 3, area_code="415")
    assert response.status_code == 202
    order_id = response.json()["data"]["order_id"]
    assert response.json()["data"]["max_price_per_number"] == "3.50"
    assert order_status(api, order_id)["max_price_per_number"] == "3.50"
    factories.stock(*factories.line(5), price="800.00")
    assert fill_pending_orders() == 0
    factories.stock(*factories.line(6), price="3.50")
    assert fill_pending_orders() == 1
    assert db_assertions.row("SELECT total FROM numbers_order")["total"] == 8


def test_more_expensive_stock_does_not_fill_a_backorder(api, cast):
    order_id = wait_for(api, 1, max_price_per_number="2")
    factories.stock(*factories.line(0), price="800.00")
    assert fill_pending_orders() == 0
    assert order_status(api, order_id)["max_price_per_number"] == "2.00"
    assert db_assertions.charges(cast.owner) == []
    factories.stock(*factories.line(1), price="2.00")
    assert fill_pending_orders() == 1
    assert [str(charge) for charge in db_assertions.charges(cast.owner)] == ["2.00"]


def test_more_expensive_stock_does_not_fill_a_new_order(api):
    factories.stock(*factories.line(0), price="2.01")
    assert buy(api, 1, max_price_per_number="2.00").status_code == 202
    data = buy(api, 1, max_price_per_number="2.01").json()["data"]
    assert (data["status"], data["max_price_per_number"]) == ("complete", "2.01")


def test_cheapest_numbers_come_first_with_a_bound(api):
    factories.stock(*factories.line(0, 3), price="2.00")
    (cheap,) = factories.stock(*factories.line(7), price="0.50")
    (line,) = buy(api, 1, max_price_per_number="5.00").json()["data"]["assigned_numbers"]
    assert line["number"] == cheap


@pytest.mark.parametrize(
    "price", ["", "1.001", "-1", "1e3", "NaN", " 1", "1,00", "1000000000.00", "9" * 99, 1, 1.5, []]
)
def test_invalid_price_bound_is_refused(api, price):
    factories.stock(*factories.line(0))
    error = error_of(buy(api, 1, max_price_per_number=price), 422, "VALIDATION_FAILED")
    assert "must be a decimal string" in error["details"]["max_price_per_number"]


# --- who comes first
# --------------------------------------------------------------------------------


def test_expensive_number_is_not_withheld_for_a_cheap_backorder(api, stranger):
    wait_for(stranger, 1, max_price_per_number="1.00")
    factories.stock(*factories.line(0), price="5.00")
    assert buy(api, 1).status_code == 200


def test_too_large_backorder_does_not_block_a_new_order(api, stranger):
    wait_for(stranger, 5)
    factories.stock(*factories.line(0, 4))
    assert buy(api, 4).status_code == 200


def test_order_waits_behind_a_backorder_that_could_be_filled(api, stranger):
    wait_for(stranger, 1)
    factories.stock(*factories.line(0, 2))
    newer = buy(api, 1)
    assert newer.status_code == 202
    assert fill_pending_orders() == 2
    assert status(api, newer.json()["data"]["order_id"]) == "complete"


# --- unmet demand
# -----------------------------------------------------------------------------------


def missing():
    return [
        (row["area_code"], row["waiting"], row["times"])
        for row in unmet_demand(since=timezone.now() - timedelta(days=1), limit=10)
    ]


def test_unmet_demand_counts_the_backorder_shortfall(api):
    factories.stock(*factories.line(0, 362), price="0.01")
    wait_for(api, 450, area_code="415")
    assert missing() == [("415", 88, 1)]


def test_stock_is_not_counted_for_two_backorders(api, stranger):
    factories.stock(*factories.line(0, 10), price="0.01")
    wait_for(api, 12, area_code="415")
    wait_for(stranger, 11, area_code="415")
    assert missing() == [("415", 13, 2)]


def test_more_expensive_stock_is_not_counted_for_a_backorder(api):
    factories.stock(*factories.line(0, 3), price="5.00")
    wait_for(api, 4, area_code="415", max_price_per_number="4.99")
    assert missing() == [("415", 4, 1)]
