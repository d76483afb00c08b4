"""What can be taken back, as an operator does it in a browser: each asks once, with figures."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from config.admin.models import Authenticator, RecoveryCodes
from numbers.models import CreditEntry, Order, PhoneNumber, Reservation
from numbers.ownership.release import retire
from tests.numbers.admin.test_admin_sign_in import code_of
from tests.support import factories
from tests.support.admin_client import PASSWORD, url
from tests.support.api_client import Api
from tests.support.browser import Browser
from tests.support.phone_numbers import hold, owned, release, wait_for

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TOMORROW = f"{timezone.now() + timedelta(days=1):%Y-%m-%d %H:%M}"


@pytest.fixture
def acme(db: None) -> Api:
    owner = factories.organization("Acme Dental", credit="100.00")
    factories.stock(*factories.line(0, 6), price="2.00")
    return Api(factories.key(owner))


def carry_out(page: Browser, address: str, name: str, **values: str) -> str:
    """Do an operation from a row's page; gives what it said before."""
    page.go(address)
    with page.loading():
        page.click(f".object-tools a[href$='/do/{name}/']")
    said = page.text(".desk-explanation")
    for field, value in values.items():
        page.fill(f"[name={field}]", value)
    with page.loading():
        page.click(".submit-row input[type=submit]")
    return said


def test_operator_cancels_a_waiting_order(page: Browser, live_server: Any, acme: Api) -> None:
    order = Order.objects.get(pk=wait_for(acme, 450, area_code="415", max_price_per_number="3.00"))
    address = live_server.url + url(Order, "change", order.pk)
    said = carry_out(page, address, "cancel", reason="ordered twice")
    assert "450 numbers (area code 415, up to 3.00 USD each)" in said
    assert "The order of 450 numbers was cancelled" in page.text()
    assert "ordered twice" in page.text(".field-closing_note")


def test_operator_moves_and_ends_holds(page: Browser, live_server: Any, acme: Api) -> None:
    made = hold(acme, *factories.line(0, 3))
    reservation = Reservation.objects.get(pk=made["id"])
    address = live_server.url + url(Reservation, "change", reservation.pk)
    said = carry_out(page, address, "move", until=TOMORROW, reason="they decide tomorrow")
    assert "Acme Dental holds 3 numbers until" in said
    assert f"3 numbers stay on hold until {TOMORROW} UTC" in page.text()
    number = PhoneNumber.objects.earliest("number")
    of_number = live_server.url + url(PhoneNumber, "change", number.pk)
    said = carry_out(page, of_number, "end-hold", reason="one too many")
    assert "Its reservation holds 2 other numbers" in said
    assert "available" in page.text(".field-state")
    assert "Hold ended" in page.text("#life")
    carry_out(page, address, "end", reason="they decided")
    assert "2 numbers can be ordered again" in page.text()


def test_operator_undoes_a_release_and_a_retirement(
    page: Browser, live_server: Any, acme: Api
) -> None:
    (number_id,) = owned(acme, *factories.line(0), label="reception")
    assert release(acme, number_id).status_code == 200
    number = PhoneNumber.objects.earliest("number")
    retire(number_ids=[number.pk], actor=factories.actor(), reason="the wrong one")
    address = live_server.url + url(PhoneNumber, "change", number.pk)
    said = carry_out(page, address, "restore", reason="it was another")
    assert "in quarantine until" in said
    said = carry_out(page, address, "undo-release", reason="their mistake")
    assert "released it from Acme Dental" in said
    assert "label “reception”" in said
    assert "Acme Dental" in page.text(".field-owner")
    assert "Release undone" in page.text("#life")
    assert acme.get(f"/v1/phone-numbers/{number_id}").json()["data"]["label"] == "reception"


def test_operator_reverses_a_charge(page: Browser, live_server: Any, acme: Api) -> None:
    owned(acme, *factories.line(0))
    charge = CreditEntry.objects.get(kind="charge")
    address = live_server.url + url(CreditEntry, "change", charge.pk)
    said = carry_out(page, address, "reverse", note="goodwill")
    assert "from 98.00 to 100.00" in said
    assert "now has 100.00 USD" in page.text()
    assert "reversed by entry 3" in page.text(".field-reversal")
    page.go(live_server.url + url(CreditEntry, "changelist"))
    assert "reverses entry 2" in page.text("#result_list")


def test_operator_replaces_the_own_recovery_codes(page: Browser, live_server: Any) -> None:
    page.go(live_server.url + "/admin/two-factor/")
    page.fill("[name=code]", code_of(Authenticator.objects.get()))
    with page.loading():
        page.press("Enter")
    old = RecoveryCodes.objects.get().codes
    page.go(live_server.url + "/admin/two-factor/")
    assert "10 of yours can still be used" in page.text()
    with page.loading():
        page.click("#new-codes")
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=code]", old[0])
    with page.loading():
        page.press("Enter")
    assert "9 recovery codes of alice can still be used" in page.text()
    page.fill("[name=reason]", "the printout is gone")
    with page.loading():
        page.press("Enter")
    assert page.evaluate("document.querySelectorAll('.desk-codes li').length") == 10
    assert not set(RecoveryCodes.objects.get().codes) & set(old)
