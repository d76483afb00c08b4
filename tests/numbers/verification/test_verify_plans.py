"""A check joins whole tables in time that grows with them, whatever PostgreSQL knows of them.

Statistics from a moment when a table had pages but no rows promise one row ever after. Then a
nested loop over two tables looks cheapest, and takes their product: fifteen seconds for a table of
four thousand numbers, days for a stock of ten million.
"""

import re

import pytest
from django.conf import settings as django_settings
from django.db import connection, transaction

from numbers.verification.run import CHECKS, verify_inventory
from tests.support import db_assertions
from tests.support.world import new_world

SAME_KEY = re.compile(r"\(\w+\.\"?\w+\"? = \w+\.\"?\w+\"?\)")


@pytest.fixture
def misjudged(db, settings):
    """The statistics of every table say that its pages are empty."""
    before = transaction.savepoint()
    new_world(settings)
    transaction.savepoint_rollback(before)
    db_assertions.run("ANALYZE")


def quadratic(plan: dict) -> list[str]:
    """Return the conditions of loops that compare keys of two tables row by row."""
    own = plan.get("Join Filter", "") if plan["Node Type"] == "Nested Loop" else ""
    return ([own] if SAME_KEY.search(own) else []) + [
        condition for part in plan.get("Plans", []) for condition in quadratic(part)
    ]


def loops() -> dict[str, list[str]]:
    """Return the quadratic loops of each check, with the settings that the connection has now."""
    found = {}
    with connection.cursor() as cursor:
        for check in CHECKS:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {check.offenders}")
            found[check.name] = quadratic(cursor.fetchone()[0][0]["Plan"])
    return {name: conditions for name, conditions in found.items() if conditions}


def test_no_check_takes_the_product_of_two_tables(misjudged):
    assert len(loops()) > 10, "the statistics mislead no check: this test can't fail"
    findings = verify_inventory()
    next(findings)
    assert loops() == {}
    findings.close()


def test_checks_may_take_longer_than_a_request(db):
    shown = "SELECT current_setting('statement_timeout'), current_setting('enable_nestloop')"
    limit = f"{django_settings.STATEMENT_TIMEOUT_MS}ms"
    db_assertions.run(f"SET LOCAL statement_timeout = '{limit}'")
    before = db_assertions.rows(shown)
    findings = verify_inventory()
    next(findings)
    assert db_assertions.rows(shown) == [("0", "off")]
    list(findings)
    assert db_assertions.rows(shown) == before, "the caller's transaction goes on with its settings"
    assert before[0][1] == "on"
    assert before[0][0] != "0"
