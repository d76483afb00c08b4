"""The accepted forms of ids, times and lines of text in requests."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.api.parse_values import is_text, parse_time, parse_uuid
from config.http.content_type import parse_content_type

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
FULL_WIDTH = {ord("0") + digit: 0xFF10 + digit for digit in range(10)}


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2027-01-01T00:00:00.1234567Z", 123_456),  # .NET
        ("2027-01-01T00:00:00.123456789Z", 123_456),  # Go
        ("2027-01-01T00:00:00.5Z", 500_000),
        ("2027-01-01T00:00:00.000000000000000001Z", 0),
        ("2027-01-01t00:00:00z", 0),  # RFC 3339: both have no case
        ("2026-12-31T19:00:00.25-05:00", 250_000),
        ("2027-01-01T00:00:00-00:00", 0),
        ("2027-01-01T00:00Z", 0),
    ],
)
def test_time_is_read_in_every_form_of_rfc_3339(text, microsecond):
    assert parse_time(text) == NEW_YEAR.replace(microsecond=microsecond)


@pytest.mark.parametrize(
    "text",
    [
        "2027-01-01T00:00:00",
        "2027-01-01",
        "2027-01-01 00:00:00Z",
        "2027-01-01T00:00.5Z",
        "2027-01-01T00:00:00.Z",
        "2027-01-01T00:00:00,5Z",
        f"2027-01-01T00:00:00.{'1' * 19}Z",
        "2027-01-01T24:00:00Z",
        "2027-01-01T00:00:60Z",
        "2027-02-29T00:00:00Z",
        "2027-01-01T00:00:00+24:00",
        "2027-01-01T00:00:00+05:60",
        "2027-01-01T00:00:00+0530",
        "0001-01-01T00:00:00+14:00",
        "2027-01-01T00:00:00Z\n",
        "2027-01-01T00:00:00Z".translate(FULL_WIDTH),
        1_798_761_600,
        None,
    ],
)
def test_time_is_none_when_it_is_in_no_such_form(text):
    assert parse_time(text) is None


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda moment: moment.year >= 1000))
def test_time_is_read_back_as_it_was_written(moment):
    assert parse_time(moment.isoformat()) == moment


def test_uuid_has_ascii_digits_only():
    form = "00000000-0000-7000-8000-000000000000"
    assert str(parse_uuid(form)) == form
    for other in (
        form.translate(FULL_WIDTH),
        form.replace("-", ""),
        f"{{{form}}}",
        f"urn:uuid:{form}",
        f"{form}\n",
    ):
        assert parse_uuid(other) is None


@pytest.mark.parametrize(
    "text", ["a\u200cb", "👩\u200d💻", "a\u00a0b", "\ufeff", "\u202e", "x" * 64]
)
def test_text_takes_format_characters(text):
    assert is_text(text, longest=64)


@pytest.mark.parametrize(
    "text", ["\x00", "a\nb", "\x7f", "\x85", "\ud800", "x" * 65, 1, None, ["x"]]
)
def test_text_refuses_what_can_not_be_stored(text):
    assert not is_text(text, longest=64)


@pytest.mark.parametrize(
    "hostile",
    ["a/b" + "; " * 60_000, "a/b;x=" + '"\\' * 60_000, "a/b" + " " * 60_000, "a" * 60_000],
)
def test_content_type_is_read_in_one_pass(hostile):
    parse_content_type(hostile)  # anything worse than linear would not end
