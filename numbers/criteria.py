"""What a buyer looks for. Searches and orders by quantity read the same criteria the same way."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from numbers.models.inventory import PhoneNumberType

FIELDS = frozenset({"area_code", "number_type", "pattern", "sms_enabled", "mms_enabled"})
PATTERN_LENGTH = 16
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Criteria:
    """None is "any". ``pattern`` is literal text within the E.164 number."""

    area_code: str | None = None
    number_type: str | None = None
    pattern: str | None = None
    sms_enabled: bool | None = None
    mms_enabled: bool | None = None

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}

    def may_overlap(self, other: "Criteria") -> bool:
        """Whether a number could match both; of patterns that is not worth finding out."""
        theirs = other.as_json()
        return all(theirs.get(name, value) == value for name, value in self.as_json().items() if name != "pattern")


def read_criteria(body: dict[str, Any], details: dict[str, str]) -> Criteria:
    """The criteria of a request; absent and null are any. Problems go into ``details``."""
    return Criteria(
        area_code=_read_area_code(body.get("area_code"), details),
        number_type=read_number_type(body.get("number_type"), details),
        pattern=_read_pattern(body.get("pattern"), details),
        sms_enabled=_read_boolean(body.get("sms_enabled"), "sms_enabled", details),
        mms_enabled=_read_boolean(body.get("mms_enabled"), "mms_enabled", details),
    )


def read_quantity(value: object, details: dict[str, str], *, maximum: int, default: int | None = None) -> int:
    if value is None and default is not None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= maximum:
        details["quantity"] = f"must be a whole number from 1 to {maximum}"
        return 1
    return value


def _read_area_code(value: object, details: dict[str, str]) -> str | None:
    if value is not None and not (isinstance(value, str) and re.fullmatch(r"[0-9]{3}", value, re.ASCII)):
        details["area_code"] = 'must be a string of 3 digits such as "415"'
        return None
    return value


def read_number_type(value: object, details: dict[str, str]) -> str | None:
    if value is not None and value not in PhoneNumberType.values:
        details["number_type"] = f"must be one of {', '.join(PhoneNumberType.values)}"
        return None
    return str(value) if value is not None else None


def _read_pattern(value: object, details: dict[str, str]) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 1 <= len(value) <= PATTERN_LENGTH or _CONTROL.search(value):
        details["pattern"] = f'must be a string of 1 to {PATTERN_LENGTH} characters, found in the number such as "5550"'
        return None
    return value


def _read_boolean(value: object, field: str, details: dict[str, str]) -> bool | None:
    if value is not None and not isinstance(value, bool):
        details[field] = "must be true or false"
        return None
    return value
