"""Proofs after each fault: acknowledged orders exist, the others are whole or absent."""

import time
from collections.abc import Sequence

import psycopg

from config import json_text
from tests.drills.drill.customers import Attempt, Customer, Notebook
from tests.drills.drill.desk import manage

# An order as the database has it, found by the answer that it remembers for its key.
WHOLE = """
    SELECT o.quantity, o.total, array_agg(n.number ORDER BY n.number), count(e.id),
           (SELECT -amount FROM numbers_creditentry c WHERE c.order_id = o.id)
    FROM numbers_order o
    JOIN numbers_assignment a ON a.order_id = o.id
    JOIN numbers_phonenumber n ON n.id = a.number_id
    LEFT JOIN numbers_numberevent e ON e.order_id = o.id AND e.assignment_id = a.id
    WHERE o.id = %s GROUP BY o.id
"""
REMEMBERED = "SELECT body FROM numbers_idempotencyrecord WHERE key = %s"


def prove(url: str, notebook: Notebook, asker: Customer, since: int) -> list[str]:
    """Every attempt from ``since`` on, the silent ones asked again; gives what is wrong."""
    wrong = list(notebook.surprises)
    notebook.surprises.clear()
    with psycopg.connect(url) as session:
        for attempt in notebook.attempts[since:]:
            wrong += _prove_one(session, attempt, asker)
    verified = manage(url, "verify_inventory")
    if verified.returncode:
        wrong.append(f"verify_inventory: {(verified.stdout + verified.stderr)[-600:]}")
    return wrong


def _prove_one(
    session: "psycopg.Connection[tuple[object, ...]]", attempt: Attempt, asker: Customer
) -> list[str]:
    row = session.execute(REMEMBERED, [attempt.key]).fetchone()
    session.rollback()
    remembered = bytes(row[0]) if row else None  # type: ignore[call-overload]
    if attempt.body is not None:
        if remembered != attempt.body:
            return [f"an acknowledged order is lost: {attempt.key}"]
    elif not attempt.refused:
        _ask_until_answered(attempt, asker)
        if remembered is not None and attempt.body != remembered:
            return [f"a retry does not return what happened: {attempt.key}"]
        if attempt.body is None and not attempt.refused:
            return [f"a retry has no final answer: {attempt.key}"]
    return _whole(session, attempt) if attempt.body is not None else []


def _ask_until_answered(attempt: Attempt, asker: Customer) -> None:
    """The retry that we document: the same request with the same key, again while it says 503."""
    asker.secret = attempt.secret
    for _ in range(20):
        asker.send(attempt)
        if attempt.body is not None or attempt.refused:
            return
        time.sleep(0.5)


def _whole(session: "psycopg.Connection[tuple[object, ...]]", attempt: Attempt) -> list[str]:
    assert attempt.body is not None
    order_id = json_text.load(attempt.body)["meta"]["order_id"]
    row = session.execute(WHOLE, [order_id]).fetchone()
    session.rollback()
    if row is None:
        return [f"an order is absent that was acknowledged: {order_id}"]
    quantity, total, numbers, events, charged = row
    expected: Sequence[str] = sorted(attempt.numbers)
    if (quantity, numbers, events, charged) != (len(expected), expected, len(expected), total):
        return [f"an order is not whole: {order_id}: {row}"]
    return []
