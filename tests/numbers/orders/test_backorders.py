"""Backorders: what fills them, in which order, and what ends them."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command

from campaigns.models import Brand, Campaign, Organization
from numbers.credit.ledger import correct
from numbers.inventory.add import add_numbers
from numbers.models import Order, PhoneNumber
from numbers.orders import backorders
from numbers.orders.backorders import fill_pending_orders
from numbers.ownership.release import end_quarantine
from tests.support import db_assertions, factories
from tests.support.phone_numbers import (
    buy,
    hold,
    listed,
    order_status,
    owned,
    release,
    release_hold,
    wait_for,
)
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db

LABEL = {"label": "later", "inbound_url": "https://customer.example/in"}


@pytest.fixture(autouse=True)
def books_in_order(db):
    yield
    db_assertions.assert_in_order()


def filled(api, order_id):
    return order_status(api, order_id)["status"] == "complete"


def fail_reason(api, order_id):
    status = order_status(api, order_id)
    assert status["status"] == "failed"
    assert status["finished_at"] is not None
    return status["reason"]


# --- what fills them -----------------------------------------------------------------------------


def seeded(api, cast):
    call_command("seed_numbers", "--area-code", "415", "--count", "3", verbosity=0)


def added_by_an_operator(api, cast):
    add_numbers(numbers=factories.line(0, 2), price=Decimal("1.00"), actor=factories.actor())


def quarantine_ended_by_an_operator(api, cast):
    stranger = api.using(cast.stranger_key)
    for number_id in owned(stranger, *factories.stock(*factories.line(0, 2))):
        release(stranger, number_id)
    ids = list(PhoneNumber.objects.values_list("id", flat=True))
    end_quarantine(number_ids=ids, actor=factories.actor(), reason="never used")


def hold_ended(api, cast):
    stranger = api.using(cast.stranger_key)
    release_hold(stranger, hold(stranger, *factories.stock(*factories.line(0, 2)))["id"])


def hold_run_out(api, cast):
    hold(api.using(cast.stranger_key), *factories.stock(*factories.line(0, 2)), ttl_seconds=60)
    let_pass(timedelta(seconds=61))


def quarantine_passed(api, cast):
    stranger = api.using(cast.stranger_key)
    for number_id in owned(stranger, *factories.stock(*factories.line(0, 2))):
        release(stranger, number_id)
    let_pass(timedelta(days=45, seconds=1))


CAUSES = [
    seeded,
    added_by_an_operator,
    quarantine_ended_by_an_operator,
    hold_ended,
    hold_run_out,
    quarantine_passed,
]


@pytest.mark.parametrize("cause", CAUSES, ids=[cause.__name__ for cause in CAUSES])
def test_pending_order_is_filled_and_charged_when_stock_comes(api, cast, cause):
    order_id = wait_for(api, 2, area_code="415", **LABEL)
    cause(api, cast)
    fill_pending_orders()
    status = order_status(api, order_id)
    assert (status["status"], status["assigned_count"], status["pending_count"]) == (
        "complete",
        2,
        0,
    )
    assert {one["label"] for one in status["assigned_numbers"]} == {"later"}
    assert sorted(listed(api)) == sorted(one["number"] for one in status["assigned_numbers"])
    assert len(db_assertions.charges(cast.owner)) == 1


@pytest.mark.django_db(transaction=True)
def test_released_number_fills_at_once_without_quarantine(api, cast, settings):
    settings.NUMBER_QUARANTINE_DAYS = 0
    stranger = api.using(cast.stranger_key)
    (number_id,) = owned(stranger, *factories.stock(*factories.line(0)))
    order_id = wait_for(api, 1)
    assert release(stranger, number_id).status_code == 200
    assert fill_pending_orders() == 1
    assert filled(api, order_id)


def test_number_in_quarantine_fills_no_order(api, cast):
    (number_id,) = owned(api, *factories.stock(*factories.line(0)))
    order_id = wait_for(api, 1)
    release(api, number_id)
    assert fill_pending_orders() == 0
    assert not filled(api, order_id)


def test_history_names_the_buyer_when_filled_later(api, cast):
    order_id = wait_for(api, 1)
    request_id = db_assertions.row("SELECT request_id FROM numbers_order WHERE id = %s", order_id)[
        "request_id"
    ]
    factories.stock(*factories.line(0))
    fill_pending_orders()
    event = db_assertions.row("SELECT kind, actor, request_id FROM numbers_numberevent")
    assert event == {
        "kind": "assigned",
        "actor": f"key:{cast.owner_key[:12]}",
        "request_id": request_id,
    }


# --- in which order ------------------------------------------------------------------------------


def test_oldest_order_comes_first_and_whole(api, cast):
    first = wait_for(api, 3)
    second = wait_for(api.using(cast.stranger_key), 3)
    factories.stock(*factories.line(0, 5))
    assert fill_pending_orders() == 1
    assert filled(api, first)
    assert not filled(api.using(cast.stranger_key), second)
    assert set(db_assertions.owners().values()) == {"Owner"}
    factories.stock(*factories.line(10))
    assert fill_pending_orders() == 1
    assert filled(api.using(cast.stranger_key), second)


def test_too_large_order_blocks_no_other_and_is_never_partial(api, cast):
    large, small = wait_for(api, 5), wait_for(api.using(cast.stranger_key), 2)
    factories.stock(*factories.line(0, 4))
    assert fill_pending_orders() == 1
    assert filled(api.using(cast.stranger_key), small)
    assert order_status(api, large)["assigned_count"] == 0


@pytest.mark.parametrize(
    "criteria", [{}, {"pattern": "2000"}, {"number_type": "local", "area_code": "415"}]
)
def test_new_order_does_not_overtake_a_backorder(api, cast, criteria):
    """Also where the stock came by the passage of time, and no worker has looked yet."""
    (number_id,) = owned(api, *factories.stock(*factories.line(0)))
    release(api, number_id)
    older = wait_for(api, 1, area_code="415")
    let_pass(timedelta(days=46))
    younger = wait_for(api.using(cast.stranger_key), 1, **criteria)
    assert fill_pending_orders() == 1
    assert filled(api, older)
    assert not filled(api.using(cast.stranger_key), younger)


def test_new_order_does_not_wait_for_other_criteria(api, cast):
    older = wait_for(api, 1, area_code="212")
    factories.stock(*factories.line(0))
    assert buy(api.using(cast.stranger_key), 1, area_code="415").status_code == 200
    assert not filled(api, older)


def test_only_matching_numbers_fill(api, cast):
    wanted = wait_for(
        api, 1, area_code="415", sms_enabled=True, number_type="local", pattern="5550"
    )
    factories.stock("+12125550001", "+18005550001", "+14155540001")
    factories.stock("+14155550001", sms_enabled=False)
    factories.stock("+14155550002", sandbox=True)
    assert fill_pending_orders() == 0
    factories.stock("+14155550003")
    assert fill_pending_orders() == 1
    assert [one["number"] for one in order_status(api, wanted)["assigned_numbers"]] == [
        "+14155550003"
    ]


def test_sandbox_waits_for_the_test_inventory_and_pays_nothing(api, cast):
    sandbox = api.using(cast.sandbox_key)
    order_id = wait_for(sandbox, 1)
    factories.stock(*factories.line(0))
    assert fill_pending_orders() == 0
    factories.stock("+14155550100", sandbox=True)
    assert fill_pending_orders() == 1
    assert filled(sandbox, order_id)


def test_own_hold_does_not_block_the_pending_order(api, cast):
    first, second = factories.stock(*factories.line(0, 2))
    hold(api.using(cast.stranger_key), second)
    order_id = wait_for(api, 2)
    hold(api, first)
    factories.stock(*factories.line(5))
    assert fill_pending_orders() == 1
    assert filled(api, order_id)
    assert "Stranger" not in db_assertions.owners().values()


# --- what ends them ------------------------------------------------------------------------------


def test_order_without_credit_fails_and_the_next_is_filled(api, cast):
    poor, next_one = wait_for(api, 2), wait_for(api.using(cast.stranger_key), 2)
    correct(
        organization_id=cast.owner.pk,
        amount=Decimal("-99.00"),
        note="a mistake",
        actor=factories.actor(),
    )
    factories.stock(*factories.line(0, 2))
    assert fill_pending_orders() == 1
    assert fail_reason(api, poor) == "INSUFFICIENT_CREDIT"
    assert filled(api.using(cast.stranger_key), next_one)
    assert db_assertions.charges(cast.owner) == []


def test_failed_order_records_who_ended_it_and_is_not_retried(api, cast):
    order_id = wait_for(api, 1)
    factories.stock(*factories.line(0), price="500.00")
    fill_pending_orders()
    row = db_assertions.row(
        "SELECT closed_by, closed_in_request FROM numbers_order WHERE id = %s", order_id
    )
    assert row["closed_by"] == "system:fill_pending_orders"
    assert len(row["closed_in_request"]) == 26
    before = order_status(api, order_id)
    factories.stock(*factories.line(5))
    assert fill_pending_orders() == 0
    assert order_status(api, order_id) == before
    assert (
        api.request("DELETE", f"/v1/phone-numbers/bulk/{order_id}").json()["error"]["code"]
        == "ORDER_NOT_PENDING"
    )


def campaign_expired(campaign):
    Campaign.objects.filter(pk=campaign.pk).update(status="EXPIRED")
    return "CAMPAIGN_NOT_ACTIVE"


def brand_unverified(campaign):
    Brand.objects.filter(pk=campaign.brand_id).update(identity_status="UNVERIFIED")
    return "BRAND_NOT_VERIFIED"


def brand_deleted(campaign):
    Brand.objects.filter(pk=campaign.brand_id).update(status="DELETED")
    return "BRAND_NOT_VERIFIED"


@pytest.mark.parametrize("change", [campaign_expired, brand_unverified, brand_deleted])
@pytest.mark.parametrize("in_stock", [0, 1])
def test_unusable_campaign_fails_the_order_also_without_stock(api, cast, change, in_stock):
    campaign = factories.campaign(cast.owner)
    order_id = wait_for(api, 1, campaign_id=str(campaign.pk))
    reason = change(campaign)
    factories.stock(*factories.line(0, in_stock))
    assert fill_pending_orders() == 0
    assert fail_reason(api, order_id) == reason
    assert db_assertions.owners() == {}


def test_campaign_is_attached_when_the_order_is_filled(api, cast):
    campaign = factories.campaign(cast.owner)
    order_id = wait_for(api, 1, campaign_id=str(campaign.pk))
    factories.stock(*factories.line(0))
    fill_pending_orders()
    assert [one["campaign_id"] for one in order_status(api, order_id)["assigned_numbers"]] == [
        str(campaign.pk)
    ]


def test_order_waits_while_its_organization_is_suspended(api, cast):
    order_id, younger = wait_for(api, 1), wait_for(api.using(cast.stranger_key), 1)
    Organization.objects.filter(pk=cast.owner.pk).update(status="SUSPENDED")
    factories.stock(*factories.line(0))
    assert fill_pending_orders() == 1
    assert filled(api.using(cast.stranger_key), younger)
    Organization.objects.filter(pk=cast.owner.pk).update(status="ACTIVE")
    assert order_status(api, order_id)["status"] == "pending"
    factories.stock(*factories.line(5))
    assert fill_pending_orders() == 1
    assert filled(api, order_id)


def test_order_of_a_suspended_organization_does_not_fail(api, cast, monkeypatch):
    """It was active when the pass read the order, and its campaign expired, too."""
    campaign = factories.campaign(cast.owner)
    order_id = wait_for(api, 1, campaign_id=str(campaign.pk))
    read = list(Order.objects.filter(pk=order_id))
    monkeypatch.setattr(backorders, "orders_without_campaign", lambda *, sandbox: read)
    Campaign.objects.filter(pk=campaign.pk).update(status="EXPIRED")
    Organization.objects.filter(pk=cast.owner.pk).update(status="SUSPENDED")
    fill_pending_orders()
    Organization.objects.filter(pk=cast.owner.pk).update(status="ACTIVE")
    assert order_status(api, order_id)["status"] == "pending"
    fill_pending_orders()
    assert order_status(api, order_id)["status"] == "failed"


def test_cancelled_order_is_not_filled(api):
    order_id = wait_for(api, 1)
    api.request("DELETE", f"/v1/phone-numbers/bulk/{order_id}")
    factories.stock(*factories.line(0))
    assert fill_pending_orders() == 0
    assert order_status(api, order_id)["status"] == "cancelled"
