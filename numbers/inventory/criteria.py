"""Criteria of a buyer, the same in searches and bulk orders."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from numbers.models.phone_numbers import PhoneNumberType
from numbers.numbering.area_codes import TOLL_FREE

PATTERN_LENGTH = 16
# An E.164 number has at most 15 digits and does not begin with 0.
PATTERN = r"\+(?:[1-9][0-9]{0,14})?|[1-9][0-9]{0,14}|0[0-9]{0,13}"
AREA_CODE = r"[2-9][0-9]{2}"
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
            return {
                "number_type": f"numbers in area code {self.area_code} are {possible}: change one of the two"
            }
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
        return all(
            theirs.get(name, value) == value
            for name, value in self.as_json().items()
            if name != "pattern"
        )


def _type_of(area_code: str) -> str:
    return (
        PhoneNumberType.TOLL_FREE.value if area_code in TOLL_FREE else PhoneNumberType.LOCAL.value
    )
