"""Measure the admin at the largest stock: home, lists, one number, and the slowest searches."""

from statistics import median
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command

from numbers.models import PhoneNumber
from tests.benchmarks import load, requests, server
from tests.benchmarks.contestants import DESK, serving
from tests.benchmarks.report import Report
from tests.benchmarks.world import World, leave, use_database

ASKED = 9
LIST = "/admin/numbers/phonenumber/"
# Those that took seconds before each list was planned for what it asks: rare with frequent, short with
# rare, what is nowhere, a beginning, a customer's numbers in an area, and the way there and back.
HARDEST = {
    "rare_type": "?number_type__exact=short_code&state=retired",
    "type_and_short_search": "?number_type__exact=toll_free&q=14",
    "search_of_three": "?q=415",
    "search_from_the_beginning": "?q=%2B1907&o=-1",
    "search_of_what_is_nowhere": "?q=48151623",
    "held": "?state=held&sandbox__exact=0",
    "owner_and_area": "?organization=Bench+7&area_code=888",
    "last_page": "?p=200",
}


def measure_admin(report: Report, world: World) -> None:
    use_database(world.template)
    call_command("refresh_desk")
    cookie = f"Cookie: {settings.SESSION_COOKIE_NAME}={_session().session_key}\r\n"
    number = world.numbers[len(world.numbers) // 2]
    pages = {
        "admin_home_ms": "/admin/",
        "admin_list_ms": LIST,
        "admin_search_ms": f"{LIST}?q={number[5:]}",
        "admin_number_page_ms": f"{LIST}{PhoneNumber.objects.get(number=number).pk}/change/",
        **{f"admin_{name}_ms": LIST + query for name, query in HARDEST.items()},
    }
    leave()
    server.checkpoint()
    slowest = 0.0
    with serving(DESK, world.template) as running:
        for name, path in pages.items():
            lane = [requests.get(path, headers=cookie)] * ASKED
            outcome = load.run(load.Job(running.port, [lane], seconds=60)).require_only(200)
            report.figure(
                name.replace("_ms", "_slowest_ms"), round(max(outcome.latencies) * 1000, 1)
            )
            typical = round(median(outcome.latencies) * 1000, 1)
            slowest = max(slowest, typical)
            if name in ("admin_list_ms", "admin_search_ms", "admin_number_page_ms"):
                report.ratio(name, typical)
            else:
                report.figure(name, typical)
    report.ratio("admin_slowest_page_ms", slowest)


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
