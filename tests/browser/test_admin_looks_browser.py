"""The desk by phone, by keyboard and by copy button, in a real browser."""

from typing import Any

import pytest

from numbers.reports.dashboard import refresh_figures
from tests.support import factories
from tests.support.accessibility import wider_than_the_window
from tests.support.api_client import Api
from tests.support.browser import Browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_menu_of_a_phone_reaches_every_list(page: Browser, live_server: Any) -> None:
    page.resize(390, 844, phone=True)
    page.go(live_server.url + "/admin/")
    assert wider_than_the_window(page) == 0
    page.click(".desk-phone-menu summary")
    links = page.evaluate(
        "[...document.querySelectorAll('.desk-phone-menu a')].filter(one => one.checkVisibility())"
        ".map(one => one.getAttribute('href'))"
    )
    assert {"/admin/numbers/order/", "/admin/imports/", "/admin/roles/"} <= set(links)
    assert wider_than_the_window(page) == 0


def test_chart_is_one_tab_stop_with_its_table(page: Browser, live_server: Any) -> None:
    Api(factories.key(factories.organization("Acme"))).order(factories.stock("+14155550123"))
    refresh_figures()
    page.go(live_server.url + "/admin/")
    stops = page.evaluate(
        "[...document.querySelectorAll('#orders-by-day a, #orders-by-day summary')]"
        ".filter(one => one.checkVisibility() && one.tabIndex >= 0).map(one => one.tagName)"
    )
    assert stops == ["SUMMARY"]
    page.evaluate("document.querySelector('#orders-by-day summary').focus()")
    page.press("Enter")
    page.wait_for("document.querySelector('#orders-by-day details').open")
    assert "1 order of 1 number" in page.text("#orders-by-day table")


def test_preset_ticks_scopes_and_secret_is_copied(page: Browser, live_server: Any) -> None:
    owner = factories.organization("Acme")
    page.go(live_server.url + f"/admin/apikeys/apikey/add/?organization={owner.pk}")
    page.click("[data-scopes*='numbers:write']")
    ticked = "[...document.querySelectorAll('[name=scopes]:checked')].map(one => one.value)"
    assert "numbers:write" in page.evaluate(ticked)
    assert "platform:inventory:write" not in page.evaluate(ticked)
    page.fill("[name=label]", "first")
    with page.loading():
        page.click(".submit-row input[type=submit]")
    page.click(".desk-copy")
    page.wait_for("document.querySelector('.desk-copied').textContent === 'Copied.'")
