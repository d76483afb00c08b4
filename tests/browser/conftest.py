"""An operator who counts clicks, and a worker for jobs."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from numbers.worker import jobs
from numbers.worker.lane import Lane
from tests.support.admin_client import PASSWORD, sign_in
from tests.support.browser import Browser
from tests.support.clicks import Operator
from tests.support.concurrency import PATIENCE


@pytest.fixture
def page(visitor: Browser, live_server: Any) -> Browser:
    """The browser, signed in as alice."""
    User.objects.create_superuser("alice", password=PASSWORD)
    sign_in(visitor, live_server.url, "alice")
    return visitor


@pytest.fixture
def alice(visitor: Browser, live_server: Any) -> Iterator[Operator]:
    """Yield an administrator at the home page; the test's task may take six clicks from there."""
    User.objects.create_superuser("alice", password=PASSWORD)
    sign_in(visitor, live_server.url, "alice")
    operator = Operator(visitor, live_server.url)
    operator.home()
    yield operator
    operator.finish()


@pytest.fixture
def jobs_worker(db: None) -> Iterator[None]:
    """Run jobs in a thread, as a worker process does."""
    stop = threading.Event()

    def look() -> None:
        jobs.run_all()

    lane = Lane("jobs", look, stop=stop, poll=0.05)
    lane.start()
    yield
    stop.set()
    lane.join(PATIENCE)
