"""A time in whole seconds means its second."""

from datetime import UTC, datetime

from config.moments import last_moment_of

NOON = datetime(2026, 4, 26, 12, tzinfo=UTC)


def test_whole_second_ends_before_the_next():
    assert last_moment_of(NOON) == NOON.replace(microsecond=999_999)


def test_time_with_a_fraction_is_itself():
    exact = NOON.replace(microsecond=1)
    assert last_moment_of(exact) == exact
