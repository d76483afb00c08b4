"""The page of pasted numbers in a real browser: by keyboard, on a phone, with odd lists."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from numbers.admin.paste import MOST_PASTED
from numbers.models import Job
from tests.contract.clients import node
from tests.support import axe, factories
from tests.support.accessibility import cut_off, wider_than_the_window
from tests.support.admin_client import PASSWORD, sign_in
from tests.support.browser import Browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASTE = "/admin/numbers/phonenumber/paste/"
FOCUSED = "document.activeElement.value ?? document.activeElement.innerText"


@pytest.fixture
def page(visitor: Browser, live_server: Any) -> Browser:
    User.objects.create_superuser("alice", password=PASSWORD)
    sign_in(visitor, live_server.url, "alice")
    factories.stock(*factories.line(0, 30))
    visitor.go(live_server.url + PASTE)
    return visitor


def look_up(page: Browser, text: str) -> None:
    """Send a list by keyboard: type it, Tab to the button, Enter."""
    page.fill("[name=numbers]", text)
    page.press("Tab")
    with page.loading():
        page.press("Enter")


def test_pasted_list_is_looked_up_by_keyboard(page: Browser) -> None:
    look_up(page, "(415) 200-0000\n415.200.0001, 0014152000002\n+13055550142\nhello")
    assert "3 found, 2 not in stock" in page.text("#found")
    assert page.evaluate("document.querySelector('#missing').value") == "+13055550142\nhello"
    page.evaluate("document.querySelector('#found button').focus()")
    for _ in range(20):
        if page.evaluate(FOCUSED).startswith("price"):
            break
        page.press("Tab")
    with page.loading():
        page.press("Enter")
    assert "3 numbers selected, 3 of them will change" in page.text("#preview")
    assert Job.objects.get().total == 3


def test_pasted_list_fits_a_phone(page: Browser) -> None:
    page.resize(390, 844, phone=True)
    look_up(page, "\n".join([*factories.line(0, 30), "+13055550142" * 9, "x" * 200]))
    assert "30 found, 2 not in stock" in page.text("#found")
    assert "and 10 more" in page.text("#found")
    assert wider_than_the_window(page) == 0
    assert cut_off(page) == []


def test_pasted_markup_is_shown_as_text(page: Browser) -> None:
    look_up(page, "<img src=x onerror=alert(1)>\n</textarea><b>bold</b>")
    assert page.evaluate("document.querySelectorAll('#found img, #found b').length") == 0
    assert "</textarea>" in page.evaluate("document.querySelector('#missing').value")


def test_list_that_is_too_long_keeps_what_was_pasted(page: Browser) -> None:
    many = "\n".join(factories.line(0, MOST_PASTED + 1))
    page.evaluate(f"document.querySelector('[name=numbers]').value = {many!r}")
    with page.loading():
        page.click(".submit-row input[type=submit]")
    assert "paste up to 10,000 at a time" in page.text("#paste_form")
    assert page.evaluate("document.querySelector('[name=numbers]').value") == many


def test_pasted_list_has_no_accessibility_violation(page: Browser) -> None:
    try:
        axe.source()
    except node.NoNode as reason:
        pytest.skip(str(reason))
    look_up(page, "+14152000000\n+13055550142")
    assert axe.violations(page) == []
