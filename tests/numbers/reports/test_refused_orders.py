"""A refusal keeps what the order asked for, whatever it was refused for."""

from typing import Any

import pytest

from config.admin.actions import page_of
from numbers.models import Refusal
from numbers.orders.place import InsufficientInventory
from numbers.reports.refusals import record_refusal
from numbers.reports.unmet_demand import unmet_demand
from tests.support import factories
from tests.support.admin_client import url
from tests.support.mcp import Agent

pytestmark = pytest.mark.django_db
BULK, RESERVE = "/v1/phone-numbers/bulk", "/v1/phone-numbers/reservations"


def kept() -> Refusal:
    return Refusal.objects.latest("id")


def asked() -> tuple[Any, ...]:
    refusal = kept()
    return refusal.requested, refusal.available, refusal.named


def test_refusal_keeps_a_number_that_the_buyer_owns(api, cast, desk):
    (number,) = factories.stock("+14155550101")
    factories.own(cast.owner, number)
    assert api.order([number]).status_code == 409
    assert asked() == (1, 0, [number])
    page = desk.get(page_of(kept())).content.decode()
    assert "1 number asked for, 0 available." in page
    assert "It already owns them" in page
    assert f">{number}</a>" in page
    assert kept().wanted is None


def test_unmet_demand_leaves_out_what_the_buyer_owns(api, cast):
    own, free = factories.stock("+14155550101", "+14155550102")
    factories.own(cast.owner, own)
    api.order([own, free, "+14155550103"])
    assert asked() == (3, 1, [own, free, "+14155550103"])
    assert (kept().wanted, kept().found, kept().numbers) == (2, 1, ["+14155550103"])
    assert kept().note == "it already owns 1 of the others"
    (demand,) = unmet_demand(since=kept().at, limit=5)
    assert demand["missing"] == 1


def test_order_without_credit_keeps_its_numbers(api, cast):
    (number,) = factories.stock("+14155550101", price="5000.00")
    assert api.order([number]).status_code == 402
    assert asked() == (1, None, [number])


def test_order_for_a_bad_campaign_keeps_its_numbers(api, cast):
    numbers = factories.stock("+14155550101", "+14155550102")
    pending = factories.campaign(cast.owner, "PENDING")
    assert api.order(numbers, campaign_id=str(pending.pk)).status_code == 409
    assert asked() == (2, None, numbers)
    unknown = "00000000-0000-7000-8000-000000000000"
    assert api.order(numbers, campaign_id=unknown).status_code == 404
    assert asked() == (2, None, numbers)


def test_invalid_order_keeps_the_numbers_that_can_be_read(api, cast):
    assert api.order(["+14155550101", "nonsense", 5]).status_code == 422
    assert asked() == (1, None, ["+14155550101"])


def test_bulk_order_keeps_its_quantity(api, cast):
    unknown = "00000000-0000-7000-8000-000000000000"
    body = {"quantity": 7, "max_price_per_number": "1.00", "campaign_id": unknown}
    assert api.post(BULK, body).status_code == 404
    assert asked() == (7, None, [])


def test_reservation_keeps_its_numbers(api, cast):
    assert api.post(RESERVE, {"numbers": ["+14155550101"]}).status_code == 409
    assert asked() == (1, 0, ["+14155550101"])


@pytest.mark.parametrize("quantity", [0, -1, 2**31, 10**30, True, "7", None, [7]])
def test_senseless_quantity_is_not_kept(api, cast, quantity):
    body = {"quantity": quantity, "max_price_per_number": "1.00"}
    assert api.post(BULK, body).status_code == 422
    assert asked() == (None, None, [])


def test_order_of_an_agent_keeps_its_numbers_and_key(cast):
    agent = Agent(cast.owner_key)
    agent.call("quote_order", numbers=["+14155550101"])
    assert asked()[0] == 1


def test_refused_request_is_found_by_its_idempotency_key(api, cast, desk):
    headers = {"Idempotency-Key": "nightly-job-17"}
    assert api.order(["+14155550101"], headers=headers).status_code == 409
    assert kept().idempotency_key == "nightly-job-17"
    page = desk.get("/admin/find/", {"q": "nightly-job-17"})
    assert (page.status_code, page["Location"]) == (302, page_of(kept()))


def test_malformed_key_and_body_are_kept_without_harm(api, cast):
    for headers in ({"Idempotency-Key": "x" * 5_000}, {"Idempotency-Key": ""}):
        assert api.order(["+14155550101"], headers=headers).status_code in (409, 422)
    assert len(Refusal.objects.earliest("id").idempotency_key) == 255


def test_list_shows_what_each_order_asked_for(api, cast, desk):
    (number,) = factories.stock("+14155550101", price="5000.00")
    api.order([number])
    (row,) = desk.get(url(Refusal, "changelist")).context["cl"].result_list
    assert row.requested == 1
    assert number in desk.get(url(Refusal, "changelist")).content.decode()


def test_refusal_without_a_request_is_recorded_too(api):
    record_refusal(InsufficientInventory("none"))  # no context of a request: nothing to record
    assert not Refusal.objects.exists()
