"""`make screenshots`: pictures of the desk for the README, from a temporary database.

The stock, the customers and what they did are made through the product's own functions and its API.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import config  # noqa: F401  makes the `numbers` app importable, see config/__init__.py
from config.env import BASE_DIR

FOLDER = BASE_DIR / "docs" / "screenshots"


@contextmanager
def served_desk() -> Iterator[str]:
    """The address of a desk on a fresh test database."""
    from django.conf import settings
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.db import connections
    from django.test.testcases import LiveServerThread
    from django.test.utils import get_runner, setup_test_environment

    setup_test_environment()
    runner = get_runner(settings, "django.test.runner.DiscoverRunner")(
        verbosity=0, interactive=False
    )
    databases = runner.setup_databases()
    thread = LiveServerThread("localhost", StaticFilesHandler)
    try:
        thread.daemon = True
        thread.start()
        thread.is_ready.wait()
        if thread.error:
            raise thread.error
        yield f"http://localhost:{thread.port}"
    finally:
        thread.terminate()
        connections.close_all()
        runner.teardown_databases(databases)


def populate() -> dict[str, str]:
    """A desk on a busy day; gives the addresses of the rows that are shown."""
    from django.contrib.auth.models import User

    from campaigns.models import Organization
    from numbers.inventory.seed import Stock, seed_numbers
    from numbers.models import PhoneNumber
    from tests.support import factories
    from tests.support.admin_client import PASSWORD, url
    from tests.support.api_client import Api

    User.objects.create_superuser("alice", password=PASSWORD)
    for area_code, count in (("415", 60), ("212", 140), ("503", 320), ("718", 480), ("888", 200)):
        stock = Stock(area_code=area_code, count=count, price=Decimal("1.00"), random_state=7)
        seed_numbers(stock=stock, actor=factories.actor())
    acme = factories.organization("Acme Dental", credit="500.00")
    factories.organization("Corner Bakery", credit="80.00")
    campaign = factories.campaign(acme)
    factories.campaign(acme, "PENDING")
    api = Api(factories.key(acme))
    for area_code, count in (("415", 40), ("212", 60), ("503", 20)):
        rows = (
            PhoneNumber.objects.filter(area_code=area_code)
            .order_by("id")
            .values_list("number", flat=True)
        )
        api.order(list(rows[:count]), campaign_id=str(campaign.pk))
    api.order(["+13055550142", "+13055550143"])
    api.post("/v1/phone-numbers/search", {"area_code": "617", "pattern": "777", "quantity": 10})
    api.post(
        "/v1/phone-numbers/bulk",
        {"quantity": 40, "area_code": "305", "max_price_per_number": "2.00"},
    )
    owned = api.get("/v1/phone-numbers").json()["data"]
    for row in owned[:6]:
        api.request("DELETE", f"/v1/phone-numbers/{row['id']}")
    number = PhoneNumber.objects.get(number=owned[0]["number"])
    return {
        "home": "/admin/",
        "numbers": url(PhoneNumber, "changelist"),
        "number": url(PhoneNumber, "change", number.pk) + "#life",
        "organization": url(Organization, "change", acme.pk),
        "review": "/admin/review/",
    }


def take(address: str, pages: dict[str, str]) -> None:
    from tests.support.admin_client import sign_in
    from tests.support.browser import Browser

    browser = Browser()
    try:
        sign_in(browser, address, "alice")
        for name, page in pages.items():
            # Go through a blank page: an address that differs only in its fragment is not reloaded.
            browser.go("about:blank")
            browser.go(address + page)
            browser.screenshot(FOLDER / f"{name}.png")
        browser.prefer("dark")
        browser.go(address + "/admin/")
        browser.screenshot(FOLDER / "home-dark.png")
        browser.resize(390, 844, phone=True)
        browser.go(address + "/admin/")
        browser.screenshot(FOLDER / "home-phone.png")
    finally:
        browser.close()


def main() -> None:
    import django

    from config.dev import postgres
    from tests.support import browser

    if browser.BINARY is None:
        sys.exit("screenshots need Chromium: apt-get install chromium")
    postgres.ensure_running()
    django.setup()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with served_desk() as address:
        take(address, populate())
    sys.stdout.write(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER.name}\n")


if __name__ == "__main__":
    main()
