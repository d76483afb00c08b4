"""Criteria of a buyer, read the same way by searches and by bulk orders."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from numbers.models.phone_numbers import PhoneNumberType
from numbers.numbering.area_codes import TOLL_FREE

FIELDS = frozenset({"area_code", "number_type", "pattern", "sms_enabled", "mms_enabled"})
PATTERN_LENGTH = 16
# An E.164 number has at most 15 digits and does not begin with 0.
PATTERN = r"\+(?:[1-9][0-9]{0,14})?|[1-9][0-9]{0,14}|0[0-9]{0,13}"
AREA_CODE = r"[2-9][0-9]{2}"
_PATTERN_FORM = re.compile(r"\+?[0-9]{1,15}|\+", re.ASCII)
_SHORT_CODE_DIGITS = 6
_SUBSCRIBER = "." * 7


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a buyer looks for; None is any.

    `pattern` is digits in the number, or with `+` its beginning.
    """

    area_code: str | None = None
    number_type: str | None = None
    pattern: str | None = None
    sms_enabled: bool | None = None
    mms_enabled: bool | None = None

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}

    @property
    def contradiction(self) -> dict[str, str]:
        """Return the field that the other criteria rule out, with a sentence, or an empty dict."""
        if self.area_code and self.number_type not in (None, _type_of(self.area_code)):
            possible = _type_of(self.area_code)
            return {"number_type": f"numbers in area code {self.area_code} are {possible}: change one of the two"}
        if self.pattern and not self._may_contain(self.pattern):
            other = f"area_code {self.area_code}" if self.area_code else "a phone number"
            if self.number_type == PhoneNumberType.SHORT_CODE:
                other = "a short code"
            return {"pattern": f"can't occur in {other}: change one of them"}
        return {}

    def _may_contain(self, pattern: str) -> bool:
        """Return whether a number of this area code and type can contain the pattern."""
        if not re.fullmatch(PATTERN, pattern, re.ASCII):
            return False
        digits = pattern.removeprefix("+")
        if self.number_type == PhoneNumberType.SHORT_CODE:
            return len(digits) <= _SHORT_CODE_DIGITS
        if not self.area_code:
            return True
        number = f"1{self.area_code}{_SUBSCRIBER}"
        last = 0 if pattern.startswith("+") else len(number) - len(digits)
        return len(digits) <= len(number) and any(
            all(known in (".", digit) for known, digit in zip(number[start:], digits, strict=False))
            for start in range(last + 1)
        )

    def may_overlap(self, other: "Criteria") -> bool:
        """Return whether a number could match both criteria. Patterns are not compared."""
        theirs = other.as_json()
        return all(theirs.get(name, value) == value for name, value in self.as_json().items() if name != "pattern")


def read_criteria(body: dict[str, Any], details: dict[str, str]) -> Criteria:
    """Return the criteria of a request; absent and null are any. Put problems into ``details``."""
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


def _type_of(area_code: str) -> str:
    return PhoneNumberType.TOLL_FREE.value if area_code in TOLL_FREE else PhoneNumberType.LOCAL.value


def _read_area_code(value: object, details: dict[str, str]) -> str | None:
    if value is None:
        return None
    if not (isinstance(value, str) and re.fullmatch(r"[0-9]{3}", value, re.ASCII)):
        details["area_code"] = 'must be a string of 3 digits such as "415"'
    elif not re.fullmatch(AREA_CODE, value, re.ASCII):
        details["area_code"] = 'must begin with 2 to 9, as every area code does, such as "415"'
    else:
        return value
    return None


def read_number_type(value: object, details: dict[str, str]) -> str | None:
    if value is not None and value not in PhoneNumberType.values:
        details["number_type"] = f"must be one of {', '.join(PhoneNumberType.values)}"
        return None
    return str(value) if value is not None else None


def _read_pattern(value: object, details: dict[str, str]) -> str | None:
    if value is None:
        return None
    if not (isinstance(value, str) and _PATTERN_FORM.fullmatch(value)):
        details["pattern"] = 'must be a string of 1 to 15 digits such as "5550", with a + before the first of a number'
    elif not re.fullmatch(PATTERN, value, re.ASCII):
        details["pattern"] = "can't occur in a phone number: none begins with 0"
    else:
        return value
    return None


def _read_boolean(value: object, field: str, details: dict[str, str]) -> bool | None:
    if value is not None and not isinstance(value, bool):
        details[field] = "must be true or false"
        return None
    return value
