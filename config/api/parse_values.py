"""Readers of values that several requests have: ids, times, lines of text."""

import re
from datetime import UTC, datetime
from uuid import UUID

UUID_EXPECTED = "must be a UUID such as b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"
TIME_EXPECTED = "must be a time in ISO 8601 with its offset, such as 2027-01-31T12:00:00Z"

# The usual form of 36 characters; Python's UUID() takes a dozen others, and digits of any script.
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
# Format characters, such as the joiners in emoji and Persian words, are text; lone surrogates can't
# be encoded, so the database would refuse them.
_NOT_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# RFC 3339, section 5.6: T and Z have no case, and a fraction has any length (.NET writes seven
# digits, Go nine). Seconds may be absent, as ISO 8601 has it.
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?)"
    r"(?:(?<=:..:..)(\.[0-9]{1,18}))?"
    r"(Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])",
    re.ASCII,
)
_MICROSECONDS = len(".123456")


def is_text(value: object, *, longest: int) -> bool:
    """Return whether the value is a string of one line that the database can store and find."""
    return isinstance(value, str) and len(value) <= longest and not _NOT_TEXT.search(value)


def parse_uuid(value: object) -> UUID | None:
    """Return the UUID, or None if the value is not one in its usual form."""
    return UUID(value) if isinstance(value, str) and _UUID.fullmatch(value) else None


def parse_time(value: object) -> datetime | None:
    """Return the time in UTC, or None if the value is not a time with its offset.

    What a fraction has beyond microseconds is cut off.
    """
    match = _TIME.fullmatch(value.upper()) if isinstance(value, str) and value.isascii() else None
    if match is None:
        return None
    moment, fraction, offset = match.groups()
    try:
        text = moment + (fraction or "")[:_MICROSECONDS] + offset.replace("Z", "+00:00")
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return (
            None  # in the form of a time, and none: the 31st of June, or a year that Python lacks
        )
