"""The operators' pages at the largest stock: a list, a search in it, and one number."""

from statistics import median
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.backends.db import SessionStore

from numbers.models import PhoneNumber
from tests.benchmarks import load, requests, server
from tests.benchmarks.contestants import DESK, serving
from tests.benchmarks.report import Report
from tests.benchmarks.world import World, leave, use_database

ASKED = 9
LIST = "/admin/numbers/phonenumber/"


def measure_admin(report: Report, world: World) -> None:
    use_database(world.template)
    cookie = f"Cookie: {settings.SESSION_COOKIE_NAME}={_session().session_key}\r\n"
    number = world.numbers[len(world.numbers) // 2]
    pages = {
        "admin_list_ms": LIST,
        "admin_search_ms": f"{LIST}?q={number[5:]}",
        "admin_number_page_ms": f"{LIST}{PhoneNumber.objects.get(number=number).pk}/change/",
    }
    leave()
    server.checkpoint()
    with serving(DESK, world.template) as running:
        for name, path in pages.items():
            lane = [requests.get(path, headers=cookie)] * ASKED
            outcome = load.run(load.Job(running.port, [lane], seconds=60)).require_only(200)
            report.figure(name.replace("_ms", "_slowest_ms"), round(max(outcome.latencies) * 1000, 1))
            report.ratio(name, round(median(outcome.latencies) * 1000, 1))


def _session() -> SessionStore:
    """What signing in leaves behind, without the half second that a password's hash takes."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    users: Any = get_user_model().objects
    user: AbstractUser = users.filter(username="bench").first() or users.create_superuser("bench")
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session
