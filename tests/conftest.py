"""Shared fixtures: the database, the cast, and an API client."""

import os
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import hypothesis
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test import client as test_client

from apikeys.scopes import Scope
from campaigns.models import Organization
from config.dev import postgres
from config.http.context import current
from config.http.request import HttpRequest
from tests.support import db_assertions, emptying, factories
from tests.support.api_client import Api
from tests.support.browser import BINARY, Browser

# The test client makes the requests that config.wsgi makes.
test_client.WSGIRequest = HttpRequest  # type: ignore[attr-defined]

# No test is of wall-clock time: on a busy machine every deadline is missed once.
hypothesis.settings.register_profile(
    "numberdesk", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("numberdesk")

TRUNCATE_TRIGGERS = (
    "SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgname LIKE '%\\_keep\\_truncate'"
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Three processes for two cores: tests wait for PostgreSQL, servers and browsers."""
    cores = os.cpu_count() or 1
    return cores + (cores + 1) // 2


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests without a database: at the end all others would wait for them."""
    items.sort(key=lambda item: item.get_closest_marker("minutes") is None)


@pytest.fixture(autouse=True)
def outside_any_request() -> None:
    """Forget the request of the test before: a thread keeps its context until the next one."""
    current.set(None)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """The server runs before pytest-django makes its databases, for each xdist worker one."""
    postgres.ensure_running()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Tests with real commits empty the tables, which tables of history refuse."""
    emptying.replace_flush()
    with django_db_blocker.unblock():
        refuse_any_but_the_test_database()
        switch_truncate_triggers("DISABLE")
        # A new desk's feed covers what happens an hour later; in tests, everything.
        db_assertions.run("UPDATE numbers_feedhead SET began_at = NULL")


def refuse_any_but_the_test_database() -> None:
    """A pool that was opened too early leads to the developer's own database: that must not be emptied."""
    ((name,),) = db_assertions.rows("SELECT current_database()")
    if name != connection.settings_dict["NAME"] or not name.startswith("numberdesk_test"):
        pytest.exit(
            f"the tests would run in the database {name}: what connected before they were set up?",
            3,
        )


def switch_truncate_triggers(state: str) -> None:
    """``ENABLE`` or ``DISABLE`` the triggers that refuse TRUNCATE."""
    with connection.cursor() as cursor:
        cursor.execute(TRUNCATE_TRIGGERS)
        for table, trigger in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} {state} TRIGGER {trigger}")


class Cast:
    """Who plays: an owner, a colleague who may only read, a stranger, a sandbox; each with a key's secret.

    The owner and its key are there from the beginning. Each of the others is created when a test
    first names it: few tests need them all.
    """

    @cached_property
    def owner(self) -> Organization:
        return factories.organization("Owner")

    @cached_property
    def owner_key(self) -> str:
        return factories.key(self.owner)

    @cached_property
    def colleague_key(self) -> str:
        return factories.key(self.owner, Scope.NUMBERS_READ, Scope.CREDIT_READ)

    @cached_property
    def stranger(self) -> Organization:
        return factories.organization("Stranger")

    @cached_property
    def stranger_key(self) -> str:
        return factories.key(self.stranger)

    @cached_property
    def sandbox(self) -> Organization:
        return factories.organization("Sandbox", sandbox=True, credit=None)

    @cached_property
    def sandbox_key(self) -> str:
        return factories.key(self.sandbox)


@pytest.fixture
def cast(request: pytest.FixtureRequest, db: None) -> Cast:
    """Where commits are real, threads name them: there everyone is created first."""
    made = Cast()
    assert made.owner_key
    mark = request.node.get_closest_marker("django_db")
    if "transactional_db" in request.fixturenames or (mark and mark.kwargs.get("transaction")):
        create_all(made)
    return made


def create_all(cast: Cast) -> None:
    for part in (name for name in vars(Cast) if not name.startswith("_")):
        getattr(cast, part)


@pytest.fixture
def everyone(cast: Cast) -> Cast:
    """The cast, all there from the beginning: for tests that list or count what there is."""
    create_all(cast)
    return cast


@pytest.fixture
def api(cast: Cast) -> Api:
    """The owner's client; ``api.using(cast.stranger_key)`` is the stranger's."""
    return Api(cast.owner_key)


@pytest.fixture
def operator(db: None) -> User:
    """An administrator of the desk."""
    return User.objects.create_superuser("alice", password="a long password")


@pytest.fixture
def desk(operator: User) -> Client:
    """The operator's browser, signed in."""
    client = Client()
    client.force_login(operator)
    return client


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One for each file of tests: it takes a second to start."""
    if BINARY is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    opened = Browser()
    yield opened
    opened.close()


@pytest.fixture
def visitor(chromium: Browser, live_server: Any) -> Iterator[Browser]:
    """Yield the browser as new, without a session; it must not complain or ask another host."""
    chromium.complaints.clear()
    chromium.hosts.clear()
    chromium.call("Network.clearBrowserCookies")
    chromium.resize(1280, 900)
    chromium.prefer("light")
    yield chromium
    assert chromium.complaints == []
    assert chromium.hosts == {live_server.url.removeprefix("http://")}
