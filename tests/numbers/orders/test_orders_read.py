"""Reading past orders: what, when, by which key, at what price."""

from uuid import uuid4

import pytest

from apikeys.models import ApiKey
from apikeys.scopes import Scope
from numbers.models import Order
from tests.support import factories
from tests.support.api_client import ORDERS, error_of
from tests.support.bad_input import MALFORMED_IDS
from tests.support.pagination import needs_scope, refuses_what_is_no_page, same_as_unknown, walk
from tests.support.phone_numbers import wait_for

pytestmark = pytest.mark.django_db


def order(api, numbers, **body) -> str:
    response = api.order(numbers, **body)
    assert response.status_code == 200, response.content
    return response.json()["meta"]["order_id"]


def test_order_is_returned_with_numbers_and_prices(api, cast):
    campaign = factories.campaign(cast.owner)
    cheap, dear = factories.stock(*factories.line(1), price="1.00") + factories.stock(
        *factories.line(2), price="2.50"
    )
    answer = api.order([dear, cheap], label="support", campaign_id=str(campaign.pk)).json()
    order_id = answer["meta"]["order_id"]
    response = api.get(f"{ORDERS}/{order_id}")
    assert response.status_code == 200
    key = ApiKey.objects.get(prefix=cast.owner_key[:12])
    at = answer["data"][0]["created_at"]
    expected = {
        "id": order_id,
        "kind": "named",
        "status": "complete",
        "reason": None,
        "quantity": 2,
        "total": "3.50",
        "currency": "USD",
        "label": "support",
        "campaign_id": str(campaign.pk),
        "customer_reference": None,
        "api_key": {"id": str(key.pk), "prefix": cast.owner_key[:12]},
        "created_at": at,
        "finished_at": at,
    }
    assert api.get(ORDERS).json()["data"] == [expected]
    expected["numbers"] = [
        {"id": answer["data"][0]["id"], "number": dear, "price": "2.50", "monthly_price": "0.00"},
        {"id": answer["data"][1]["id"], "number": cheap, "price": "1.00", "monthly_price": "0.00"},
    ]
    assert response.json()["data"] == expected


def test_price_is_the_one_that_was_paid(api):
    (number,) = factories.stock(*factories.line(1), price="1.00")
    order_id = order(api, [number])
    factories.PhoneNumber.objects.filter(number=number).update(price="9.00")
    data = api.get(f"{ORDERS}/{order_id}").json()["data"]
    assert (data["total"], data["numbers"][0]["price"]) == ("1.00", "1.00")


def test_released_number_stays_in_the_order(api):
    order_id = order(api, factories.stock(*factories.line(1)))
    (line,) = api.get(f"{ORDERS}/{order_id}").json()["data"]["numbers"]
    assert api.request("DELETE", f"/v1/phone-numbers/{line['id']}").status_code == 200
    assert api.get(f"{ORDERS}/{order_id}").json()["data"]["numbers"] == [line]


def test_bulk_orders_are_listed_pending_and_complete(api):
    factories.stock(*factories.line(1, 3))
    filled = api.post("/v1/phone-numbers/bulk", {"quantity": 3}).json()["data"]["order_id"]
    waiting = wait_for(api, 5, label="later")
    assert [one["id"] for one in api.get(ORDERS).json()["data"]] == [waiting, filled]
    complete, pending = (api.get(f"{ORDERS}/{one}").json()["data"] for one in (filled, waiting))
    assert (complete["kind"], complete["status"], complete["total"]) == (
        "quantity",
        "complete",
        "3.00",
    )
    assert len(complete["numbers"]) == 3
    assert (pending["status"], pending["total"], pending["finished_at"], pending["numbers"]) == (
        "pending",
        None,
        None,
        [],
    )
    assert pending["label"] == "later"
    api.request("DELETE", f"/v1/phone-numbers/bulk/{waiting}")
    assert api.get(f"{ORDERS}/{waiting}").json()["data"]["status"] == "cancelled"


def test_failed_order_has_its_reason(api):
    waiting = wait_for(api, 1)
    Order.objects.filter(pk=waiting).update(
        status="failed",
        failure_reason="INSUFFICIENT_CREDIT",
        finished_at="2026-01-01T00:00:00Z",
        closed_by="system:fill",
        closed_in_request="r",
    )
    assert api.get(f"{ORDERS}/{waiting}").json()["data"]["reason"] == "INSUFFICIENT_CREDIT"


def test_key_is_shown_as_it_was_at_the_time(api, cast):
    order_id = order(api, factories.stock(*factories.line(1)))
    key = ApiKey.objects.get(prefix=cast.owner_key[:12])
    rotated = api.request("POST", f"/v1/api-keys/{key.pk}/rotate").json()["data"]["plaintext"]
    data = api.using(rotated).get(f"{ORDERS}/{order_id}").json()["data"]
    assert data["api_key"] == {"id": str(key.pk), "prefix": cast.owner_key[:12]}


def test_order_by_an_operator_names_no_key(api, cast):
    factories.own(cast.owner, *factories.stock(*factories.line(1)))
    (one,) = api.get(ORDERS).json()["data"]
    assert one["api_key"] is None


def test_dry_run_is_not_listed(api):
    assert api.order(factories.stock(*factories.line(1)), query="?dry_run=true").status_code == 200
    assert api.get(ORDERS).json()["data"] == []


def test_pages_make_up_the_list_when_orders_come_between_them(api):
    numbers = factories.stock(*factories.line(1, 12))
    made = [order(api, [numbers.pop()]) for _ in range(7)]
    seen = walk(api, ORDERS, between=lambda: order(api, [numbers.pop()]))
    assert [one["id"] for one in seen] == made[::-1]


def test_invalid_page_is_refused(api):
    refuses_what_is_no_page(api, ORDERS)


def test_colleague_sees_the_orders_and_a_stranger_none(api, cast):
    order_id = order(api, factories.stock(*factories.line(1)))
    colleague, stranger = api.using(cast.colleague_key), api.using(cast.stranger_key)
    assert [one["id"] for one in colleague.get(ORDERS).json()["data"]] == [order_id]
    assert stranger.get(ORDERS).json()["data"] == []
    same_as_unknown(stranger, ORDERS + "/{}", order_id)


def test_endpoints_require_a_key_and_numbers_read(api, cast):
    has = api.using(factories.key(cast.owner, Scope.NUMBERS_READ))
    lacks = api.using(factories.key(cast.owner, Scope.NUMBERS_WRITE))
    needs_scope(api, ORDERS, has, lacks)
    needs_scope(api, f"{ORDERS}/{uuid4()}", has, lacks)


@pytest.mark.parametrize("malformed", MALFORMED_IDS)
def test_invalid_id_is_404(api, malformed):
    assert error_of(api.get(f"{ORDERS}/{malformed}"), 404, "NOT_FOUND")["message"] == "not found"


def test_list_takes_two_statements_and_an_order_three(api, django_assert_num_queries):
    order(api, factories.stock(*factories.line(1)))
    long = order(api, factories.stock(*factories.line(2, 50)))
    for round in range(2):
        with django_assert_num_queries(2):
            assert api.get(ORDERS).status_code == 200
        with django_assert_num_queries(3):
            assert len(api.get(f"{ORDERS}/{long}").json()["data"]["numbers"]) == 50
        order(api, factories.stock(*factories.line(100 + 10 * round, 3)))
