"""The desk on a phone of 390 pixels: edges, labels, buttons and the menu."""

from typing import Any

import pytest

from campaigns.models import Organization
from numbers.models import CreditEntry, PhoneNumber
from tests.support import factories
from tests.support.accessibility import wider_than_the_window
from tests.support.admin_client import url
from tests.support.browser import Browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EDGE = 15  # pixels at the left of everything


@pytest.fixture
def page(page: Browser) -> Browser:
    page.resize(390, 844, phone=True)
    return page


def boxes(page: Browser, selector: str) -> list[dict[str, float]]:
    """The places of the visible elements."""
    found: list[dict[str, float]] = page.evaluate(
        f"[...document.querySelectorAll({selector!r})].filter((one) => one.checkVisibility())"
        ".map((one) => { const {left, top, width, height} = one.getBoundingClientRect();"
        " return {left, top, width, height}; })"
    )
    assert found, selector
    return found


def test_copy_buttons_are_small_and_at_the_left_edge(page: Browser, live_server: Any) -> None:
    owner = factories.organization("Acme")
    page.go(live_server.url + url(Organization, "change", owner.pk))
    for box in boxes(page, ".desk-copy"):
        assert box["left"] == EDGE
        assert box["width"] < 100


def test_copy_button_of_a_secret_is_at_the_left_edge(page: Browser, live_server: Any) -> None:
    owner = factories.organization("Acme")
    page.go(live_server.url + f"/admin/apikeys/apikey/add/?organization={owner.pk}")
    page.click("[data-scopes*='numbers:write']")
    page.fill("[name=label]", "first")
    with page.loading():
        page.click(".submit-row input[type=submit]")
    (box,) = boxes(page, ".desk-copy")
    assert (box["left"], box["width"] < 100) == (EDGE, True)


def test_wrapped_buttons_and_filters_start_at_the_left_edge(
    page: Browser, live_server: Any
) -> None:
    page.go(live_server.url + url(PhoneNumber, "changelist"))
    tools = boxes(page, ".object-tools li")
    rows = {box["top"] for box in tools}
    assert len(rows) > 1
    assert {min(box["left"] for box in tools if box["top"] == top) for top in rows} == {EDGE}
    assert boxes(page, ".desk-to-filters a")[0]["left"] == EDGE


@pytest.mark.parametrize("address", [url(PhoneNumber, "add"), "/admin/imports/"])
def test_checkboxes_are_at_the_left_edge(page: Browser, live_server: Any, address: str) -> None:
    page.go(live_server.url + address)
    if address.endswith("imports/"):
        page.evaluate(
            "(() => { const file = new DataTransfer();"
            " file.items.add(new File(['number\\n+14155550123\\n'], 'stock.csv'));"
            " document.querySelector('[type=file]').files = file.files; })()"
        )
        with page.loading():
            page.click("#upload_form input[type=submit]")
    found = boxes(page, ".form-row input[type=checkbox]")
    assert {box["left"] for box in found} == {EDGE}
    assert max(box["width"] for box in found) < 30  # one that is stretched draws itself centered


def test_required_mark_stands_in_the_line_of_its_label(page: Browser, live_server: Any) -> None:
    page.go(live_server.url + url(PhoneNumber, "add"))
    style = "getComputedStyle(document.querySelector('label.required'), '::after')"
    assert page.evaluate(f"{style}.display") == "inline"
    assert page.evaluate(f"{style}.verticalAlign") == "baseline"


def test_labels_of_cards_are_at_the_left(page: Browser, live_server: Any) -> None:
    owner = factories.organization("Acme")
    assert CreditEntry.objects.exists()
    page.go(live_server.url + f"/admin/numbers/creditaccount/{owner.pk}/statement/")
    aligned = page.evaluate(
        "[...document.querySelectorAll('.desk-cards tbody td')]"
        ".map((one) => getComputedStyle(one).textAlign)"
    )
    assert set(aligned) == {"left"}


def test_list_of_numbers_that_are_not_found_is_whole(page: Browser, live_server: Any) -> None:
    page.go(live_server.url + "/admin/numbers/phonenumber/paste/")
    page.fill("#id_numbers", "+14155550123")
    with page.loading():
        page.click(".submit-row input[type=submit]")
    (box,) = boxes(page, "#missing")
    assert box["left"] + box["width"] <= 390 - EDGE


def test_menu_closes_where_it_opened_and_by_escape(page: Browser, live_server: Any) -> None:
    page.go(live_server.url + "/admin/")
    is_open = "document.querySelector('.desk-phone-menu').open"
    closed = boxes(page, ".desk-phone-menu summary")
    page.click(".desk-phone-menu summary")
    assert page.evaluate(is_open)
    assert boxes(page, ".desk-phone-menu summary") == closed
    assert wider_than_the_window(page) == 0
    page.click(".desk-phone-menu summary")
    assert not page.evaluate(is_open)
    page.click(".desk-phone-menu summary")
    page.press("Escape")
    assert not page.evaluate(is_open)
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
