"""URL schemes are case-insensitive (RFC 3986): every URL is stored with ``https://``."""

import pytest

from tests.support import db_assertions, factories
from tests.support.phone_numbers import buy, order_status, wait_for

pytestmark = pytest.mark.django_db

SHOUTED = {
    "inbound_url": "HTTPS://customer.example/In",
    "status_url": "hTTps://customer.example/STATUS",
}
STORED = {
    "inbound_url": "https://customer.example/In",
    "status_url": "https://customer.example/STATUS",
}


def test_order_and_dry_run_store_the_scheme_in_lower_case(api):
    numbers = factories.stock(*factories.line(0))
    assert api.order(numbers, query="?dry_run=true", **SHOUTED).status_code == 200
    response = api.order(numbers, **SHOUTED)
    assert response.status_code == 200
    assert STORED.items() <= response.json()["data"][0].items()
    assert db_assertions.row("SELECT inbound_url, status_url FROM numbers_assignment") == STORED


def test_bulk_order_stores_the_scheme_in_lower_case(api):
    factories.stock(*factories.line(0))
    assert STORED.items() <= buy(api, 1, **SHOUTED).json()["data"]["assigned_numbers"][0].items()


def test_backorder_stores_the_scheme_in_lower_case_and_is_filled(api):
    from numbers.orders.backorders import fill_pending_orders

    order_id = wait_for(api, 1, area_code="415", **SHOUTED)
    assert db_assertions.row("SELECT inbound_url, status_url FROM numbers_order") == STORED
    factories.stock(*factories.line(0))
    assert fill_pending_orders() == 1
    assert STORED.items() <= order_status(api, order_id)["assigned_numbers"][0].items()


def test_patch_stores_the_scheme_in_lower_case(api):
    (number_id,) = [
        one["id"] for one in api.order(factories.stock(*factories.line(0))).json()["data"]
    ]
    response = api.request("PATCH", f"/v1/phone-numbers/{number_id}", SHOUTED)
    assert response.status_code == 200
    assert STORED.items() <= response.json()["data"].items()
