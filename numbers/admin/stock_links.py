"""Links from what was asked for to the numbers that match it, and to the forms for new stock."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from config.admin.changelist import rows_of
from numbers.admin.add_numbers import MOST_AT_ONCE

STATES = {"available": "available", "held": "on hold", "quarantined": "in quarantine"}
_FILTERS = {
    "number_type": "number_type__exact",
    "area_code": "area_code",
    "pattern": "q",
    "sms_enabled": "sms_enabled__exact",
    "mms_enabled": "mms_enabled__exact",
}


def stock_links(
    request: HttpRequest,
    criteria: Mapping[str, Any],
    *,
    sandbox: bool,
    max_price: Decimal | None = None,
    missing: int = 0,
) -> dict[str, Any]:
    """Return what operators/stock_links.html shows to this operator.

    ``missing`` is how many numbers to propose on the form for new ones.
    """
    links: dict[str, Any] = {}
    if request.user.has_perm("numbers.view_phonenumber"):
        links["searches"] = searches_for(criteria, sandbox=sandbox, max_price=max_price)
    if missing and request.user.has_perm("numbers.add_phonenumber"):
        links["adding"] = adding_for(criteria, sandbox=sandbox, missing=missing)
    return links


def searches_for(
    criteria: Mapping[str, Any], *, sandbox: bool, max_price: Decimal | None = None
) -> list[tuple[str, str]]:
    """Return the criteria as searches of the number list, as (what is found, URL)."""
    query = {_FILTERS[name]: _in_url(value) for name, value in criteria.items() if name in _FILTERS}
    query["sandbox__exact"] = _in_url(sandbox)
    if max_price is not None:
        query["cost"] = f"-{max_price}"
    return [
        (words, rows_of("numbers_phonenumber", **query, state=state))
        for state, words in STATES.items()
    ]


def adding_for(criteria: Mapping[str, Any], *, sandbox: bool, missing: int) -> str:
    """Return the URL of the form for new numbers, filled in with what is missing."""
    query: dict[str, Any] = {}
    if area_code := criteria.get("area_code"):
        query = {"area_code": area_code, "count": min(missing, MOST_AT_ONCE)}
    if sandbox:
        query["sandbox"] = "1"
    address = reverse("admin:numbers_phonenumber_add")
    return f"{address}?{urlencode(query)}" if query else address


def _in_url(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
