"""Rows that a search reads, counted by EXPLAIN for every combination of criteria."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
from django.db import connection

from numbers.inventory import search as searching
from numbers.inventory import search_sql
from numbers.inventory.criteria import Criteria
from numbers.models import PhoneNumber
from tests.support import factories
from tests.support.api_client import error_of
from tests.support.phone_numbers import SEARCH

pytestmark = pytest.mark.django_db

STOCK = 40_000
AREA_CODES = ("213", "303", "415", "512")
WINDOW, WIDE = 20, 2_000
# Beside its windows, a search may read what an index of trigrams or prefixes names: at most the
# numbers of two digits in a row, which are half of what one area code has here.
LOOKED_UP = STOCK // 8

PATTERNS = (
    *(
        None,
        "5",
        "55",
        "99",
        "555",
        "415",
        "823",
        "1415",
        "9999",
        "8234",
        "12345",
        "99999",
        "823451",
        "8234512",
    ),
    *(
        "+",
        "+1",
        "+14",
        "+141",
        "+1415",
        "+14158",
        "+141582",
        "+1415823",
        "+14158234",
        "+44",
        "+999",
        "14158234",
    ),
    *("00000000", "01", "0101010", "4155", "2139", "31"),
)
COMBINATIONS = [
    criteria
    for values in product((None, "415"), (None, "local"), PATTERNS)
    if not (criteria := Criteria(*values)).contradiction
]


@pytest.fixture
def stock(db: None) -> None:
    """A stock in which every digit is as frequent as any other, all on one shelf."""
    (first,) = factories.stock("+12125550100")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(
            """
            INSERT INTO numbers_phonenumber (number, number_type, status, sandbox, sms_enabled,
                                             mms_enabled, region,
                                             rate_center, carrier, price, batch_id, created_at,
                                             updated_at)
            SELECT '+1' || (%(codes)s::text[])[i %% 4 + 1] || (2000000 + (i / 4 * 4944271) %% 8000000)::text,
                   'local', 'available', false, true, true, '', '', '', 1.00,
                   (SELECT batch_id FROM numbers_phonenumber WHERE number = %(first)s), now(), now()
            FROM generate_series(0, %(last)s::bigint) AS i
            """,
            {"codes": list(AREA_CODES), "first": first, "last": STOCK - 2},
        )
        # Start from a compact table. Why 11 cases once read more rows in a whole run is not known.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("CLUSTER numbers_phonenumber USING numbers_phonenumber_pkey")
        cursor.execute("ANALYZE numbers_phonenumber")


@pytest.fixture
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_sql, "_LEAST_WINDOW", WINDOW)
    monkeypatch.setattr(search_sql, "_WINDOW_FOR_EACH", 1)
    monkeypatch.setattr(search_sql, "_WIDE_WINDOW", WIDE)
    monkeypatch.setattr(search_sql, "_WORTH_READING", 2 * WIDE)
    monkeypatch.setattr(search_sql, "_PREFIX_BOUND", 100)


def scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if plan.get("Relation Name") == "numbers_phonenumber":
        yield plan
    for part in plan.get("Plans", []):
        yield from scans(part)


def rows_read(criteria: Criteria, quantity: int) -> int:
    return rows_read_by(lambda: searching.search(criteria, quantity=quantity, sandbox=False))


def rows_read_by(run: Callable[[], object]) -> int:
    """Count the rows of numbers that statements read, the ones that they discard included."""
    read = 0

    def explained(execute: Any, statement: str, parameters: Any, many: bool, context: Any) -> Any:
        nonlocal read
        if "numbers_phonenumber" in statement:
            execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters, many, context)
            (plan,) = context["cursor"].fetchone()[0]
            for scan in scans(plan["Plan"]):
                discarded = scan.get("Rows Removed by Filter", 0) + scan.get(
                    "Rows Removed by Index Recheck", 0
                )
                read += (scan["Actual Rows"] + discarded) * scan["Actual Loops"]
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(explained):
        run()
    return int(read)


def test_every_search_reads_a_bounded_number_of_rows(stock, small_windows, subtests):
    """The bound has no part that grows with the stock but the share that trigrams name."""
    for criteria, quantity in product(COMBINATIONS, (1, 10, 100)):
        bound = 2 * (max(WINDOW, quantity) + WIDE) + LOOKED_UP
        with subtests.test(criteria=criteria.as_json(), quantity=quantity):
            assert rows_read(criteria, quantity) <= bound


def test_chance_find_does_not_make_a_rare_pattern_common(stock, small_windows, monkeypatch):
    """The number that fits is the first one that the search sees; no wide window is read for it."""
    number = PhoneNumber.objects.order_by("spread")[STOCK // 2]
    monkeypatch.setattr(searching, "_next_turn", lambda: number.spread)
    criteria = Criteria(pattern=number.number[5:])
    found = searching.search(criteria, quantity=10, sandbox=False)
    assert number.number in [one.number for one in found]
    assert rows_read(criteria, 10) < WIDE


def test_row_counter_works(stock, small_windows, monkeypatch):
    """The negative control: a search without windows reads the whole shelf."""
    monkeypatch.setattr(search_sql, "_LEAST_WINDOW", STOCK)
    assert rows_read(Criteria(pattern="00000000"), 10) >= 0.9 * STOCK  # EXPLAIN rounds


@pytest.mark.parametrize(
    "criteria", [Criteria(area_code="415"), Criteria(number_type="local"), Criteria(pattern="5")]
)
def test_common_search_reads_few_more_rows_than_it_shows(stock, criteria):
    assert rows_read(criteria, 10) <= 250


def test_small_windows_find_what_large_ones_find(stock, small_windows, monkeypatch):
    """Each step is taken for some of these, and none loses a number."""
    for criteria in COMBINATIONS[::3]:
        narrow = searching.search(criteria, quantity=100, sandbox=False)
        with monkeypatch.context() as patch:
            patch.setattr(search_sql, "_LEAST_WINDOW", STOCK)
            patch.setattr(search_sql, "_PREFIX_BOUND", STOCK)
            whole = searching.search(criteria, quantity=100, sandbox=False)
        assert len(narrow) == len(whole) == len({one.number for one in narrow}), criteria
        if len(whole) < 100:
            assert {one.number for one in narrow} == {one.number for one in whole}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("criteria", "index"),
    [
        (Criteria(area_code="415", pattern="55"), "phone_number_area_spread"),
        (Criteria(number_type="local", sms_enabled=True), "phone_number_type_spread"),
        (Criteria(pattern="+1415"), "phone_number_area_spread"),
    ],
)
def test_search_near_its_turn_reads_the_index_only(db, criteria, index):
    factories.stock(*factories.line(0, 500))
    part = list(search_sql.parts_of(criteria))[-1]
    asked = {"quantity": 10, "sandbox": False, "turn": 2**30}
    statement, parameters = part.near(10).statement(asked)
    with connection.cursor() as cursor:
        cursor.execute("REINDEX TABLE numbers_phonenumber")  # earlier tests have left their pages
        cursor.execute("VACUUM ANALYZE numbers_phonenumber")
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(
            "SET enable_bitmapscan = off"
        )  # of 500 numbers, few may stand before the turn
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
        plan = cursor.fetchone()[0][0]["Plan"]
        cursor.execute("RESET enable_seqscan")
        cursor.execute("RESET enable_bitmapscan")
    assert [(scan["Node Type"], scan["Index Name"]) for scan in scans(plan)] == [
        ("Index Only Scan", index)
    ] * 2


@pytest.mark.django_db(transaction=True)
def test_search_that_takes_too_long_is_503(api, monkeypatch):
    factories.stock(*factories.line(0, 20))
    monkeypatch.setattr(searching, "TIMEOUT_MS", 20)
    monkeypatch.setattr(
        search_sql,
        "_SIDE",
        search_sql._SIDE.replace("ORDER BY n.spread", "AND pg_sleep(0.1) IS NULL"),
    )
    error_of(api.post(SEARCH, {}), 503, "SERVICE_UNAVAILABLE")
    with connection.cursor() as cursor:  # only the search has this limit
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone()[0] == "0"
