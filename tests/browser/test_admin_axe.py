"""Every kind of admin page, checked by axe-core on a desktop in light and on a phone in dark."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from campaigns.history import record
from numbers.reports.dashboard import refresh_figures
from tests.contract.clients import node
from tests.support import admin_pages, axe, factories, webhooks
from tests.support.admin_client import PASSWORD, sign_in
from tests.support.api_client import Api
from tests.support.browser import Browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module", autouse=True)
def axe_core() -> None:
    """Skip by name where the npm packages can't be had."""
    try:
        axe.source()
    except node.NoNode as reason:
        pytest.skip(str(reason))


@pytest.fixture
def page(visitor: Browser, live_server: Any, api: Api, cast: Any) -> Browser:
    """The browser, signed in as alice, on a desk that has a row of everything."""
    User.objects.create_superuser("alice", password=PASSWORD)
    Group.objects.get_or_create(name="a role")
    campaign = factories.campaign(cast.owner)
    record(campaign, "created", actor=factories.actor())
    numbers = factories.stock(*factories.line(1, 3))
    hook, _ = webhooks.endpoint(cast.owner, "http://127.0.0.1:9/hook")
    assert api.order(numbers[:1], headers={"Idempotency-Key": "once"}).status_code == 200
    assert api.order(numbers).status_code == 409
    factories.hold(cast.owner, numbers[1])
    admin_pages.drafts()
    factories.job("test", status="cancelled", finished_at="2026-01-01T00:00Z")
    hook.deliveries.create(
        event_id=cast.owner.pk, event_type="webhook.ping", due_at="2100-01-01T00:00Z"
    )
    refresh_figures()
    sign_in(visitor, live_server.url, "alice")
    return visitor


# Files, redirects, and pages that only refuse.
_NO_PAGES = re.compile(
    r"csv|export|/history/|/delete/|/autocomplete/|/r/1/1/|/refresh/|/login/"
    r"|^/admin/\w+/\w+/[^/]*[0-9][^/]*/$"
)
# What of Django's own can't be mended here: the rule, how the selector begins, and why.
EXCUSED: dict[tuple[str, str], str] = {}


def one_of_each_kind() -> list[str]:
    """Return an address of each kind, such as a list with the same kinds of filters."""
    chosen: dict[Any, str] = {}
    for address in admin_pages.addresses_of_rows_that_exist():
        if not _NO_PAGES.search(address):
            chosen.setdefault(admin_pages.kind_of(address), address)
    chosen.pop(None, None)
    return list(chosen.values())


def look_at(page: Browser, address: str) -> list[str]:
    """Open a page and return what axe-core finds in both looks, except what is excused."""
    page.prefer("light")
    page.resize(1280, 900)
    page.go(address)
    found = {f"light: {one}" for one in complaints_of(page)}
    page.prefer("dark")
    page.resize(390, 844, phone=True)
    return sorted(found | {f"dark: {one}" for one in complaints_of(page)})


def complaints_of(page: Browser) -> list[str]:
    return [
        f"{one['rule']} {one['where']} {one['html']}"
        for one in axe.violations(page)
        if not any(
            one["rule"] == rule and one["where"].startswith(where) for rule, where in EXCUSED
        )
    ]


def test_no_page_has_an_accessibility_violation(page: Browser, live_server: Any) -> None:
    addresses = one_of_each_kind()
    found = {address: look_at(page, live_server.url + address) for address in addresses}
    assert {address: what for address, what in found.items() if what} == {}
    assert len(addresses) > 40, addresses


def test_sign_in_page_has_no_accessibility_violation(page: Browser, live_server: Any) -> None:
    page.call("Network.clearBrowserCookies")
    assert look_at(page, live_server.url + "/admin/") == []
    assert "Password" in page.text()


def test_axe_finds_a_planted_violation(page: Browser, live_server: Any) -> None:
    page.go(live_server.url + "/admin/")
    page.evaluate("document.querySelector('#desk-find-q').labels[0].remove()")
    page.evaluate("document.querySelector('#desk-find-q').removeAttribute('placeholder')")
    assert [one.partition(" ")[0] for one in complaints_of(page)] == ["label"]
