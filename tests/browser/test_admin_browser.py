"""The admin in a real browser: no console message, no foreign request, no policy violation."""

from typing import Any

import pytest

from campaigns.models import Campaign, Organization
from numbers.models import CreditAccount, PhoneNumber
from tests.support import db_assertions, factories
from tests.support.admin_client import url
from tests.support.api_client import Api
from tests.support.browser import Browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def submit(page: Browser, **values: str) -> None:
    for name, value in values.items():
        page.fill(f"[name={name}]", value)
    with page.loading():
        page.click(".submit-row input[type=submit]")


def test_operator_creates_and_tops_up_an_organization(page: Browser, live_server: Any) -> None:
    page.go(live_server.url + url(Organization, "add"))
    submit(page, name="Acme", credit="25.00")
    assert "Organization Acme was created, with 25.00 USD" in page.text()
    account = CreditAccount.objects.get()
    page.go(live_server.url + url(CreditAccount, "operation", account.pk, "top-up"))
    submit(page, amount="75.00", note="invoice 2")
    assert "Acme now has 100.00 USD" in page.text()


def test_operator_finds_a_brand_and_approves_its_campaign(page: Browser, live_server: Any) -> None:
    brand = factories.brand(factories.organization("Acme"))
    page.go(live_server.url + url(Campaign, "add"))
    page.click(".select2-selection")
    page.wait_for("document.querySelector('.select2-search__field')")
    page.call("Input.insertText", text=brand.name)
    page.wait_for("document.querySelector('.select2-results__option--highlighted')")
    page.press("Enter")
    submit(page, name="Reminders")
    with page.loading():
        page.click(".object-tools a[href$='/do/approve/']")
    submit(page, reason="checked")
    assert "Campaign Reminders is ACTIVE" in page.text()


def test_operator_creates_a_key_that_places_an_order(page: Browser, live_server: Any) -> None:
    owner = factories.organization("Acme")
    numbers = factories.stock("+14155550123")
    page.go(live_server.url + f"/admin/apikeys/apikey/add/?organization={owner.pk}")
    page.click("[value='numbers:write']")
    submit(page, label="first")
    secret = page.evaluate("document.querySelector('#secret').value")
    assert Api(secret).order(numbers).status_code == 200
    assert db_assertions.owners() == {"+14155550123": "Acme"}


def test_every_page_opens_without_a_complaint(page: Browser, live_server: Any) -> None:
    owner = factories.organization("Acme")
    campaign = factories.campaign(owner)
    numbers = factories.stock(*factories.line(1, 3))
    assert (
        Api(factories.key(owner)).order(numbers[:1], campaign_id=str(campaign.pk)).status_code
        == 200
    )
    page.go(live_server.url + "/admin/")
    links = page.evaluate(
        "[...document.querySelectorAll('#content a[href]')].map(link => link.href)"
    )
    for address in {link.partition("?")[0]: link for link in links}.values():
        page.go(address)
    page.go(live_server.url + url(PhoneNumber, "changelist") + "?q=2000001")
    with page.loading():
        page.click("#result_list tbody th a")
    assert "+14152000001" in page.text("#content")


COVERED = """(() => {
    const heading = document.querySelector("#content h2"), name = heading.getBoundingClientRect();
    const range = document.createRange();
    range.selectNodeContents(heading);
    const text = range.getBoundingClientRect();
    return [...document.querySelectorAll(".object-tools a")].some(one => {
        const box = one.getBoundingClientRect();
        return box.left < text.right && box.top < name.bottom && box.bottom > name.top; }); })()"""


def test_buttons_of_a_held_number_do_not_cover_its_name(page: Browser, live_server: Any) -> None:
    (number,) = factories.stock("+14155550123")
    factories.hold(factories.organization("Acme"), number)
    address = live_server.url + url(PhoneNumber, "change", PhoneNumber.objects.get().pk)
    for width in (800, 1024, 1280, 1920):
        page.resize(width, 900)
        page.go(address)
        assert page.evaluate("document.querySelectorAll('.object-tools a').length") > 5
        assert not page.evaluate(COVERED), width
    page.resize(1280, 900)
