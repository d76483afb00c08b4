"""Phone numbers in the form of ITU-T E.164: `+` and up to 15 digits."""

import re

from numbers.numbering.area_codes import TOLL_FREE

_E164 = re.compile(r"\+[1-9][0-9]{1,14}", re.ASCII)


def is_e164(value: object) -> bool:
    return isinstance(value, str) and _E164.fullmatch(value) is not None


def area_code_of(number: str) -> str | None:
    """Return the area code of a North American number, None for any other."""
    return number[2:5] if number.startswith("+1") and len(number) == 12 else None


def type_of(number: str) -> str:
    """Return the number type by the form of a number, for numbers that are not in stock."""
    if len(number) <= 7:
        return "short_code"
    return "toll_free" if area_code_of(number) in TOLL_FREE else "local"
