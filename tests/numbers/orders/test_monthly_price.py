"""Numbers with a monthly price: an order charges the price and the first month together."""

from decimal import Decimal

import pytest

from numbers.models import Assignment, CreditEntry, NumberEvent, Order, PhoneNumber
from numbers.orders.backorders import fill_pending_orders
from tests.support import db_assertions, factories
from tests.support.api_client import ORDERS, error_of
from tests.support.phone_numbers import buy, order_status

pytestmark = pytest.mark.django_db


@pytest.fixture
def rented():
    """A number for 1.00 and 2.50 a month, and one for 1.25 without rent."""
    (one,) = factories.stock(*factories.line(0), price="1.00", monthly_price="2.50")
    (other,) = factories.stock(*factories.line(1), price="1.25")
    return one, other


def test_order_charges_price_and_first_month_together(api, cast, rented):
    assert api.order(rented).status_code == 200
    assert CreditEntry.objects.get(kind="charge").amount == Decimal("-4.75")
    assert Order.objects.get().total == Decimal("4.75")
    sold = Assignment.objects.order_by("number__number")
    assert [str(one.monthly_price) for one in sold] == ["2.50", "0.00"]
    db_assertions.assert_in_order()


def test_order_lists_both_prices_of_each_number(api, rented):
    order_id = api.order(rented).json()["meta"]["order_id"]
    data = api.get(f"{ORDERS}/{order_id}").json()["data"]
    assert data["total"] == "4.75"
    assert [(line["price"], line["monthly_price"]) for line in data["numbers"]] == [
        ("1.00", "2.50"),
        ("1.25", "0.00"),
    ]


def test_dry_run_shows_the_month_in_its_total(api, rented):
    data = api.order(rented, query="?dry_run=true").json()["data"]
    assert data["numbers"][0] == {
        "number": rented[0],
        "price": "1.00",
        "monthly_price": "2.50",
    }
    assert (data["total"], data["balance_after"]) == ("4.75", "95.25")


def test_credit_must_cover_the_first_month(api, rented):
    PhoneNumber.objects.filter(number=rented[0]).update(monthly_price="100.00")
    refused = api.order(rented)
    error_of(refused, 402, "INSUFFICIENT_CREDIT")
    assert refused.json()["data"]["required"] == "102.25"
    assert not Assignment.objects.exists()


def test_search_shows_the_monthly_price(api, rented):
    found = api.post("/v1/phone-numbers/search", {"area_code": "415"}).json()["data"]
    assert {line["number"]: line["monthly_price"] for line in found} == {
        rented[0]: "2.50",
        rented[1]: "0.00",
    }


def test_history_of_the_sale_has_the_monthly_price(api, rented):
    api.order(rented)
    events = NumberEvent.objects.filter(kind="assigned").order_by("number_id")
    assert [event.after["monthly_price"] for event in events] == [2.5, 0]


def test_order_without_rent_records_no_monthly_price(api):
    api.order(factories.stock(*factories.line(0)))
    assert "monthly_price" not in NumberEvent.objects.get(kind="assigned").after


def test_bound_of_a_bulk_order_includes_the_first_month(api, rented):
    assert buy(api, 2, max_price_per_number="3.49").status_code == 202
    (line,) = buy(api, 1, max_price_per_number="3.49").json()["data"]["assigned_numbers"]
    assert line["number"] == rented[1]


def test_bound_that_covers_price_and_month_fills(api, rented):
    data = buy(api, 2, max_price_per_number="3.50").json()["data"]
    assert (data["status"], data["max_price_per_number"]) == ("complete", "3.50")
    assert Order.objects.get().total == Decimal("4.75")
    db_assertions.assert_in_order()


def test_bulk_order_without_a_bound_records_the_highest_cost(api, rented):
    assert buy(api, 2).json()["data"]["max_price_per_number"] == "3.50"


def test_bulk_order_with_a_bound_takes_the_cheapest_cost(api, rented):
    (line,) = buy(api, 1, max_price_per_number="9.00").json()["data"]["assigned_numbers"]
    assert line["number"] == rented[1]


def test_backorder_waits_for_a_number_whose_month_fits(api):
    answer = buy(api, 1, area_code="415", max_price_per_number="2.00").json()["data"]
    factories.stock(*factories.line(0), price="1.00", monthly_price="1.01")
    assert fill_pending_orders() == 0
    factories.stock(*factories.line(1), price="1.00", monthly_price="1.00")
    assert fill_pending_orders() == 1
    assert order_status(api, answer["order_id"])["status"] == "complete"
    assert CreditEntry.objects.get(kind="charge").amount == Decimal("-2.00")
    db_assertions.assert_in_order()


def test_sandbox_shows_the_month_and_never_pays(api, cast):
    sandbox = api.using(factories.key(factories.organization(sandbox=True, credit=None)))
    numbers = factories.stock(*factories.line(5), sandbox=True, monthly_price="2.50")
    answer = sandbox.order(numbers)
    assert answer.status_code == 200
    assert Order.objects.get().total == Decimal("3.50")
    assert not CreditEntry.objects.filter(kind="charge").exists()
    db_assertions.assert_in_order()
