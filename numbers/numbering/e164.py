"""Phone numbers in the form of ITU-T E.164: `+` and up to 15 digits."""

import re

_E164 = re.compile(r"\+[1-9][0-9]{1,14}", re.ASCII)
TOLL_FREE_AREA_CODES = ("800", "833", "844", "855", "866", "877", "888")


def is_e164(value: object) -> bool:
    return isinstance(value, str) and _E164.fullmatch(value) is not None


def area_code_of(number: str) -> str | None:
    """Return the area code of a North American number, None for any other."""
    return number[2:5] if number.startswith("+1") and len(number) == 12 else None


def type_of(number: str) -> str:
    """Return the number type by the form of a number, for numbers that are not in stock."""
    if len(number) <= 7:
        return "short_code"
    return "toll_free" if area_code_of(number) in TOLL_FREE_AREA_CODES else "local"


def read_numbers(value: object, details: dict[str, str], *, maximum: int = 100) -> list[str]:
    """Return a list of 1 to `maximum` distinct E.164 strings; put every problem into `details`."""
    if value is None:
        details["numbers"] = f"is required: a list of 1 to {maximum} E.164 numbers such as +14155550123"
        return []
    if not isinstance(value, list) or not 1 <= len(value) <= maximum:
        details["numbers"] = f"must be a list of 1 to {maximum} E.164 numbers such as +14155550123"
        return []
    seen: dict[str, int] = {}
    for position, number in enumerate(value):
        if not is_e164(number):
            details[f"numbers[{position}]"] = "must be an E.164 number such as +14155550123"
        elif number in seen:
            details[f"numbers[{position}]"] = f"repeats numbers[{seen[number]}]: name each number once"
        else:
            seen[number] = position
    return list(seen)
