"""An operator's day, tasks with orders and customers: each from home, in at most six clicks."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from apikeys.models import ApiKey
from campaigns.models import Brand, Campaign, Organization
from config.admin.models import Authenticator
from numbers.models import CreditEntry, Order, PhoneNumber
from numbers.reports.dashboard import refresh_figures
from tests.numbers.admin.test_admin_sign_in import code_of
from tests.support import factories
from tests.support.admin_client import PASSWORD, sign_in
from tests.support.api_client import Api
from tests.support.browser import Browser
from tests.support.clicks import Operator
from tests.support.phone_numbers import owned, search, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def acme(db: None) -> Api:
    owner = factories.organization("Acme Dental", credit="1000.00")
    factories.stock(*factories.line(0, 12))
    return Api(factories.key(owner))


def download(alice: Operator, selector: str) -> list[str]:
    """Click a link to a file; gives its lines."""
    alice.clicks += 1
    script = f"fetch(document.querySelector('{selector}').href).then(answer => answer.text())"
    return str(alice.page.evaluate(script)).splitlines()


def test_sign_in_with_a_second_factor(visitor: Browser, live_server: Any) -> None:
    alice = Operator(visitor, live_server.url)
    User.objects.create_superuser("alice", password=PASSWORD)
    sign_in(visitor, live_server.url, "alice", to="/admin/two-factor/")
    alice.submit(code=code_of(Authenticator.objects.get()))
    visitor.call("Network.clearBrowserCookies")
    alice.home()
    alice.submit(username="alice", password=PASSWORD)
    alice.submit(code=code_of(Authenticator.objects.get()))
    assert visitor.evaluate("location.pathname") == "/admin/"
    alice.says("Today")
    alice.finish()


def test_why_an_order_waits(alice: Operator, acme: Api) -> None:
    wait_for(acme, 50, area_code="415", max_price_per_number="3.00")
    alice.home()
    alice.follow("Acme Dental", within="#backorders")
    alice.says("12 of 50 available · 1st in line · credit sufficient · no campaign", "#why")
    alice.follow("add numbers", within="#why")
    alice.submit()
    assert PhoneNumber.objects.filter(area_code="415").count() == 12 + 38


def test_cancel_a_waiting_order(alice: Operator, acme: Api) -> None:
    order_id = wait_for(acme, 50, area_code="415")
    alice.home()
    alice.follow("Acme Dental", within="#backorders")
    alice.follow("Cancel order", within=".object-tools")
    alice.submit(reason="ordered twice")
    order = Order.objects.get(pk=order_id)
    assert (order.status, order.closing_note) == ("cancelled", "ordered twice")


def test_find_an_order_by_number_and_by_date(alice: Operator, acme: Api) -> None:
    owned(acme, *factories.line(0))
    order = Order.objects.get()
    alice.find("(415) 200-0000")
    alice.follow("order", within="#life")
    alice.says(str(order.pk))
    alice.finish()
    alice.home()
    alice.follow("Orders", within="#nav-sidebar .model-order")
    alice.type(day=f"{order.created_at:%Y-%m-%d}")
    alice.follow("Filter", within="form:has([name=day])")
    alice.follow(f"…{str(order.pk)[-8:]}", within="#result_list")
    alice.says(str(order.pk))


def test_find_anything_by_a_request_id(alice: Operator, acme: Api) -> None:
    ordered = acme.order(factories.line(0))
    refused = acme.order(["+13055550142"])
    mistaken = acme.post("/v1/phone-numbers/orders", {"numbers": "none"})
    assert [one.status_code for one in (ordered, refused, mistaken)] == [200, 409, 422]
    alice.find(ordered["X-Request-Id"])
    alice.says(str(Order.objects.get().pk))
    alice.find(refused["X-Request-Id"])
    alice.says("1 number asked for, 0 available", "#why")
    alice.says("Acme Dental")
    alice.find(mistaken["X-Request-Id"])
    alice.says("refused with 422", "#why")


def test_approve_a_campaign(alice: Operator) -> None:
    campaign = factories.campaign(factories.organization("Acme Dental"), "PENDING")
    alice.home()
    alice.follow("1 campaign to approve or reject")
    alice.follow("Approve")
    alice.submit(reason="papers seen")
    assert Campaign.objects.get(pk=campaign.pk).status == "ACTIVE"
    alice.says("No campaign is waiting", "#campaigns")


def test_review_a_brand(alice: Operator) -> None:
    brand = factories.brand(factories.organization("Acme Dental"), None, status="PENDING")
    alice.home()
    alice.follow("1 brand whose identity")
    alice.follow("Review", within="#brands")
    alice.choose("status", "ACTIVE")
    alice.choose("identity_status", "VERIFIED")
    alice.submit(reason="papers seen")
    brand = Brand.objects.get(pk=brand.pk)
    assert (brand.status, brand.identity_status) == ("ACTIVE", "VERIFIED")


def test_open_a_customer_with_a_key(alice: Operator) -> None:
    alice.follow("Add", within="#nav-sidebar .model-organization")
    alice.submit(name="Acme Dental", credit="100.00")
    alice.follow("New key")
    alice.tick("[data-scopes]")
    alice.submit(label="first")
    secret = alice.page.evaluate("document.querySelector('#secret').value")
    assert ApiKey.objects.get().organization == Organization.objects.get(name="Acme Dental")
    assert Api(secret).get("/v1/phone-numbers").status_code == 200


def test_top_up_and_reverse_a_wrong_entry(alice: Operator, acme: Api) -> None:
    alice.find("Acme Dental")
    alice.follow("Top up", within="#summary")
    alice.submit(amount="50.00", note="invoice 7")
    # On the page that follows.
    alice.follow_to("#ledger tbody a")
    alice.follow("Reverse", within=".object-tools")
    alice.submit(note="another customer's invoice")
    amounts = CreditEntry.objects.order_by("entry").values_list("amount", flat=True)
    assert [str(amount) for amount in amounts] == ["1000.00", "50.00", "-50.00"]


def test_export_of_a_customer(alice: Operator, acme: Api) -> None:
    owned(acme, *factories.line(0, 3))
    last = timezone.now().date().replace(day=1) - timedelta(days=1)
    alice.find("Acme Dental")
    alice.follow("Statement", within="#summary")
    lines = download(alice, "#csv")
    assert [line.rpartition(",")[2] for line in lines[1:]]
    assert "opening balance" in lines[1]
    assert "closing balance" in lines[-1]
    alice.page.evaluate(f"document.querySelector('[name=begin]').value = '{last:%Y-%m}-01'")
    alice.page.evaluate(f"document.querySelector('[name=end]').value = '{last:%Y-%m-%d}'")
    alice.follow("Show")
    assert len(download(alice, "#csv")) == 3  # the header and two balances: nothing before today
    alice.finish()
    alice.home()
    alice.find("Acme Dental")
    alice.follow("assigned now")
    lines = download(alice, "#export")
    assert len(lines) == 1 + 3
    assert all(any(number in line for line in lines) for number in factories.line(0, 3))


def test_suspend_a_customer_and_lift_it(alice: Operator, acme: Api) -> None:
    alice.find("Acme Dental")
    alice.follow("Suspend", within=".object-tools")
    alice.submit(reason="abuse reported")
    assert acme.get("/v1/phone-numbers").status_code == 401
    # On the page that follows.
    alice.follow("Restore", within=".object-tools")
    alice.submit(reason="cleared up")
    assert acme.get("/v1/phone-numbers").status_code == 200


def test_from_unmet_demand_to_the_numbers(alice: Operator, acme: Api) -> None:
    assert search(acme, area_code="415", pattern="7777", quantity=5) == []
    refresh_figures()
    alice.home()
    alice.follow("5", within="#unmet-demand")
    alice.follow_to("#result_list tbody th a")
    alice.says("5 numbers asked for, 0 available", "#why")
    alice.follow("add numbers", within="#why")
    assert alice.page.evaluate("document.querySelector('[name=area_code]').value") == "415"
    alice.submit(numbers="+14157777000", area_code="", count="")
    assert search(acme, area_code="415", pattern="7777", quantity=5) == ["+14157777000"]
