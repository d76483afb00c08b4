"""A list that skips locked rows is read once by the statement that changes them.

PostgreSQL may read a list inside a join once for each row of the other side. Rows that the statement
has changed itself are skipped like locked ones, so each reading finds others, and no LIMIT holds.
``AS MATERIALIZED`` is read once, and so is a comparison with one value: ``id = (SELECT …)``.
"""

import importlib
import re

import pytest

from tests.support.live_server import ROOT

CHANGES = re.compile(r"\bDELETE FROM\b|\bUPDATE \w+( AS \w+)?\s+SET\b")
READ_ONCE = re.compile(r"( AS MATERIALIZED|\w =) $")


def statements() -> dict[str, str]:
    """Return the SQL texts that change rows and skip locked ones, by the names of their constants."""
    found = {}
    for app in ("apikeys", "campaigns", "config", "numbers"):
        for path in sorted((ROOT / app).rglob("*.py")):
            if "SKIP LOCKED" in path.read_text() and "migrations" not in path.parts:
                module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                for name, value in vars(importlib.import_module(module)).items():
                    if isinstance(value, str) and "SKIP LOCKED" in value and CHANGES.search(value):
                        found[f"{module}.{name}"] = value
    return found


def is_read_once(statement: str) -> bool:
    """Return whether each parenthesis around SKIP LOCKED is of a kind that is read once."""
    return all(
        is_in_what_is_read_once(statement[: found.start()])
        for found in re.finditer("SKIP LOCKED", statement)
    )


def is_in_what_is_read_once(before: str) -> bool:
    depth = 0
    for at in reversed(range(len(before))):
        depth += {"(": 1, ")": -1}.get(before[at], 0)
        if depth == 1:
            return bool(READ_ONCE.search(before[:at]))
    return False


STATEMENTS = statements()


@pytest.mark.parametrize("name", STATEMENTS)
def test_list_that_skips_locked_rows_is_read_once(name):
    assert is_read_once(STATEMENTS[name]), STATEMENTS[name]


def test_walk_finds_the_claims_and_knows_a_list_in_a_join():
    assert {"numbers.worker.schedule._CLAIM", "numbers.worker.jobs._CLAIM"} <= set(STATEMENTS)
    locked = "SELECT id FROM t LIMIT (1) FOR UPDATE SKIP LOCKED"
    assert not is_read_once(f"UPDATE t SET a = 1 FROM ({locked}) AS x WHERE t.id = x.id")
    assert not is_read_once(f"DELETE FROM t WHERE id IN ({locked})")
