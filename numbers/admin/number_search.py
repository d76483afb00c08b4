"""Any part of a number, typed into the desk's search, as a filter that finds it at once among ten million."""

import re

from django.db.models import Q, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan
from django.http import HttpRequest

from numbers.models.inventory import FIVE_ALIKE

ON_THE_SHELF = Q(status__in=["available", "quarantined"])
SOLD = Q(status__in=["assigned", "retired"])
_SHORTEST_INDEXED = 3  # digits of a trigram


def is_about_sold(request: HttpRequest) -> bool | None:
    """Whether the other filters leave only what is sold, or only what is on the shelf; None where both."""
    state = request.GET.get("state") or request.GET.get("status__exact")
    if request.GET.get("organization") or state in ("assigned", "retired"):
        return True
    return False if state in ("available", "held", "quarantined") else None


def containing(typed: str, *, sold: bool | None) -> Q | None:
    """Numbers with these digits in them; None where nothing was typed. A plus stands for the beginning."""
    digits = "".join(character for character in typed if character.isdecimal() and character.isascii())
    if typed.strip().startswith("+"):
        return Q(number__gte=f"+{digits}", number__lt=f"+{digits}:")
    if not digits:
        return Q(pk__in=[]) if typed else None
    if len(digits) < _SHORTEST_INDEXED:
        # So short that they are everywhere: an index on trigrams would only be read from end to end.
        return Q(GreaterThan(StrIndex("number", Value(digits)), 0))
    if re.search(FIVE_ALIKE, digits):
        # Of 99999999 the index on trigrams knows 999 only, which is everywhere; such numbers have one of their own.
        return Q(number__regex=FIVE_ALIKE, number__contains=digits)
    # Each half has an index of its own: what is on the shelf must not cost what is sold anything.
    halves = {True: SOLD & Q(number__contains=digits), False: ON_THE_SHELF & Q(number__contains=digits)}
    return halves[sold] if sold is not None else halves[False] | halves[True]
