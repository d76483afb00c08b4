"""Where months begin: for each day of four years, whatever the time zone of the session."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

FIRST = datetime(2023, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
DAYS = 4 * 365 + 2  # with the leap years 2024 and 2028
MONTHS = 50


def expected(anchor: datetime, period: int) -> datetime:
    """The same day of the month so many months later, or the month's last day."""
    month = anchor.year * 12 + anchor.month - 1 + period
    year, month = divmod(month, 12)
    day = min(anchor.day, monthrange(year, month + 1)[1])
    return anchor.replace(year=year, month=month + 1, day=day)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati"])
def test_each_month_begins_on_the_day_of_the_sale(zone):
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('TimeZone', %s, true)", [zone])
        cursor.execute(
            """
            SELECT anchor AT TIME ZONE 'UTC', period,
                   numberdesk_period_start(anchor, period) AT TIME ZONE 'UTC'
            FROM generate_series(0, %s) AS day
            CROSS JOIN LATERAL (SELECT %s::timestamptz + day * interval '24 hours') AS a (anchor)
            CROSS JOIN generate_series(0, %s) AS period
            """,
            [DAYS, FIRST, MONTHS],
        )
        found = cursor.fetchall()
    assert len(found) == (DAYS + 1) * (MONTHS + 1)
    wrong = [row for row in found if row[2] != expected(row[0], row[1])]
    assert wrong == []


def test_end_of_a_month_comes_back_after_a_short_one():
    begin = datetime(2024, 1, 31, 12, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT numberdesk_period_start(%s, period) FROM generate_series(0, 4) AS period",
            [begin],
        )
        days = [(start.month, start.day) for (start,) in cursor.fetchall()]
    assert days == [(1, 31), (2, 29), (3, 31), (4, 30), (5, 31)]


def test_no_month_is_longer_than_a_month():
    longest = max(
        expected(FIRST + timedelta(days=day), 1) - (FIRST + timedelta(days=day))
        for day in range(DAYS)
    )
    assert longest == timedelta(days=31)
