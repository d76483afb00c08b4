"""What the body of a request for a key says. Problems go into ``details``, to be told all at once."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from config.api.fields import TIME_EXPECTED, is_text, parse_time

LABEL_LENGTH = 64
# No list of scopes is longer that is meant well; whatever is repeated in it would be told of.
SCOPES_MOST = 100
DAYS_MOST = 3_650


def read_label(value: object, details: dict[str, str]) -> str:
    if isinstance(value, str) and value.strip() and is_text(value, longest=LABEL_LENGTH):
        return value
    problem = f"must be a string of 1 to {LABEL_LENGTH} characters, not only blanks, without control characters"
    details["label"] = "is required: what the key is for, as lists show it" if value is None else problem
    return ""


def read_scopes(value: object, details: dict[str, str]) -> list[str]:
    """A list of strings; whether they are scopes is the rule of apikeys.lifecycle."""
    if value is None:
        details["scopes"] = "is required: a list of what the key may do"
        return []
    if not isinstance(value, list) or len(value) > SCOPES_MOST:
        details["scopes"] = 'must be a list of scopes such as ["numbers:read"]'
        return []
    for position, scope in enumerate(value):
        if not isinstance(scope, str):
            details[f"scopes[{position}]"] = "must be a string such as numbers:read"
    return value


def read_expiry(body: dict[str, Any], details: dict[str, str]) -> datetime | None:
    """When the key stops: ``expires_at`` or ``expires_in_days``; never, where neither is given."""
    at, days = body.get("expires_at"), body.get("expires_in_days")
    if at is not None and days is not None:
        details["expires_in_days"] = "can't be given beside expires_at: give one of the two"
    elif at is not None:
        return _read_moment(at, details)
    elif days is not None:
        return _read_days(days, details)
    return None


def _read_moment(value: object, details: dict[str, str]) -> datetime | None:
    now, moment = timezone.now(), parse_time(value)
    if moment is None:
        details["expires_at"] = TIME_EXPECTED
    elif not now < moment <= now + timedelta(days=DAYS_MOST):
        details["expires_at"] = f"must be in the future, at most {DAYS_MOST:,} days ahead"
    else:
        return moment
    return None


def _read_days(value: object, details: dict[str, str]) -> datetime | None:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= DAYS_MOST:
        return timezone.now() + timedelta(days=value)
    details["expires_in_days"] = f"must be a whole number from 1 to {DAYS_MOST:,}"
    return None
