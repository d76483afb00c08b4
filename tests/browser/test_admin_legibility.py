"""The admin in light and dark, wide and on a phone: legible, without sideways scrolling."""

from decimal import Decimal
from typing import Any

import pytest

from apikeys.models import ApiKey
from campaigns.models import Campaign, Organization
from numbers.credit.ledger import top_up
from numbers.inventory.seed import Stock, seed_numbers
from numbers.models import Assignment, CreditEntry, NumberEvent, Order, PhoneNumber, Refusal
from tests.support import factories
from tests.support.accessibility import cut_off, unnamed_fields, weak_texts, wider_than_the_window
from tests.support.admin_client import url
from tests.support.api_client import Api
from tests.support.browser import Browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def pages() -> list[str]:
    """The pages that operators see most, with something on them."""
    owner = factories.organization("Acme")
    factories.campaign(owner, "PENDING")
    api = Api(factories.key(owner))
    api.order(factories.stock(*factories.line(1, 30))[:3])
    api.order(["+14159999999"])
    number = PhoneNumber.objects.earliest("id")
    lists = [url(PhoneNumber, "changelist"), url(PhoneNumber, "change", number.pk)]
    adding = ["/admin/apikeys/apikey/add/", url(PhoneNumber, "add")]
    return [
        "/admin/",
        "/admin/review/",
        "/admin/who-had/",
        *adding,
        *lists,
        url(Organization, "change", owner.pk),
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_text_is_legible_and_nothing_overflows(
    page: Browser, live_server: Any, pages: list[str], scheme: str, width: int
) -> None:
    page.prefer(scheme)
    page.resize(width, 900, phone=width < 500)
    for address in pages:
        page.go(live_server.url + address)
        assert weak_texts(page) == [], address
        assert wider_than_the_window(page) == 0, address
        assert unnamed_fields(page) == [], address


@pytest.mark.parametrize("width", [1280, 1440])
def test_nothing_is_cut_off_on_a_desktop(
    page: Browser, live_server: Any, pages: list[str], width: int
) -> None:
    seed_numbers(stock=Stock("888", 2_000, Decimal("1.00")), actor=factories.actor())
    page.resize(width, 900)
    for address in pages:
        page.go(live_server.url + address)
        assert cut_off(page) == [], address


@pytest.fixture
def long_lists() -> list[str]:
    """Lists with much in their columns."""
    owner = factories.organization(
        "Consolidated Messaging Holdings of North America", credit="123456.00"
    )
    api = Api(factories.key(owner))
    campaign = factories.campaign(owner)
    sold = factories.stock(*factories.line(1, 3))[:2]
    api.order(sold, campaign_id=str(campaign.pk), label="appointment reminders of the clinic")
    api.request(
        "DELETE", f"/v1/phone-numbers/{api.get('/v1/phone-numbers').json()['data'][0]['id']}"
    )
    api.order(["+14159999999"])
    api.post(
        "/v1/phone-numbers/search",
        {"number_type": "short_code", "pattern": "5551234567", "quantity": 10},
    )
    note = "invoice 2026-1234567 of the second half of May"
    top_up(organization_id=owner.pk, amount=Decimal("9999.00"), note=note, actor=factories.actor())
    Api(factories.key(factories.organization("Corner", credit="0.50"))).order(
        factories.stock("+14155550188")
    )
    lists = (Order, ApiKey, CreditEntry, Refusal, Assignment, NumberEvent, Campaign)
    return [
        *(url(model, "changelist") for model in lists),
        url(PhoneNumber, "changelist") + "?state=quarantined",
    ]


def test_long_lists_fit_a_desktop(page: Browser, live_server: Any, long_lists: list[str]) -> None:
    page.resize(1280, 900)
    for address in long_lists:
        page.go(live_server.url + address)
        assert page.evaluate("document.querySelectorAll('#result_list tbody tr').length"), address
        assert cut_off(page) == [], address


@pytest.mark.parametrize("kind", ["pages", "long_lists"])
def test_nothing_is_cut_off_on_a_phone(
    page: Browser, live_server: Any, kind: str, request: pytest.FixtureRequest
) -> None:
    page.resize(390, 844, phone=True)
    for address in request.getfixturevalue(kind):
        page.go(live_server.url + address)
        assert cut_off(page) == [], address
        assert wider_than_the_window(page) == 0, address


def test_row_of_a_list_names_its_columns_on_a_phone(
    page: Browser, live_server: Any, pages: list[str]
) -> None:
    page.resize(390, 844, phone=True)
    page.go(live_server.url + url(PhoneNumber, "changelist"))
    shown = page.evaluate(
        "getComputedStyle(document.querySelector('#result_list .field-state'), '::before').content"
    )
    assert shown == '"State"'


def test_contrast_check_finds_a_planted_text(page: Browser, live_server: Any) -> None:
    page.go(live_server.url + "/admin/")
    page.evaluate("document.querySelector('h1').style.color = '#c8c8c8', 0")
    assert any("Today" in weak for weak in weak_texts(page))


def test_first_tab_skips_the_menu_to_the_content(page: Browser, live_server: Any) -> None:
    page.go(live_server.url + "/admin/")
    page.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-to-content-link"
    page.press("Enter")
    page.wait_for("location.hash === '#content-start'")


def test_selection_is_released_by_mouse_and_its_outcome_shown(
    page: Browser, live_server: Any, pages: list[str]
) -> None:
    page.go(live_server.url + url(PhoneNumber, "changelist") + "?state=assigned")
    page.click("#action-toggle")
    page.choose("select[name=action]", "release")
    with page.loading():
        page.click(".actions button")
    assert "3 numbers selected, 3 of them will change" in page.text()
    page.fill("[name=reason]", "ticket 7")
    with page.loading():
        page.click(".submit-row input[type=submit]")
    assert "is in quarantine for 45 days" in page.text()
    with page.loading():
        page.click(".submit-row input[type=submit]")
    assert "Release: 3 numbers" in page.text()
