"""A typed filter reads what operators write, or says what it can't read and how to write it."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import RequestFactory
from django.utils import timezone

from config.admin.filters import TypedFilter
from numbers.models import CreditEntry, Order, PhoneNumber, Refusal
from tests.support import db_assertions, factories
from tests.support.admin_client import url

pytestmark = pytest.mark.django_db

# Text that customers chose may be anything, and only rows could say whether there is any.
OF_ANY_TEXT = {"LabelFilter", "ReferenceFilter"}
UNREADABLE = "¿what is this?"


def filters(user: Any) -> list[tuple[str, type[TypedFilter]]]:
    """Return every typed filter of the admin, with the address of its list."""
    request = RequestFactory().get("/")
    request.user = user
    found = []
    for model, model_admin in admin.site._registry.items():
        for one in model_admin.get_list_filter(request):
            if isinstance(one, type) and issubclass(one, TypedFilter):
                found.append((url(model, "changelist"), one))
    return found


def said(desk: Any, address: str, **query: str) -> list[str]:
    page = desk.get(address, query)
    assert page.status_code == 200
    return [str(message) for message in page.context["messages"]]


def shown(desk: Any, model: Any, **query: str) -> int:
    return desk.get(url(model, "changelist"), query).context["cl"].result_count


def test_every_typed_filter_names_what_it_cannot_read(desk, operator):
    silent = []
    walked = filters(operator)
    assert len(walked) >= 15
    for address, one in walked:
        if one.__name__ in OF_ANY_TEXT:
            continue
        sentences = said(desk, address, **{one.parameter_name: UNREADABLE})
        if not any(f"“{one.title}”" in each and UNREADABLE in each for each in sentences):
            silent.append(f"{address} {one.__name__}: {sentences}")
    assert silent == []


def test_every_typed_filter_is_silent_when_it_is_empty(desk, operator):
    for address, one in filters(operator):
        assert said(desk, address, **{one.parameter_name: " "}) == []


@pytest.mark.parametrize(
    ("model", "name", "value", "remedy"),
    [
        (Order, "day", "24 Nov", "write 2026, 2026-12, 2026-12-31, 31 Dec 2026 or"),
        (Order, "day", "2026-11-24..2026-11-20", "2026-12-24..2026-12-31"),
        (CreditEntry, "day", "2026-11-31", "write 2026, 2026-12, 2026-12-31, 31 Dec 2026 or"),
        (Refusal, "day", "yesterday", "2026-12-24..2026-12-31"),
        (Refusal, "area", "9071", "three digits, such as 415, or none"),
        (Refusal, "pattern", "seven", "digits, such as 777"),
        (PhoneNumber, "price", "cheap", "a price such as 1.00"),
        (PhoneNumber, "batch", "Peerless", "the id of an import or a stock batch, or three"),
        (PhoneNumber, "area_code", "Alaska", "three digits, such as 415"),
        (PhoneNumber, "organization", "Nowhere Inc", "No organization has that in its name."),
        (PhoneNumber, "campaign", "Nothing", "No campaign has that in its name."),
        (Order, "number", "hello", "a whole number, such as (415) 555-0123"),
        (Order, "criteria", "color red", "area 415, type local"),
    ],
)
def test_message_says_how_to_write_the_value(desk, model, name, value, remedy):
    (sentence,) = said(desk, url(model, "changelist"), **{name: value})
    assert f"“{value}”" in sentence
    assert remedy in sentence
    assert shown(desk, model, **{name: value}) == 0


@pytest.mark.parametrize("written", ["{:%-d %b %Y}", "{:%b %-d, %Y}", "{:%m/%d/%Y}", "{:%Y-%m-%d}"])
def test_day_is_read_in_the_notations_of_who_had_a_number(desk, cast, written):
    factories.own(cast.owner, *factories.stock("+14155550101"))
    value = written.format(timezone.now())
    assert shown(desk, Order, day=value) == 1
    assert said(desk, url(Order, "changelist"), day=value) == []
    assert said(desk, url(CreditEntry, "changelist"), day=value) == []


def test_range_of_days_includes_both_ends(desk, cast):
    factories.own(cast.owner, *factories.stock("+14155550101"))
    today = f"{timezone.now():%Y-%m-%d}"
    assert shown(desk, Order, day=f"{today}..{today}") == 1
    assert shown(desk, Order, day=f"2020..{today}") == 1
    assert shown(desk, Order, day="2020..2021") == 0
    assert said(desk, url(Order, "changelist"), day="2020..2021") == []


DAYS = ["2026-11-03", "2026-11-04", "2026-11-05"]


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("2026-11-03", 1),
        ("2026-11-02", 0),
        ("2026-11-03..2026-11-05", 3),
        ("2026-11-04..2026-11-30", 2),  # the last day has no row
        ("2026-11..2026-11-04", 2),  # nor has the first
        ("2026-10..2026-11", 3),
        ("2026", 3),
        ("2027", 0),
    ],
)
def test_period_of_a_serial_table_includes_its_ends(api, desk, period, expected):
    """The ids of the first and of the last day narrow the rows."""
    for day in DAYS:
        assert api.order(["+14155550199"]).status_code == 409
        newest = "(SELECT max(id) FROM numbers_refusal)"
        db_assertions.run(f"UPDATE numbers_refusal SET at = '{day}T23:59:59Z' WHERE id = {newest}")
    assert shown(desk, Refusal, day=period) == expected
    assert said(desk, url(Refusal, "changelist"), day=period) == []


def test_carrier_is_found_in_any_case(desk):
    factories.stock("+14155550101", "+14155550102", carrier="Bandwidth")
    factories.stock("+14155550103", carrier="BANDWIDTH")
    factories.stock("+14155550104", carrier="Telnyx")
    assert shown(desk, PhoneNumber, carrier="bandwidth") == 3
    assert said(desk, url(PhoneNumber, "changelist"), carrier="telnyx") == []


def test_unknown_carrier_is_answered_with_those_in_stock(desk):
    factories.stock("+14155550101", carrier="Bandwidth")
    factories.stock("+14155550102", carrier="Telnyx")
    (sentence,) = said(desk, url(PhoneNumber, "changelist"), carrier="Peerless")
    assert "Carriers in stock: Bandwidth, Telnyx." in sentence


@pytest.mark.parametrize(
    ("model", "query"),
    [
        (CreditEntry, {"kind__in": "charge,rent", "day": "2026-03-02"}),
        (Refusal, {"status__in": "402,409", "sandbox__exact": "0", "day": "2026-03-02"}),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_clearing_all_filters_shows_the_whole_list(desk, db, model, query):
    shown = desk.get(url(model, "changelist"), query).context["cl"]
    assert shown.has_active_filters
    assert shown.clear_all_filters_qs == "?"
