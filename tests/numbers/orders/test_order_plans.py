"""No statement of an order reads a whole table, by its plan. Nothing here depends on time."""

import json

import pytest
from django.db import connection

from apikeys.authentication import AUTHENTICATE, MARK_USED
from numbers.locks import LOCK_ACCOUNT, LOCK_CAMPAIGN, LOCK_NUMBERS
from numbers.orders.idempotency import CLAIM, RECALL
from numbers.orders.purchase import RECORD, RECORD_RENTED
from tests.benchmarks.rivals.asyncpg_sql import Statement
from tests.support import db_assertions, factories

STATEMENTS = {
    "authenticate": AUTHENTICATE,
    "mark used": MARK_USED,
    "claim": CLAIM,
    "recall": RECALL,
    "lock account": LOCK_ACCOUNT,
    "lock campaign": LOCK_CAMPAIGN,
    "lock numbers": LOCK_NUMBERS,
    "record": RECORD,
    "record rent": RECORD_RENTED,
}


def nodes(plan):
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def read_whole(statement):
    """The tables that the statement's generic plan can't read through an index."""
    with connection.cursor() as cursor:
        # Test tables are small, and reading them whole would be cheapest: what is left then has no
        # index.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {Statement(statement).text}")
        (plan,) = cursor.fetchone()
    plans = json.loads(plan) if isinstance(plan, str) else plan
    return [
        node["Relation Name"] for node in nodes(plans[0]["Plan"]) if node["Node Type"] == "Seq Scan"
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("name", STATEMENTS)
def test_no_statement_of_an_order_reads_a_whole_table(name):
    assert read_whole(STATEMENTS[name]) == []


@pytest.mark.django_db
def test_planted_statement_without_an_index_is_found():
    assert read_whole("SELECT id FROM numbers_phonenumber WHERE rate_center = %s") == [
        "numbers_phonenumber"
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("size", [1, 10])
def test_order_and_a_refusal_are_not_planned_each_time(api, size):
    numbers = factories.stock(*factories.line(0, 10 * size))
    factories.stock(*factories.line(10_000, 3000))
    db_assertions.run("ANALYZE")  # in a table that seems empty all plans seem equal
    connection.close()  # the statements of an earlier test were planned for other tables
    for first in range(0, len(numbers), size):
        for status in (200, 409):
            assert api.order(numbers[first : first + size]).status_code == status
    planned = db_assertions.rows(
        "SELECT statement, custom_plans FROM pg_prepared_statements WHERE name LIKE 'desk_%' AND "
        "custom_plans > 5"
    )
    assert planned == []
