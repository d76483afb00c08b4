"""Search numbers by any part of them, as a filter that an index answers at ten million."""

import re

from django.db.models import Q, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan
from django.http import HttpRequest

from numbers.models.phone_numbers import FIVE_ALIKE

ON_THE_SHELF = Q(status__in=["available", "quarantined"])
SOLD = Q(status__in=["assigned", "retired"])
_SHORTEST_INDEXED = 3  # digits of a trigram


def is_about_sold(request: HttpRequest) -> bool | None:
    """Return True if the other filters allow sold numbers only, False if unsold only, else None."""
    state = request.GET.get("state") or request.GET.get("status__exact")
    of_owner = any(request.GET.get(name) for name in ("organization", "label", "campaign"))
    if of_owner or state in ("assigned", "retired"):
        return True
    return False if state in ("available", "held", "quarantined") else None


def containing(typed: str, *, sold: bool | None) -> Q | None:
    """Return a filter for numbers with these digits, or None if nothing was typed.

    A leading plus matches the beginning of the number.
    """
    digits = "".join(
        character for character in typed if character.isdecimal() and character.isascii()
    )
    if typed.strip().startswith("+"):
        return Q(number__gte=f"+{digits}", number__lt=f"+{digits}:")
    if not digits:
        return Q(pk__in=[]) if typed else None
    if len(digits) < _SHORTEST_INDEXED:
        # Too short to select anything: PostgreSQL would read the whole index on trigrams.
        return Q(GreaterThan(StrIndex("number", Value(digits)), 0))
    if re.search(FIVE_ALIKE, digits):
        # 99999999 has one trigram, 999, which is everywhere. These numbers have an index of their
        # own.
        return Q(number__regex=FIVE_ALIKE, number__contains=digits)
    # Sold and unsold numbers have an index each, so that a sale does not write to the other.
    halves = {
        True: SOLD & Q(number__contains=digits),
        False: ON_THE_SHELF & Q(number__contains=digits),
    }
    return halves[sold] if sold is not None else halves[False] | halves[True]
