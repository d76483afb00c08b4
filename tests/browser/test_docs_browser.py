"""The docs in a real browser: on a phone, by keyboard, in dark mode, under the strict policy."""

from typing import Any

import pytest

from tests.support import db_assertions, factories
from tests.support.browser import Browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(visitor: Browser, live_server: Any) -> Browser:
    """The browser, as it is on a desk, by day."""
    visitor.resize(1440, 900)
    visitor.prefer("light")
    visitor.desk = live_server.url
    return visitor


def visit(page: Browser, path: str) -> None:
    page.go("about:blank")  # so that a visit of another anchor is a visit
    page.go(page.desk + path)


WIDER_THAN_THE_PAGE = """[...document.querySelectorAll("main *, .top *")].filter(
    (one) => one.checkVisibility() && !one.closest("pre, .table, .found, .unseen, #console")
             && one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("path", ["/docs", "/docs/quickstart", "/docs/errors", "/docs/retries"])
def test_page_fits_a_phone(page, path):
    page.resize(360, 740, phone=True)
    visit(page, path)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate(WIDER_THAN_THE_PAGE) == []


def test_phone_menu_opens_navigates_and_closes(page):
    page.resize(390, 844, phone=True)
    visit(page, "/docs/quickstart")
    assert not page.evaluate("document.getElementById('menu').checkVisibility()")
    page.click(".menu-button")
    page.wait_for("document.getElementById('menu').matches(':popover-open')")
    with page.loading():
        page.evaluate("document.querySelector('#menu a[href=\"/docs#orderNumbers\"]').click()")
    assert page.evaluate("location.hash") == "#orderNumbers"
    assert not page.evaluate("document.getElementById('menu').checkVisibility()")


CONTRAST = """(() => {
    const light = (text) => {
        const [r, g, b] = text.match(/[\\d.]+/g).map(Number).map((v) => v / 255)
            .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const behind = (one) => { for (; one; one = one.parentElement) {
        const colour = getComputedStyle(one).backgroundColor;
        if (!colour.endsWith(", 0)") && colour !== "transparent") return colour; } return "rgb(255, 255, 255)"; };
    const poor = new Map();
    for (const one of document.querySelectorAll("body *")) {
        const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!own || !one.checkVisibility() || one.closest(".unseen, .skip")) continue;
        const [a, b] = [light(getComputedStyle(one).color), light(behind(one))].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < 4.5) poor.set(one.className || one.tagName, ratio.toFixed(2)); }
    return [...poor]; })()"""


OPEN_ALL = """document.querySelectorAll("details").forEach(
    (one) => { one.removeAttribute("name"); one.open = true; })"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/docs", "/docs/errors"])
def test_text_has_enough_contrast_in_light_and_dark(page, path, scheme):
    page.prefer(scheme)
    visit(page, path)
    page.evaluate(
        "document.querySelectorAll('details').forEach((one) => { one.removeAttribute('name'); one.open = true; })"
    )
    assert page.evaluate(CONTRAST) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_console_text_has_enough_contrast(page, scheme):
    page.prefer(scheme)
    visit(page, "/docs/console#/Phone%20numbers/orderNumbers")
    page.wait_for("document.querySelector('.opblock.is-open .execute') !== null")
    page.wait_for("document.querySelector('.opblock.is-open .examples-select') !== null")
    assert page.evaluate(CONTRAST) == []


def test_search_works_by_keyboard_alone(page):
    visit(page, "/docs/errors")
    page.call("Input.dispatchKeyEvent", type="keyDown", key="/", code="Slash", text="/")
    page.wait_for("document.activeElement.id === 'search'")
    page.call("Input.insertText", text="replayed idem")
    page.wait_for("document.querySelectorAll('#found a').length > 0")
    page.call(
        "Input.dispatchKeyEvent",
        type="keyDown",
        key="ArrowDown",
        code="ArrowDown",
        windowsVirtualKeyCode=40,
    )
    chosen = page.evaluate(
        "document.querySelector('#found [aria-selected] a').getAttribute('href')"
    )
    assert page.evaluate("document.getElementById('search').getAttribute('aria-activedescendant')")
    with page.loading():
        page.press("Enter")
    assert page.evaluate("location.pathname + location.hash") == chosen
    assert page.evaluate("!!document.getElementById(decodeURIComponent(location.hash.slice(1)))")


def test_search_finds_an_error_code_or_reports_no_match(page):
    visit(page, "/docs")
    page.fill("#search", "BRAND_NOT_VERIFIED")
    page.wait_for(
        "[...document.querySelectorAll('#found a')].some((one) => one.hash === '#orderNumbers')"
    )
    page.fill("#search", "xylophone")
    page.wait_for("document.querySelector('#found .nothing') !== null")
    page.press("Escape")
    assert page.evaluate("document.getElementById('found').hidden")


def test_sample_is_copied_in_the_remembered_language(page):
    page.call(
        "Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"]
    )
    visit(page, "/docs#orderNumbers")
    page.click("label[for=orderNumbers-python]")
    visit(page, "/docs#listNumbers")
    assert page.evaluate("document.querySelector('#listNumbers .sample.python').checkVisibility()")
    assert not page.evaluate(
        "document.querySelector('#listNumbers .sample.curl').checkVisibility()"
    )
    page.call("Page.bringToFront")
    page.click("#listNumbers .sample.python .copy")
    page.wait_for(
        "document.querySelector('#listNumbers .sample.python .copy').textContent === 'Copied'"
    )
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("import os\n\nimport requests\n\nresponse = requests.get(\n")
    assert f'"{page.desk}/v1/phone-numbers"' in copied


def test_every_control_is_reachable_and_visible_by_tab(page):
    visit(page, "/docs/quickstart")
    page.press("Tab")
    assert page.text(":focus") == "Skip to the text"
    page.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    visit(page, "/docs/quickstart")
    seen = set()
    for _ in range(90):
        page.press("Tab")
        seen.add(page.evaluate("document.activeElement.tagName + document.activeElement.className"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none" or page.evaluate("document.activeElement === document.body")
    assert {"A", "INPUT", "BUTTONcopy", "PRE"} <= seen


def test_console_fits_a_phone(page):
    page.resize(360, 740, phone=True)
    visit(page, "/docs/console#/Phone%20numbers/orderNumbers")
    page.wait_for("document.querySelector('.opblock.is-open .execute') !== null")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    # Words stand beside each other, in the lists as in the parameters.
    for words in (".opblock-tag small", ".opblock.is-open td.parameters-col_description"):
        assert (
            page.evaluate(f"document.querySelector('{words}').getBoundingClientRect().width") > 200
        ), words
    page.evaluate("document.querySelector('.swagger-ui .authorize').click()")
    page.wait_for("document.querySelector('.modal-ux') !== null")
    box = page.evaluate("document.querySelector('.modal-ux').getBoundingClientRect().toJSON()")
    assert (box["left"] >= 0, box["right"] <= 360) == (True, True)


def test_console_places_an_order(page, cast):
    (number,) = factories.stock("+14155550123")
    visit(page, "/docs/console#/Phone%20numbers/orderNumbers")
    page.wait_for("document.querySelector('.opblock.is-open .execute') !== null")
    page.evaluate("document.querySelector('.swagger-ui .authorize').click()")
    page.wait_for("document.querySelector('.auth-container input') !== null")
    page.fill(".auth-container input", cast.owner_key)
    page.click(".auth-btn-wrapper .authorize")
    page.wait_for("document.querySelector('.auth-container input') === null")
    page.click(".auth-btn-wrapper .btn-done")
    page.click(".opblock.is-open .execute")
    page.wait_for("document.querySelector('.live-responses-table .response-col_status') !== null")
    assert page.text(".live-responses-table tbody .response-col_status").startswith("200")
    assert db_assertions.owners() == {number: "Owner"}
