"""Validate phone numbers, and read the forms in which people write them.

`judge_number` is the one check for every way into the stock. `read_number` also accepts national
and punctuated forms; it never changes a digit, and refuses ambiguous forms.

A number is valid if libphonenumber says so. North American numbers of an area code in service are
recognized by their form, which gives the same result (test_phone_numbers) forty times as fast.
"""

import re
from dataclasses import dataclass

import phonenumbers

from numbers.numbering.area_codes import REGIONS, TOLL_FREE
from numbers.numbering.e164 import is_e164

SHORT_CODE = "short_code"
# Numbers that force an outcome in the sandbox (numbers.orders.sandbox).
SANDBOX_PREFIX = "+1500555"

_IN_SERVICE = frozenset(REGIONS) | TOLL_FREE
_NANP_REGIONS = ("US", "CA")
_E164_NANP = re.compile(r"\+1([2-9][0-9]{2})[2-9][0-9]{6}", re.ASCII)
_NANP = re.compile(r"(?:\+?1)?([2-9][0-9]{2})([2-9][0-9]{6})", re.ASCII)
_PUNCTUATION = str.maketrans("", "", " ()-./\u00a0\u202f\u2010\u2011\u2013")
_DIGITS = re.compile(r"\+?[0-9]{1,40}", re.ASCII)
_EXPONENT = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+", re.ASCII)
# Written by a spreadsheet or a data frame with a numeric column: 14155550123.0
_WHOLE = re.compile(r"(\+?[0-9]{3,15})\.0", re.ASCII)
_DECIMAL = re.compile(r"\+?[0-9]{6,}\.[0-9]{1,2}", re.ASCII)
_SECOND_NUMBER = re.compile(r"/[^/0-9]*([0-9][^/0-9]*){0,4}$", re.ASCII)
_SHORT_CODE = re.compile(r"\+?([1-9][0-9]{2,5})", re.ASCII)


class NotANumber(ValueError):
    """The text is not a valid number. The message is the reason, for the operator who fixes it."""


@dataclass(frozen=True, slots=True)
class Named:
    """A number in E.164, its type, and the state or province of its area code."""

    number: str
    number_type: str
    place: str


def judge_number(text: str, *, number_type: str | None = None) -> Named:
    """Return the number with its type and place. Raise NotANumber if it cannot exist."""
    if not is_e164(text):
        raise NotANumber(f"{shown(text)} is not an E.164 number such as +14155550123")
    return read_number(text, region="US", number_type=number_type)


def read_number(text: str, *, region: str, number_type: str | None = None) -> Named:
    """Return the number that this text means. `region` is the country of national forms.

    Raise NotANumber if it cannot exist, or if the text is ambiguous.
    """
    if number_type == SHORT_CODE:
        return _short_code(text)
    match = _E164_NANP.fullmatch(text)
    if match and match[1] in _IN_SERVICE:
        number, area_code = text, match[1]
    else:
        compact = _compact(text)
        match = _NANP.fullmatch(compact)
        if (
            not match
            or match[1] not in _IN_SERVICE
            or not (compact[0] == "+" or region in _NANP_REGIONS)
        ):
            return _by_library(text, compact, region, number_type)
        number, area_code = f"+1{match[1]}{match[2]}", match[1]
    kind, place = ("toll_free", "") if area_code in TOLL_FREE else ("local", REGIONS[area_code])
    if number_type not in (None, kind):
        raise NotANumber(f"number type {number_type}: {number} is {kind}")
    return Named(number, kind, place)


def shown(text: str) -> str:
    """Return a value for a message: short, on one line, without control characters."""
    if text.isprintable():
        return f"'{text[:40]}'"
    return ascii(text if len(text) <= 40 else text[:37] + "...")


def _short_code(text: str) -> Named:
    text = _without_fraction(text.removeprefix("'").strip())
    match = _SHORT_CODE.fullmatch(text)
    if not match:
        raise NotANumber(f"{shown(text)} is not a short code, which has 3 to 6 digits")
    return Named(f"+{match[1]}", SHORT_CODE, "")


def _without_fraction(text: str) -> str:
    match = _WHOLE.fullmatch(text)
    return match[1] if match else text


def _compact(text: str) -> str:
    """Return the text without punctuation.

    Raise NotANumber if the punctuation may have a meaning.
    """
    if not text:
        raise NotANumber("has no number")
    plain = _without_fraction(text.lstrip("'").strip(" \u00a0\u202f"))
    compact = plain.translate(_PUNCTUATION)
    if compact == plain:
        return compact
    if _DECIMAL.fullmatch(plain):
        raise NotANumber(f"{shown(text)} has a decimal point: format the column as text")
    if plain[0] not in "+(0123456789" or plain[-1] not in "0123456789":
        raise NotANumber(f"{shown(text)} is not a phone number: it begins or ends with punctuation")
    if "/" in plain and _SECOND_NUMBER.search(plain):
        raise NotANumber(f"{shown(text)} names more than one number: give each a line of its own")
    return compact


def _by_library(text: str, compact: str, region: str, number_type: str | None) -> Named:
    if _EXPONENT.fullmatch(text.strip()):
        raise NotANumber(
            f"{shown(text)} has lost digits in a spreadsheet: format the column as text"
        )
    if not _DIGITS.fullmatch(compact):
        raise NotANumber(f"{shown(text)} is not a phone number")
    try:
        parsed = phonenumbers.parse(compact, region)
    except phonenumbers.NumberParseException as error:
        raise NotANumber(f"{shown(text)} is not a phone number: {_why(error)}") from None
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if number.startswith(SANDBOX_PREFIX):
        raise NotANumber(f"{number} stands for an outcome in the sandbox: no stock has it")
    if not phonenumbers.is_valid_number(parsed) or not is_e164(number):
        raise NotANumber(f"{shown(text)} is an impossible number: {_impossible(parsed)}")
    if compact[0] == "+" and compact != number and not _trunk_zero(text):
        raise NotANumber(
            f"{shown(text)} has digits that do not belong there: did you mean {number}?"
        )
    free = phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.TOLL_FREE
    kind = "toll_free" if free else "local"
    if parsed.country_code == 1 and number_type not in (None, kind):
        raise NotANumber(f"number type {number_type}: {number} is {kind}")
    return Named(number, number_type or kind, "")


def _trunk_zero(text: str) -> bool:
    """Return whether the text has a national trunk zero in parentheses, as in +44 (0)20."""
    return "(0)" in text


def _why(error: phonenumbers.NumberParseException) -> str:
    if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
        return "there is no such country code"
    return (
        "too long"
        if error.error_type == phonenumbers.NumberParseException.TOO_LONG
        else "too short"
    )


def _impossible(parsed: phonenumbers.PhoneNumber) -> str:
    length = phonenumbers.is_possible_number_with_reason(parsed)
    if length == phonenumbers.ValidationResult.TOO_SHORT:
        return "too short (a short code needs the number type short_code)"
    if length == phonenumbers.ValidationResult.TOO_LONG:
        return "too long"
    return f"no such number is in service in country code +{parsed.country_code}"
