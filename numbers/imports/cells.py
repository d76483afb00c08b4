"""Read the cells of an import other than the number: prices, flags, types, regions and text."""

import re
from decimal import Decimal

from numbers.inventory.pricing import LARGEST_PRICE
from numbers.models import PhoneNumber
from numbers.models.fields import read_line
from numbers.numbering.phone_numbers import shown
from numbers.numbering.regions import read_region

_PRICE = re.compile(r"([0-9]{1,12})(?:[.,]([0-9]{1,2})0*)?", re.ASCII)
# One separator before three digits: 2,500 is two and a half, or two thousand five hundred.
_AMBIGUOUS_PRICE = re.compile(r"(?!0+[.,])[0-9]{1,12}[.,][0-9]{3}", re.ASCII)
_YES = frozenset({"true", "t", "yes", "y", "1", "on", "enabled"})
_NO = frozenset({"false", "f", "no", "n", "0", "off", "disabled"})
_CAPABILITIES = frozenset({"sms", "mms", "voice", "fax", "none"})


class BadCell(ValueError):
    """A cell or line is refused. The message is the reason, for the operator who fixes the line."""


def read_price(text: str, *, name: str = "price") -> str:
    """Return the amount as COPY takes it. Raise BadCell if it is not one, or ambiguous."""
    if _AMBIGUOUS_PRICE.fullmatch(text):
        whole, cents = re.split("[.,]", text)
        raise BadCell(
            f"{name} {shown(text)} is not an amount in whole cents such as 1.00: "
            f"write {whole}{cents}.00 or {whole}.{cents[:2]}, whichever is meant"
        )
    match = _PRICE.fullmatch(text)
    if not match:
        raise BadCell(f"{name} {shown(text)} is not an amount in whole cents such as 1.00")
    price = f"{int(match[1])}.{(match[2] or '').ljust(2, '0')}"
    if Decimal(price) > LARGEST_PRICE:
        raise BadCell(f"{name} {shown(text)} is more than {LARGEST_PRICE}")
    return price


def read_monthly_price(text: str) -> str:
    """Return a monthly price like ``read_price``."""
    return read_price(text, name="monthly price")


def read_flag(text: str) -> str:
    """Return `t` or `f`, as PostgreSQL writes them. Raise BadCell for anything but yes or no."""
    word = text.lower()
    if word in _YES:
        return "t"
    if word in _NO:
        return "f"
    raise BadCell(f"{shown(text)} is neither yes nor no")


def read_capabilities(text: str) -> tuple[str, str]:
    """Return flags for SMS and MMS from a list such as `SMS, MMS, voice`."""
    words = set(re.split(r"[\s,;|/+&]+", text.lower())) - {""}
    if unknown := sorted(words - _CAPABILITIES):
        raise BadCell(f"capability {shown(unknown[0])} is not known: sms, mms, voice, fax or none")
    return "t" if "sms" in words else "f", "t" if "mms" in words else "f"


def read_type(text: str) -> str:
    word = re.sub(r"[\s-]+", "_", text.lower())
    word = {
        "tollfree": "toll_free",
        "shortcode": "short_code",
        "geographic": "local",
        "longcode": "local",
    }.get(word, word)
    if word not in PhoneNumber.Type.values:
        raise BadCell(
            f"number type {shown(text)} is not one of {', '.join(PhoneNumber.Type.values)}"
        )
    return word


def read_text(text: str) -> str:
    """Return free text as COPY takes it. Raise BadCell if it has control characters.

    A formula is kept as text; exports make sure that spreadsheets do not run it.
    """
    try:
        return read_line(text).replace("\\", "\\\\")
    except ValueError as problem:
        raise BadCell(f"{shown(text)} {problem}") from None


def read_place(text: str, *, number: str, place: str) -> str:
    """Return a region in its canonical form, as COPY takes it."""
    read_text(text)
    try:
        return read_text(read_region(text, number=number, place=place))
    except ValueError as problem:
        raise BadCell(f"region {shown(text)} {problem}") from None
