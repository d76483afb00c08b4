"""Finding an order again, by each filter of GET /v1/phone-numbers/orders."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from config.actors import new_request_id
from config.db.fields import first_id_of
from numbers.models import Order
from numbers.orders.backorders import fill_pending_orders
from numbers.orders.find import order_in, started_at
from tests.support import factories
from tests.support.api_client import Api, error_of

pytestmark = pytest.mark.django_db

ORDERS = "/v1/phone-numbers/orders"
BULK = "/v1/phone-numbers/bulk"


@pytest.fixture
def placed(api: Api) -> dict[str, Any]:
    """An order by name, one by quantity, one that waits; each with a reference and a key."""
    numbers = factories.stock(*factories.line(0, 3))
    named = api.order(numbers[:1], customer_reference="po-1", headers={"Idempotency-Key": "k-1"})
    bulk = api.post(
        BULK, {"quantity": 1, "customer_reference": "po-2"}, headers={"Idempotency-Key": "k-2"}
    )
    waiting = api.post(
        BULK, {"quantity": 9, "max_price_per_number": "1.00", "customer_reference": "po-1"}
    )
    assert (named.status_code, bulk.status_code, waiting.status_code) == (200, 200, 202)
    return {
        "number": numbers[0],
        "named": named.json()["meta"]["order_id"],
        "bulk": bulk.json()["data"]["order_id"],
        "waiting": waiting.json()["data"]["order_id"],
        "request_id": named.headers["X-Request-Id"],
    }


def found(api: Api, **filters: str) -> list[str]:
    response = api.get(f"{ORDERS}?{urlencode(filters)}")
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["data"]]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"customer_reference": "po-1"}, ["waiting", "named"]),
        ({"customer_reference": "po-2"}, ["bulk"]),
        ({"customer_reference": "PO-1"}, []),
        ({"idempotency_key": "k-1"}, ["named"]),
        ({"idempotency_key": '"k-2"'}, ["bulk"]),
        ({"idempotency_key": "k-3"}, []),
        ({"status": "pending"}, ["waiting"]),
        ({"status": "failed"}, []),
        ({"kind": "named"}, ["named"]),
        ({"kind": "quantity", "customer_reference": "po-1"}, ["waiting"]),
        ({"kind": "named", "status": "pending"}, []),
        ({"created_after": "2026-01-01T00:00:00Z"}, ["waiting", "bulk", "named"]),
        ({"created_before": "2026-01-01T00:00:00Z"}, []),
        ({"created_before": "9999-12-31T23:59:59Z"}, ["waiting", "bulk", "named"]),
        ({"created_after": "0001-01-01T00:00:00Z"}, ["waiting", "bulk", "named"]),
    ],
)
def test_filter_finds_its_orders(api, placed, filters, expected):
    assert found(api, **filters) == [placed[name] for name in expected]


def test_order_is_found_by_its_number_and_its_request(api, placed):
    for number in (placed["number"], placed["number"].replace("+", " "), placed["number"][1:]):
        assert found(api, number=number) == [placed["named"]]
    for request_id in (placed["request_id"], placed["request_id"].lower()):
        assert found(api, request_id=request_id) == [placed["named"]]
    assert found(api, request_id=new_request_id()) == []


def test_times_bound_the_list_from_inside_and_outside(api, placed):
    at = Order.objects.get(pk=placed["named"]).created_at.isoformat().replace("+00:00", "Z")
    assert placed["named"] in found(api, created_after=at)
    assert placed["named"] not in found(api, created_before=at)


def test_filters_find_nothing_of_another_organization(api, placed, cast):
    stranger = api.using(cast.stranger_key)
    for name, value in (
        ("customer_reference", "po-1"),
        ("idempotency_key", "k-1"),
        ("number", placed["number"]),
        ("request_id", placed["request_id"]),
    ):
        assert found(stranger, **{name: value}) == []


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("customer_reference", "", "must be a string of 1 to 255 characters"),
        ("customer_reference", "x" * 256, "must be a string of 1 to 255 characters"),
        ("request_id", "x", "must be the id of a request"),
        ("idempotency_key", "a b", "must be 1 to 255 visible ASCII characters"),
        ("number", "+0", "must be an E.164 number"),
        ("status", "lost", "must be one of"),
        ("kind", "lost", "must be one of"),
        ("created_after", "yesterday", "must be a time in ISO 8601"),
        ("created_before", "2026-02-30T00:00:00Z", "must be a time in ISO 8601"),
    ],
)
def test_malformed_filter_is_422_naming_it(api, name, value, problem):
    error = error_of(api.get(f"{ORDERS}?{urlencode({name: value})}"), 422, "VALIDATION_FAILED")
    assert error["details"][name].startswith(problem)


def test_reference_is_shown_wherever_the_order_is(api, placed):
    assert api.get(f"{ORDERS}/{placed['named']}").json()["data"]["customer_reference"] == "po-1"
    assert api.get(f"{BULK}/{placed['waiting']}").json()["data"]["customer_reference"] == "po-1"
    unnamed = api.order(factories.stock(*factories.line(8)))
    order = api.get(f"{ORDERS}/{unnamed.json()['meta']['order_id']}").json()["data"]
    assert order["customer_reference"] is None


@pytest.mark.parametrize("reference", ["", "x" * 256, "a\nb", 7, ["po"]])
@pytest.mark.parametrize("path", [ORDERS, BULK])
def test_malformed_reference_is_422(api, path, reference):
    body = {"quantity": 1} if path == BULK else {"numbers": ["+14155550123"]}
    error = error_of(
        api.post(path, {**body, "customer_reference": reference}), 422, "VALIDATION_FAILED"
    )
    assert "customer_reference" in error["details"]


def test_filled_backorder_keeps_its_reference(api, placed):
    factories.stock(*factories.line(20, 12))
    assert fill_pending_orders() == 1
    order = Order.objects.get(pk=placed["waiting"])
    assert (order.status, order.customer_reference) == ("complete", "po-1")


def test_start_of_a_request_is_read_from_its_id():
    moment = started_at(new_request_id())
    assert moment is not None
    assert abs(timezone.now() - moment) < timedelta(minutes=1)
    assert started_at("I" * 26) is None
    assert first_id_of(moment).hex[:12] == f"{int(moment.timestamp() * 1000):012x}"


@pytest.mark.parametrize(
    "body", [None, b"", b"gAAAA", b"[]", b'{"meta": 1}', b'{"meta": {"order_id": 5}}']
)
def test_response_without_an_order_names_none(body):
    assert order_in(body) is None
