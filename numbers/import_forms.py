"""What a cell of an import may say: each form of a number, a price, a yes, and the reason against any other.

Numbers are right where libphonenumber says so. Those of area codes in service are told by their form,
which is the same (tests/test_import_lines.py) and forty times as fast.
"""

import re
from dataclasses import dataclass

import phonenumbers

from numbers.area_codes import REGIONS, TOLL_FREE
from numbers.e164 import area_code_of, is_e164, type_of
from numbers.models import PhoneNumber

_IN_SERVICE = frozenset(REGIONS) | TOLL_FREE
_NANP_REGIONS = ("US", "CA")
_PUNCTUATION = str.maketrans("", "", " ()-./\u00a0\u2010\u2011\u2013")
_NORTH_AMERICAN = re.compile(r"(\+?1)?([2-9][0-9]{2})([2-9][0-9]{6})", re.ASCII)
_NUMBER_LIKE = re.compile(r"\+?[0-9]{1,40}", re.ASCII)
_SPREADSHEET = re.compile(r"[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+")
_SHORT_CODE = re.compile(r"\+?([1-9][0-9]{2,5})", re.ASCII)
_PRICE = re.compile(r"([0-9]{1,10})(?:[.,]([0-9]{1,2})0*)?", re.ASCII)
_YES = frozenset({"true", "t", "yes", "y", "1", "on", "enabled"})
_NO = frozenset({"false", "f", "no", "n", "0", "off", "disabled"})
_CAPABILITIES = frozenset({"sms", "mms", "voice", "fax", "none"})
LONGEST_TEXT = 64


class BadCell(ValueError):
    """The message is the reason, for the operator who will mend the line."""


@dataclass(frozen=True, slots=True)
class Named:
    """A number in E.164, its type, and the state or province of its area code."""

    number: str
    number_type: str
    place: str


def shown(text: str) -> str:
    """A value as it can be shown to anyone: short, on one line, without control characters."""
    return ascii(text if len(text) <= 40 else text[:37] + "...") if not text.isprintable() else f"'{text[:40]}'"


def read_number(text: str, *, region: str, number_type: str | None = None) -> Named:
    """Raises BadCell for what is no number."""
    if not text:
        raise BadCell("has no number")
    if number_type == PhoneNumber.Type.SHORT_CODE:
        return _short_code(text)
    compact = text.lstrip("'").translate(_PUNCTUATION)
    match = _NORTH_AMERICAN.fullmatch(compact)
    if match and match[2] in _IN_SERVICE and (compact[0] == "+" or region in _NANP_REGIONS):
        number = f"+1{match[2]}{match[3]}"
        kind, place = ("toll_free", "") if match[2] in TOLL_FREE else ("local", REGIONS[match[2]])
    else:
        number, kind = _by_library(text, compact, region)
        place = REGIONS.get(area_code_of(number) or "", "")
    if number_type not in (None, kind) and number.startswith("+1"):
        raise BadCell(f"number type {number_type}: {number} is {kind}")
    return Named(number, number_type or kind, place)


def _short_code(text: str) -> Named:
    match = _SHORT_CODE.fullmatch(text.lstrip("'").strip())
    if not match:
        raise BadCell(f"{shown(text)} is no short code, which has 3 to 6 digits")
    return Named(f"+{match[1]}", PhoneNumber.Type.SHORT_CODE, "")


def _by_library(text: str, compact: str, region: str) -> tuple[str, str]:
    if _SPREADSHEET.fullmatch(text):
        raise BadCell(f"{shown(text)} has lost digits in a spreadsheet: format the column as text")
    if not _NUMBER_LIKE.fullmatch(compact):
        raise BadCell(f"{shown(text)} is no phone number")
    try:
        parsed = phonenumbers.parse(compact, region)
    except phonenumbers.NumberParseException as error:
        raise BadCell(f"{shown(text)} is no phone number: {_why(error)}") from None
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if not phonenumbers.is_valid_number(parsed) or not is_e164(number):
        raise BadCell(f"{shown(text)} is an impossible number: {_impossible(parsed)}")
    if parsed.country_code == 1:
        return number, type_of(number)
    free = phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.TOLL_FREE
    return number, PhoneNumber.Type.TOLL_FREE if free else PhoneNumber.Type.LOCAL


def _why(error: phonenumbers.NumberParseException) -> str:
    if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
        return "there is no such country code"
    return "too long" if error.error_type == phonenumbers.NumberParseException.TOO_LONG else "too short"


def _impossible(parsed: phonenumbers.PhoneNumber) -> str:
    length = phonenumbers.is_possible_number_with_reason(parsed)
    if length == phonenumbers.ValidationResult.TOO_SHORT:
        return "too short (a short code needs the number type short_code)"
    if length == phonenumbers.ValidationResult.TOO_LONG:
        return "too long"
    return f"no such number is in service in country code +{parsed.country_code}"


def read_price(text: str) -> str:
    match = _PRICE.fullmatch(text)
    if not match:
        raise BadCell(f"price {shown(text)} is not an amount in whole cents such as 1.00")
    return f"{int(match[1])}.{(match[2] or '').ljust(2, '0')}"


def read_flag(text: str) -> str:
    """``t`` or ``f``, as PostgreSQL writes them."""
    word = text.lower()
    if word in _YES:
        return "t"
    if word in _NO:
        return "f"
    raise BadCell(f"{shown(text)} is neither yes nor no")


def read_capabilities(text: str) -> tuple[str, str]:
    """SMS and MMS from a list such as ``SMS, MMS, voice``."""
    words = set(re.split(r"[\s,;|/+&]+", text.lower())) - {""}
    if unknown := sorted(words - _CAPABILITIES):
        raise BadCell(f"capability {shown(unknown[0])} is not known: sms, mms, voice, fax or none")
    return "t" if "sms" in words else "f", "t" if "mms" in words else "f"


def read_type(text: str) -> str:
    word = re.sub(r"[\s-]+", "_", text.lower())
    word = {"tollfree": "toll_free", "shortcode": "short_code", "geographic": "local", "longcode": "local"}.get(
        word, word
    )
    if word not in PhoneNumber.Type.values:
        raise BadCell(f"number type {shown(text)} is not one of {', '.join(PhoneNumber.Type.values)}")
    return word


def read_text(text: str) -> str:
    """Free text, as COPY takes it. A formula stays the text that it is: exports keep spreadsheets from
    running it, by an apostrophe that is taken off here."""
    if len(text) > 1 and text[0] == "'" and text[1] in "=+-@":
        text = text[1:]
    if len(text) > LONGEST_TEXT:
        raise BadCell(f"{shown(text)} has {len(text)} characters, {LONGEST_TEXT} at most")
    if not text.isprintable():
        raise BadCell(f"{shown(text)} has control characters")
    return text.replace("\\", "\\\\")
