"""The search box of every page: one hit goes straight to its page, several are listed."""

from collections.abc import Sequence

from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from config.admin.changelist import rows_of, within_time
from config.admin.site import Page, desk
from config.db.sqlstates import CANCELED, sqlstate_of
from numbers.admin.lookups import LOOKUPS, LOOKUPS_OF_REQUESTS, SHOWN, Hit, Lookup, Typed

# For one kind of thing; an index answers in a few.
LOOKUP_MS = 60
_SHORTEST_PART = 3


def find(request: HttpRequest) -> HttpResponse:
    """Find what was typed. Show what was looked for if there is nothing."""
    typed = Typed.read(request.GET.get("q", ""))
    groups, too_slow = _found(LOOKUPS, typed, request) if typed.text else ([], [])
    if not groups and typed.request_id:
        groups, slow = _found(LOOKUPS_OF_REQUESTS, typed, request)
        too_slow += slow
    hits = [hit for _, found in groups for hit in found]
    if len(hits) == 1 and not too_slow:
        return HttpResponseRedirect(hits[0].address)
    context = {
        **desk().each_context(request),
        "title": f"Search for “{typed.text}”" if typed.text else "Search",
        "typed": typed,
        "groups": groups,
        "too_slow": too_slow,
        "shown": SHOWN,
        "looked_for": [in_a_list(one.title) for one in _allowed(LOOKUPS, request)],
        "numbers_like": _numbers_like(typed, request),
    }
    return TemplateResponse(request, "operators/find.html", context)


def in_a_list(title: str) -> str:
    """Return the title as it stands within a sentence: an abbreviation keeps its capitals."""
    first, blank, others = title.partition(" ")
    return title if first.isupper() else f"{first.lower()}{blank}{others}"


def _allowed(lookups: Sequence[Lookup], request: HttpRequest) -> list[Lookup]:
    return [one for one in lookups if request.user.has_perm(one.permission)]


def _found(
    lookups: Sequence[Lookup], typed: Typed, request: HttpRequest
) -> tuple[list[tuple[str, list[Hit]]], list[str]]:
    """Return the hits by title, and the titles of look-ups that took too long."""
    groups, too_slow = [], []
    for lookup in _allowed(lookups, request):
        try:
            with within_time(connection.alias, LOOKUP_MS):
                hits = list(lookup.find(typed, request))
        except OperationalError as error:
            if sqlstate_of(error) != CANCELED:
                raise
            too_slow.append(in_a_list(lookup.title))
            continue
        if hits:
            groups.append((lookup.title, hits))
    return groups, too_slow


def _numbers_like(typed: Typed, request: HttpRequest) -> str:
    """Return the URL of the numbers that contain what was typed, or an empty string."""
    digits = "".join(one for one in typed.text if one.isascii() and one.isdigit())
    is_number = len(digits) >= _SHORTEST_PART and not any(one.isalpha() for one in typed.text)
    if not is_number or not request.user.has_perm("numbers.view_phonenumber"):
        return ""
    return rows_of("numbers_phonenumber", q=digits[:15])


PAGES = [Page("find/", "find", find)]
