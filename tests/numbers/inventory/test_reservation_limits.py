"""Limits of holds: repeats shorten none, empty reservations end, and held time is bounded."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from numbers.inventory import hold_limits
from numbers.models import NumberEvent
from tests.support import factories
from tests.support.api_client import error_of
from tests.support.phone_numbers import RESERVATIONS
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db


def earlier(seconds: int) -> None:
    let_pass(timedelta(seconds=seconds))


def ask(api, *numbers: str, ttl: int = 600):
    return api.post(RESERVATIONS, {"numbers": list(numbers), "ttl_seconds": ttl})


def read(api, reservation):
    return api.get(f"{RESERVATIONS}/{reservation['id']}").json()["data"]


def test_shorter_hold_by_the_same_organization_shortens_nothing(api, cast):
    (number,) = factories.stock(*factories.line(0))
    first = ask(api, number, ttl=1800).json()["data"]
    second = ask(api, number, ttl=60).json()["data"]
    assert second["expires_at"] == first["expires_at"]
    assert (read(api, first)["status"], read(api, first)["held_numbers"]) == ("used", [])
    assert (read(api, second)["status"], read(api, second)["held_numbers"]) == ("active", [number])
    earlier(120)
    assert api.using(cast.stranger_key).order([number]).status_code == 409
    assert read(api, second)["held_numbers"] == [number]


def test_longer_hold_by_the_same_organization_lasts_longer(api):
    one, other = factories.stock(*factories.line(0, 2))
    first = ask(api, one, other, ttl=60).json()["data"]
    second = ask(api, one, ttl=1800).json()["data"]
    assert second["expires_at"] > first["expires_at"]
    assert (read(api, first)["status"], read(api, first)["held_numbers"]) == ("active", [other])


def test_no_reservation_is_active_without_a_number(api):
    one, other = factories.stock(*factories.line(0, 2))
    made = ask(api, one, other).json()["data"]
    api.order([one])
    assert read(api, made)["status"] == "active"
    api.order([other])
    assert read(api, made)["status"] == "used"
    assert [item["status"] for item in api.get(RESERVATIONS).json()["data"]] == ["used"]


def test_number_is_held_for_an_hour_a_day_at_most(api, cast):
    one, other = factories.stock(*factories.line(0, 2))
    for _ in range(2):
        assert ask(api, one, ttl=1800).status_code == 201
        earlier(1800)
    answer = ask(api, one, other, ttl=60)
    error = error_of(answer, 409, "LIMIT_EXCEEDED")
    assert "3,600 seconds in any 24 hours" in error["message"]
    assert answer.json()["data"] == {"numbers": [one]}
    assert answer["x-should-retry"] == "false"
    assert ask(api, other, ttl=1800).status_code == 201
    assert ask(api.using(cast.stranger_key), one, ttl=1800).status_code == 201
    assert api.using(cast.stranger_key).order([one]).status_code == 200


def test_hold_time_is_available_again_after_a_day(api):
    (number,) = factories.stock(*factories.line(0))
    for _ in range(2):
        assert ask(api, number, ttl=1800).status_code == 201
        earlier(1800)
    earlier(24 * 3600 - 3700)
    assert ask(api, number, ttl=60).status_code == 409
    earlier(3700)
    assert ask(api, number, ttl=1800).status_code == 201


def test_hold_that_is_released_at_once_counts_a_minute(api, settings):
    settings.HOLD_SECONDS_PER_DAY = 240
    (number,) = factories.stock(*factories.line(0))
    for _ in range(3):
        made = ask(api, number, ttl=60).json()["data"]
        assert api.request("DELETE", f"{RESERVATIONS}/{made['id']}").status_code == 200
    assert ask(api, number, ttl=61).status_code == 409
    assert ask(api, number, ttl=60).status_code == 201
    assert ask(api, number, ttl=60).status_code == 409


def test_numbers_put_on_hold_in_a_minute_are_limited(api, settings):
    settings.HELD_NUMBERS_PER_MINUTE = 3
    numbers = factories.stock(*factories.line(0, 4))
    with connection.cursor() as cursor:  # the clock's minute may end in between
        cursor.execute(
            "INSERT INTO apikeys_ratewindow (organization_id, bucket, window_start, used) SELECT "
            "organization_id, 'holds', date_trunc('minute', now()) + interval '1 minute', 0 FROM "
            "apikeys_apikey WHERE prefix = %s",
            [api.secret[:12]],
        )
    assert ask(api, *numbers[:2]).status_code == 201
    before = NumberEvent.objects.count()
    answer = ask(api, *numbers[2:])
    assert "3 numbers put on hold a minute" in error_of(answer, 429, "RATE_LIMITED")["message"]
    assert int(answer["Retry-After"]) >= 1
    assert NumberEvent.objects.count() == before
    assert ask(api, numbers[2]).status_code == 201


def test_history_of_the_hold_limit_is_read_by_an_index(api):
    parameters = {
        "ids": [1, 2],
        "organization_id": uuid4(),
        "at": timezone.now(),
        "since": timezone.now(),
    }
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + hold_limits.HELD_SECONDS, parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "number_event_of_number" in plan
