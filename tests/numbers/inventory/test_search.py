"""Search: every criterion, what is never shown, and different results for concurrent buyers."""

from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from numbers.api.types import CriteriaFields
from numbers.inventory import search as searching
from numbers.inventory.criteria import Criteria
from numbers.numbering.e164 import area_code_of, type_of
from tests.support import db_assertions, factories
from tests.support.api_client import Api, error_of, refused
from tests.support.concurrency import at_once
from tests.support.phone_numbers import (
    SEARCH,
    buy,
    hold,
    listed,
    owned,
    release,
    release_hold,
    search,
)
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db


# --- what is answered ----------------------------------------------------------------------------


def test_result_shows_capabilities_location_and_price(api):
    factories.stock("+14152000001", price="1.50", region="California", mms_enabled=False)
    response = api.post(SEARCH, {})
    assert response.json() == {
        "success": True,
        "data": [
            {
                "number": "+14152000001",
                "number_type": "local",
                "sms_enabled": True,
                "mms_enabled": False,
                "region": "California",
                "price": "1.50",
                "monthly_price": "0.00",
            }
        ],
    }


def test_search_reserves_nothing_and_writes_nothing(api, cast):
    numbers = factories.stock(*factories.line(0, 2))
    before = db_assertions.rows("SELECT * FROM numbers_phonenumber ORDER BY id")
    assert sorted(search(api)) == numbers
    assert db_assertions.rows("SELECT * FROM numbers_phonenumber ORDER BY id") == before
    assert db_assertions.written() == db_assertions.NOTHING
    owned(api.using(cast.stranger_key), *numbers)


@pytest.mark.parametrize(
    ("quantity", "shown"), [({}, 10), ({"quantity": None}, 10), ({"quantity": 1}, 1)]
)
def test_ten_results_are_shown_by_default(api, quantity, shown):
    factories.stock(*factories.line(0, 30))
    found = search(api, **quantity)
    assert len(found) == len(set(found)) == shown


def test_quantity_is_up_to_a_hundred_or_the_stock(api):
    factories.stock(*factories.line(0, 120))
    assert len(set(search(api, quantity=100))) == 100
    factories.stock(*factories.line(0, 3, area_code="212"))
    for _ in range(20):  # wherever the search begins
        assert len(set(search(api, quantity=100, area_code="212"))) == 3


def test_empty_stock_is_an_empty_list(api):
    assert api.post(SEARCH, {"area_code": "415", "pattern": "5"}).json() == {
        "success": True,
        "data": [],
    }


# --- the criteria --------------------------------------------------------------------------------

TYPES = {"local": "+14152{}", "toll_free": "+18002{}", "short_code": "+1723{}"}


@pytest.fixture
def one_of_each(db):
    """One number of each kind: type by SMS by MMS, in two area codes; gives what each is."""
    kinds = {}
    for at, (number_type, sms, mms, area) in enumerate(
        product(TYPES, (True, False), (True, False), ("415", "212"))
    ):
        number = TYPES[number_type].format(
            f"{at:02}" if number_type == "short_code" else f"0000{at:02}"
        )
        if number_type == "local":
            number = number.replace("415", area)
        factories.stock(number, number_type=number_type, sms_enabled=sms, mms_enabled=mms)
        code = number[2:5] if number_type != "short_code" else None
        kinds[number] = {
            "number_type": number_type,
            "sms_enabled": sms,
            "mms_enabled": mms,
            "area_code": code,
        }
    return kinds


ANY_OF: dict[str, list[Any]] = {
    "area_code": [None, "415", "800"],
    "number_type": [None, *TYPES],
    "pattern": [None, "0000", "1"],
    "sms_enabled": [None, True, False],
    "mms_enabled": [None, True, False],
}


def test_every_combination_of_criteria_finds_exactly_the_matches(api, one_of_each):
    for combination in product(*ANY_OF.values()):
        criteria = dict(zip(ANY_OF, combination, strict=True))
        expected = {
            number
            for number, kind in one_of_each.items()
            if all(
                value in (None, kind[name]) for name, value in criteria.items() if name != "pattern"
            )
            and (criteria["pattern"] or "") in number
        }
        assert set(search(api, quantity=100, **criteria)) == expected, criteria


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("+1415", ["+14155", "+14155550123"]),
        ("+", ["+14155", "+14155550123", "+442079460000"]),
        ("+1", ["+14155", "+14155550123"]),
        ("+14155", ["+14155", "+14155550123"]),
        ("14155", ["+14155", "+14155550123"]),
        ("+141555501", ["+14155550123"]),
        ("+4155", []),
        ("5550123", ["+14155550123"]),
        ("+14155550123", ["+14155550123"]),
        ("+141555501234", []),
        ("0000", ["+442079460000"]),
        ("+44", ["+442079460000"]),
        ("+442079460000", ["+442079460000"]),
        ("442079460000000", []),
    ],
)
def test_pattern_is_digits_of_the_number(api, pattern, found):
    factories.stock("+14155550123", "+442079460000")
    factories.stock("+14155", number_type="short_code")
    assert sorted(search(api, pattern=pattern)) == found


def test_numbers_of_other_countries_have_no_area_code(api):
    factories.stock("+442079460000", "+12079460000")
    assert search(api, area_code="207") == ["+12079460000"]
    assert sorted(search(api, pattern="207946")) == ["+12079460000", "+442079460000"]


# --- what is never shown -------------------------------------------------------------------------

NEVER = {
    "assigned to oneself": lambda cast, number: factories.own(cast.owner, number),
    "assigned to another": lambda cast, number: factories.own(cast.stranger, number),
    "held by oneself": lambda cast, number: factories.hold(cast.owner, number),
    "held by another": lambda cast, number: factories.hold(cast.stranger, number),
}
NEVER_IN_STOCK = {
    "retired": {"status": "retired"},
    "in quarantine": {
        "status": "quarantined",
        "quarantined_until": timezone.now() + timedelta(days=2),
    },
    "of the test inventory": {"sandbox": True},
}


@pytest.mark.parametrize("why", NEVER)
def test_unorderable_number_is_not_shown(api, cast, why):
    hidden, shown = factories.stock(*factories.line(0, 2))
    NEVER[why](cast, hidden)
    assert (
        search(api, area_code="415", pattern="2000", number_type="local") == search(api) == [shown]
    )


@pytest.mark.parametrize("why", NEVER_IN_STOCK)
def test_number_of_unsellable_stock_is_not_shown(api, cast, why):
    factories.stock(*factories.line(0), **NEVER_IN_STOCK[why])
    shown = factories.stock(*factories.line(1))
    assert search(api) == search(api, area_code="415") == shown


def test_sandbox_is_shown_the_test_inventory_and_nothing_else(api, cast):
    factories.stock(*factories.line(0))
    (number,) = factories.stock("+14155550100", sandbox=True)
    assert search(api.using(cast.sandbox_key)) == [number]


def test_hold_hides_a_number_until_it_is_released_or_expires(api, cast):
    (number,) = factories.stock(*factories.line(0))
    first = hold(api, number)
    assert search(api) == []
    release_hold(api, first["id"])
    assert search(api) == [number]
    hold(api, number, ttl_seconds=60)
    let_pass(timedelta(seconds=61))
    assert search(api) == [number]


def test_released_number_is_shown_again_after_its_quarantine(api):
    (number,) = factories.stock(*factories.line(0))
    release(api, *owned(api, number))
    let_pass(timedelta(days=44, hours=23))
    assert search(api) == []
    let_pass(timedelta(hours=2))
    assert search(api) == [number]
    owned(api, number)
    assert (search(api), listed(api)) == ([], [number])


# --- bad input -----------------------------------------------------------------------------------

DIGITS = 'must be a string of 3 digits such as "415"'
NO_AREA = 'must begin with 2 to 9, as every area code does, such as "415"'
PATTERN = 'must be a string of 1 to 15 digits such as "5550", with a + before the first of a number'
NO_NUMBER = "can't occur in a phone number: none begins with 0"
QUANTITY = "must be a whole number from 1 to 100"
TYPE = "must be one of local, toll_free, short_code"
NOT_DIGITS = (
    *(
        "x",
        "1*",
        "325-",
        "1 2",
        "555-0123",
        " 5",
        "5 ",
        "%",
        "_",
        "5_5",
        "\\",
        "5\\",
        ".",
        "[0-9]",
        "' OR 1=1 --",
    ),
    *(
        "%(turn)s",
        "%s",
        "{side}",
        "5+",
        "++1",
        "\u0665\u0665",
        "\uff15",
        "\u00b2",
        "-5",
        "1e5",
        "+1e5",
        "5\x00",
        "5\n",
    ),
)
WRONG_CRITERIA = [
    *[
        ("area_code", value, DIGITS)
        for value in (415, "41", "4155", "+41", "abc", "", " 415", "41\u0665", ["415"])
    ],
    *[("area_code", value, NO_AREA) for value in ("000", "123", "099")],
    *[("number_type", value, TYPE) for value in ("LOCAL", "mobile", "", 1, ["local"], {})],
    *[
        ("pattern", value, PATTERN)
        for value in ("", "5" * 16, "+" + "5" * 16, "5" * 10_000, 5550, ["5"], True)
    ],
    *[("pattern", value, PATTERN) for value in NOT_DIGITS],
    *[("pattern", value, NO_NUMBER) for value in ("+0", "+01415", "0" * 15)],
    *[("sms_enabled", value, "must be true or false") for value in ("true", 1, 0, "", [])],
    *[("mms_enabled", value, "must be true or false") for value in ("false", 1)],
]
WRONG = [
    *WRONG_CRITERIA,
    *[("quantity", value, QUANTITY) for value in (0, -1, 101, "10", 1.0, True, [], 1e30)],
]


@pytest.mark.parametrize(("field", "value", "sentence"), WRONG)
def test_wrong_criterion_is_422_and_named(api, field, value, sentence):
    response = api.post(SEARCH, {field: value})
    refused(
        response,
        422,
        "VALIDATION_FAILED",
        "validation failed",
        error={"details": {field: sentence}},
    )


@pytest.mark.parametrize(("field", "value", "sentence"), WRONG_CRITERIA)
def test_bulk_order_refuses_the_same_criteria(api, field, value, sentence):
    error = error_of(buy(api, 1, **{field: value}), 422, "VALIDATION_FAILED")
    assert error["details"] == {field: sentence}
    assert db_assertions.written() == db_assertions.NOTHING


CONTRADICTIONS = [
    ({"area_code": "213", "pattern": "+1415"}, "pattern"),
    ({"area_code": "213", "pattern": "+2"}, "pattern"),
    ({"area_code": "213", "pattern": "+44"}, "pattern"),
    ({"area_code": "213", "pattern": "14155550123"}, "pattern"),
    ({"area_code": "213", "pattern": "4155550123"}, "pattern"),
    ({"area_code": "213", "pattern": "99999999"}, "pattern"),
    ({"area_code": "213", "pattern": "+121355501234"}, "pattern"),
    ({"number_type": "short_code", "pattern": "1234567"}, "pattern"),
    ({"number_type": "short_code", "pattern": "+1234567"}, "pattern"),
    ({"number_type": "short_code", "area_code": "213"}, "number_type"),
    ({"number_type": "toll_free", "area_code": "213"}, "number_type"),
    ({"number_type": "local", "area_code": "800"}, "number_type"),
]
POSSIBLE = [
    {"area_code": "213", "pattern": "+"},
    {"area_code": "213", "pattern": "+1213"},
    {"area_code": "213", "pattern": "+12139999999"},
    {"area_code": "213", "pattern": "12139999999"},
    {"area_code": "213", "pattern": "3999999"},
    {"area_code": "213", "pattern": "9999999"},
    {"area_code": "212", "pattern": "2"},
    {"area_code": "999", "number_type": "local"},
    {"area_code": "800", "number_type": "toll_free"},
    {"number_type": "short_code", "pattern": "+123456"},
]


@pytest.mark.parametrize(("criteria", "field"), CONTRADICTIONS)
def test_contradicting_criteria_run_no_query(api, criteria, field, monkeypatch):
    monkeypatch.setattr(searching, "_find_part", None)
    assert search(api, **criteria) == []
    assert (
        db_assertions.rows("SELECT code FROM numbers_refusal") == []
    )  # nothing that stock could satisfy
    error = error_of(buy(api, 1, **criteria), 422, "VALIDATION_FAILED")
    assert set(error["details"]) == {field}


@pytest.mark.parametrize("criteria", POSSIBLE)
def test_bulk_order_waits_for_possible_stock(api, criteria):
    assert search(api, **criteria) == []
    assert buy(api, 1, max_price_per_number="5.00", **criteria).status_code == 202


@settings(deadline=None)
@given(
    number=st.from_regex(r"\+1[2-9][0-9]{9}|\+[1-9][0-9]{1,14}", fullmatch=True),
    start=st.integers(0, 15),
    length=st.integers(1, 16),
    as_area=st.booleans(),
)
def test_no_part_of_a_number_contradicts_its_kind(number, start, length, as_area):
    area_code = area_code_of(number) if as_area and number[2:3] > "1" else None
    pattern = number[start : start + length] or number
    kind = type_of(number) if area_code or len(number) <= 7 else None
    assert Criteria(area_code, kind, pattern).contradiction == {}
    problems: dict[str, str] = {}
    CriteriaFields.read({"area_code": area_code, "pattern": pattern}, problems)
    assert problems == {}


def test_misspelled_criterion_does_not_pass_silently(api):
    error = error_of(api.post(SEARCH, {"areacode": "415", "pattern": ""}), 422, "VALIDATION_FAILED")
    assert set(error["details"]) == {"areacode", "pattern"}


def test_quantity_beyond_every_number_is_422(api):
    response = api.post(SEARCH, b'{"quantity": 1000000000000000000000000000000}')
    assert error_of(response, 422, "VALIDATION_FAILED")["details"] == {"quantity": QUANTITY}


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"null", b"1"])
def test_body_that_is_no_object_is_422(api, body):
    error = error_of(api.post(SEARCH, body), 422, "VALIDATION_FAILED")
    assert error["details"] == {"body": "must be a JSON object"}


def test_searching_needs_the_scope_to_buy(api, cast):
    refused(
        api.using(cast.colleague_key).post(SEARCH, {}), 403, "FORBIDDEN", "missing required scope"
    )


# --- searchers at once ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "criteria", [{}, {"area_code": "415"}, {"number_type": "local"}, {"pattern": "+1415"}]
)
def test_consecutive_searches_show_different_numbers(api, criteria):
    """Forty searches of five in a stock of 2,000: read in the order of an index, all would be dealt the same."""
    factories.stock(*factories.line(0, 2000))
    seen = [number for _ in range(40) for number in search(api, quantity=5, **criteria)]
    assert len(seen) == 200
    assert len(set(seen)) >= 190


# Before powers of two. Positions by reversed bits lay beside each other there.
COUNTERS = [0, 2**12 - 18, 2**20 - 18, 2**31 - 18]


def from_turn(counter):
    db_assertions.rows("SELECT setval('numbers_search_turn', %s, false)", counter)


@pytest.mark.parametrize("counter", COUNTERS)
@pytest.mark.parametrize("searches", [2, 36, 200])
def test_turns_in_a_row_are_far_apart(db, counter, searches):
    from_turn(counter)
    turns = sorted(searching._next_turn() for _ in range(searches))
    gaps = [
        (after - turn) % 2**31 for turn, after in zip(turns, [*turns[1:], turns[0]], strict=True)
    ]
    assert min(gaps) > 0.44 * 2**31 / searches


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("counter", COUNTERS[:2])
def test_concurrent_searches_and_orders_meet_no_conflict(db, counter):
    from_turn(counter)
    factories.stock(*factories.line(0, 2000))
    clients = [Api(factories.key(factories.organization())) for _ in range(36)]

    def shop(client):
        return client.order(search(client, area_code="415", quantity=5)).status_code

    statuses = at_once([partial(shop, client) for client in clients])
    # Shown the same numbers, all but one would be refused.
    assert statuses.count(409) <= len(clients) // 6
    assert len(db_assertions.owners()) == 5 * statuses.count(200)
    db_assertions.assert_in_order()


def test_search_takes_a_constant_number_of_statements(api, django_assert_num_queries):
    factories.stock(*factories.line(0, 100))
    search(api)
    for body in (
        {},
        {"quantity": 100},
        {"area_code": "415", "pattern": "2", "sms_enabled": True, "quantity": 50},
    ):
        with django_assert_num_queries(3):  # authenticate · whose turn it is · what is found
            search(api, **body)


def test_last_number_is_found_by_bulk_order_and_search_alike(api):
    (number,) = factories.stock("+14155550123", mms_enabled=False)
    criteria = {
        "area_code": "415",
        "pattern": "+1415555",
        "number_type": "local",
        "mms_enabled": False,
    }
    assert search(api, **criteria) == [number]
    assert [
        one["number"] for one in buy(api, 1, **criteria).json()["data"]["assigned_numbers"]
    ] == [number]
