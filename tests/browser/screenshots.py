"""`make screenshots`: pictures of the desk for the README, from a temporary database.

They show the demo of `make run`.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

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
    """The demo of `make run`, with a worker; gives the addresses of the rows that are shown."""
    from django.contrib.auth.models import User

    from campaigns.models import Organization
    from numbers.demo import ensure_demo
    from numbers.models import Assignment, PhoneNumber
    from numbers.reports.dashboard import refresh_figures
    from numbers.worker.duties import all_duties
    from numbers.worker.presence import renew_presence
    from numbers.worker.schedule import plan_duties
    from tests.support.admin_client import PASSWORD, url

    User.objects.create_superuser("alice", password=PASSWORD)
    ensure_demo()
    renew_presence(UUID("00000000-0000-4000-8000-000000000001"))
    plan_duties(all_duties())
    refresh_figures()
    customer = Organization.objects.get(name="Harbor Logistics")
    released = Assignment.objects.filter(organization=customer, ended_at__isnull=False).first()
    assert released is not None
    return {
        "home": "/admin/",
        "numbers": url(PhoneNumber, "changelist"),
        "number": url(PhoneNumber, "change", released.number_id) + "#life",
        "organization": url(Organization, "change", customer.pk),
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
