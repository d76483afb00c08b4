"""Search: every criterion, what is never shown, and that buyers at once are dealt different numbers."""

from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from numbers.criteria import Criteria
from numbers.searching import search_statement
from tests import books, factories
from tests.client import Api, error_of, refused
from tests.phone_numbers import SEARCH, buy, hold, let_go, listed, owned, release, search
from tests.time_passes import let_pass
from tests.together import at_once

pytestmark = pytest.mark.django_db


# --- what is answered ----------------------------------------------------------------------------


def test_a_number_is_shown_with_what_it_can_do_where_it_is_and_what_it_costs(api):
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
            }
        ],
    }


def test_a_search_reserves_nothing_and_writes_nothing(api, cast):
    numbers = factories.stock(*factories.line(0, 2))
    before = books.rows("SELECT * FROM numbers_phonenumber ORDER BY id")
    assert sorted(search(api)) == numbers
    assert books.rows("SELECT * FROM numbers_phonenumber ORDER BY id") == before
    assert books.written() == books.NOTHING
    owned(api.using(cast.stranger_key), *numbers)


@pytest.mark.parametrize(("quantity", "shown"), [({}, 10), ({"quantity": None}, 10), ({"quantity": 1}, 1)])
def test_ten_are_shown_where_nothing_else_is_said(api, quantity, shown):
    factories.stock(*factories.line(0, 30))
    found = search(api, **quantity)
    assert len(found) == len(set(found)) == shown


def test_up_to_a_hundred_and_as_many_as_there_are(api):
    factories.stock(*factories.line(0, 120))
    assert len(set(search(api, quantity=100))) == 100
    factories.stock(*factories.line(0, 3, area_code="212"))
    for _ in range(20):  # wherever the search begins
        assert len(set(search(api, quantity=100, area_code="212"))) == 3


def test_an_empty_stock_is_an_empty_list(api):
    assert api.post(SEARCH, {"area_code": "415", "pattern": "5"}).json() == {"success": True, "data": []}


# --- the criteria --------------------------------------------------------------------------------

TYPES = {"local": "+14152{}", "toll_free": "+18002{}", "short_code": "+1723{}"}


@pytest.fixture
def one_of_each(db):
    """One number of each kind: type by SMS by MMS, in two area codes; gives what each is."""
    kinds = {}
    for at, (number_type, sms, mms, area) in enumerate(product(TYPES, (True, False), (True, False), ("415", "212"))):
        number = TYPES[number_type].format(f"{at:02}" if number_type == "short_code" else f"0000{at:02}")
        if number_type == "local":
            number = number.replace("415", area)
        factories.stock(number, number_type=number_type, sms_enabled=sms, mms_enabled=mms)
        code = number[2:5] if number_type != "short_code" else None
        kinds[number] = {"number_type": number_type, "sms_enabled": sms, "mms_enabled": mms, "area_code": code}
    return kinds


ANY_OF: dict[str, list[Any]] = {
    "area_code": [None, "415", "800"],
    "number_type": [None, *TYPES],
    "pattern": [None, "0000", "1"],
    "sms_enabled": [None, True, False],
    "mms_enabled": [None, True, False],
}


def test_every_combination_of_criteria_finds_exactly_what_matches(api, one_of_each):
    for combination in product(*ANY_OF.values()):
        criteria = dict(zip(ANY_OF, combination, strict=True))
        expected = {
            number
            for number, kind in one_of_each.items()
            if all(value in (None, kind[name]) for name, value in criteria.items() if name != "pattern")
            and (criteria["pattern"] or "") in number
        }
        assert set(search(api, quantity=100, **criteria)) == expected, criteria


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("+1415", ["+14155550123"]),
        ("+", ["+14155550123", "+442079460000"]),
        ("5550123", ["+14155550123"]),
        ("+14155550123", ["+14155550123"]),
        ("0000", ["+442079460000"]),
        ("%", []),
        ("_", []),
        ("5_5", []),
        ("\\", []),
        ("\\%", []),
        ("5\\", []),
        (".", []),
        ("[0-9]", []),
        ("' OR 1=1 --", []),
        ("%(turn)s", []),
        ("%s", []),
        ("{side}", []),
        ("\u0665\u0665", []),
        (" ", []),
        ("555-0123", []),
    ],
)
def test_a_pattern_is_literal_text(api, pattern, found):
    factories.stock("+14155550123", "+442079460000")
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
    "in quarantine": {"status": "quarantined", "quarantined_until": timezone.now() + timedelta(days=2)},
    "of the test inventory": {"sandbox": True},
}


@pytest.mark.parametrize("why", NEVER)
def test_what_nobody_else_may_order_is_not_shown(api, cast, why):
    hidden, shown = factories.stock(*factories.line(0, 2))
    NEVER[why](cast, hidden)
    assert search(api, area_code="415", pattern="2000", number_type="local") == search(api) == [shown]


@pytest.mark.parametrize("why", NEVER_IN_STOCK)
def test_what_nobody_may_order_is_not_shown(api, cast, why):
    factories.stock(*factories.line(0), **NEVER_IN_STOCK[why])
    shown = factories.stock(*factories.line(1))
    assert search(api) == search(api, area_code="415") == shown


def test_a_sandbox_is_shown_the_test_inventory_and_nothing_else(api, cast):
    factories.stock(*factories.line(0))
    (number,) = factories.stock("+14155550100", sandbox=True)
    assert search(api.using(cast.sandbox_key)) == [number]


def test_a_hold_hides_a_number_until_it_is_let_go_or_its_time_is_over(api, cast):
    (number,) = factories.stock(*factories.line(0))
    first = hold(api, number)
    assert search(api) == []
    let_go(api, first["id"])
    assert search(api) == [number]
    hold(api, number, ttl_seconds=60)
    let_pass(timedelta(seconds=61))
    assert search(api) == [number]


def test_a_released_number_is_shown_again_when_its_quarantine_has_passed_without_any_job(api):
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
PATTERN = 'must be a string of 1 to 16 characters, found in the number such as "5550"'
QUANTITY = "must be a whole number from 1 to 100"
TYPE = "must be one of local, toll_free, short_code"
WRONG = [
    *[("area_code", value, DIGITS) for value in (415, "41", "4155", "+41", "abc", "", " 415", "41\u0665", ["415"])],
    *[("number_type", value, TYPE) for value in ("LOCAL", "mobile", "", 1, ["local"], {})],
    *[("pattern", value, PATTERN) for value in ("", "5" * 17, 5550, ["5"], "5\x00", "5\n", True)],
    *[("sms_enabled", value, "must be true or false") for value in ("true", 1, 0, "", [])],
    *[("mms_enabled", value, "must be true or false") for value in ("false", 1)],
    *[("quantity", value, QUANTITY) for value in (0, -1, 101, "10", 1.0, True, [], 1e30)],
]


@pytest.mark.parametrize(("field", "value", "sentence"), WRONG)
def test_a_wrong_criterion_is_422_and_named(api, field, value, sentence):
    response = api.post(SEARCH, {field: value})
    refused(response, 422, "VALIDATION_FAILED", "validation failed", error={"details": {field: sentence}})


def test_a_misspelt_criterion_does_not_pass_silently(api):
    error = error_of(api.post(SEARCH, {"areacode": "415", "pattern": ""}), 422, "VALIDATION_FAILED")
    assert set(error["details"]) == {"areacode", "pattern"}


def test_a_quantity_beyond_every_number_is_422(api):
    response = api.post(SEARCH, b'{"quantity": 1000000000000000000000000000000}')
    assert error_of(response, 422, "VALIDATION_FAILED")["details"] == {"quantity": QUANTITY}


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"null", b"1"])
def test_a_body_that_is_no_object_is_422(api, body):
    error = error_of(api.post(SEARCH, body), 422, "VALIDATION_FAILED")
    assert error["details"] == {"body": "must be a JSON object"}


def test_searching_needs_the_scope_to_buy(api, cast):
    refused(api.using(cast.colleague_key).post(SEARCH, {}), 403, "FORBIDDEN", "missing required scope")


# --- searchers at once ---------------------------------------------------------------------------


@pytest.mark.parametrize("criteria", [{}, {"area_code": "415"}, {"number_type": "local"}, {"pattern": "+1415"}])
def test_one_search_after_the_other_is_dealt_other_numbers(api, criteria):
    """Forty searches of five in a stock of 2,000: read in the order of an index, all would be dealt the same."""
    factories.stock(*factories.line(0, 2000))
    seen = [number for _ in range(40) for number in search(api, quantity=5, **criteria)]
    assert len(seen) == 200
    assert len(set(seen)) >= 190


@pytest.mark.django_db(transaction=True)
def test_36_buyers_at_once_who_search_and_then_order_meet_no_conflict(db):
    factories.stock(*factories.line(0, 2000))
    clients = [Api(factories.key(factories.organization())) for _ in range(36)]

    def shop(client):
        return client.order(search(client, area_code="415", quantity=5)).status_code

    statuses = at_once([partial(shop, client) for client in clients])
    assert statuses.count(409) <= 1
    assert len(books.owners()) == 5 * statuses.count(200)
    books.assert_in_order()


def test_a_search_takes_a_constant_number_of_statements(api, django_assert_num_queries):
    factories.stock(*factories.line(0, 100))
    search(api)
    for body in ({}, {"quantity": 100}, {"area_code": "415", "pattern": "2", "sms_enabled": True, "quantity": 50}):
        with django_assert_num_queries(3):  # authenticate · whose turn it is · what is found
            search(api, **body)


def test_the_last_number_is_found_by_an_order_by_quantity_as_by_a_search(api):
    (number,) = factories.stock("+14155550123", mms_enabled=False)
    criteria = {"area_code": "415", "pattern": "+1415555", "number_type": "local", "mms_enabled": False}
    assert search(api, **criteria) == [number]
    assert [one["number"] for one in buy(api, 1, **criteria).json()["data"]["assigned_numbers"]] == [number]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("criteria", "index"),
    [
        (Criteria(area_code="415", pattern="55"), "phone_number_area_spread"),
        (Criteria(number_type="local", sms_enabled=True), "phone_number_type_spread"),
    ],
)
def test_a_search_on_shelves_reads_their_index_and_no_row(db, criteria, index):
    factories.stock(*factories.line(0, 500))
    statement, parameters = search_statement(criteria, quantity=10, sandbox=False)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE numbers_phonenumber")
        cursor.execute("SET enable_seqscan = off")
        cursor.execute("SET enable_bitmapscan = off")  # of 500 numbers, few may stand before the turn
        cursor.execute(f"EXPLAIN {statement}", parameters)
        plan = [row[0].strip() for row in cursor.fetchall()]
        cursor.execute("RESET enable_seqscan")
        cursor.execute("RESET enable_bitmapscan")
    scans = [line.partition(" on ")[0].removeprefix("->").strip() for line in plan if "numbers_phonenumber" in line]
    assert scans == [f"Index Only Scan using {index}"] * 2
