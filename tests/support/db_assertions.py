"""What the database holds, read in plain SQL without the product's models and functions."""

from decimal import Decimal
from typing import Any

from django.db import connection

from campaigns.models import Organization
from numbers.verification.run import verify_inventory

# Each gives the rows that must not exist. numbers/verification/run.py proves the same for operators; these
# are written apart from it, so that one mistake can't hide in both.
NEVER = {
    "a number with two owners": """
        SELECT number_id FROM numbers_assignment WHERE ended_at IS NULL GROUP BY number_id HAVING count(*) > 1""",
    "an owner of a number that is not assigned, or the other way round": """
        SELECT n.number FROM numbers_phonenumber n
        LEFT JOIN numbers_assignment a ON a.number_id = n.id AND a.ended_at IS NULL
        WHERE (n.status = 'assigned') <> (a.id IS NOT NULL)""",
    "an order without all of its numbers, each recorded in the history": """
        SELECT o.id FROM numbers_order o
        LEFT JOIN numbers_assignment a ON a.order_id = o.id
        LEFT JOIN numbers_numberevent e ON e.assignment_id = a.id AND e.kind = 'assigned' AND e.order_id = o.id
        WHERE o.status = 'complete'
        GROUP BY o.id HAVING count(a.id) <> o.quantity OR count(e.id) <> o.quantity
            OR sum(a.price + a.monthly_price) <> o.total""",
    "an order not charged once at its total, or a sandbox that paid": """
        SELECT o.id FROM numbers_order o LEFT JOIN numbers_creditentry c ON c.order_id = o.id
        WHERE o.status = 'complete'
        GROUP BY o.id HAVING count(c.id) <> (NOT o.sandbox)::int OR sum(c.amount) <> -o.total""",
    "a balance below zero or other than the sum of its ledger": """
        SELECT a.organization_id FROM numbers_creditaccount a
        LEFT JOIN numbers_creditentry c ON c.account_id = a.organization_id
        GROUP BY a.organization_id HAVING a.balance < 0 OR a.balance <> coalesce(sum(c.amount), 0)""",
    "a month charged twice, or rent that its ledger entry does not have": """
        SELECT assignment_id::text, period FROM numbers_rentcharge GROUP BY 1, 2 HAVING count(*) > 1
        UNION ALL
        SELECT e.id::text, NULL FROM numbers_creditentry e
        LEFT JOIN numbers_rentcharge c ON c.entry_id = e.id WHERE e.kind = 'rent'
        GROUP BY e.id HAVING e.amount <> -coalesce(sum(c.amount), 0)""",
    "a number of the test inventory with a live owner, or the other way round": """
        SELECT n.number FROM numbers_assignment a JOIN numbers_phonenumber n ON n.id = a.number_id
        JOIN campaigns_organization o ON o.id = a.organization_id WHERE n.sandbox <> o.is_sandbox""",
    "an idempotency record without its answer": """
        SELECT key FROM numbers_idempotencyrecord WHERE status IS NULL OR body IS NULL""",
}


def rows(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return cursor.fetchall()


def row(sql: str, *parameters: Any) -> dict[str, Any]:
    """The one row that there is."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        (values,) = cursor.fetchall()
        return dict(zip([column.name for column in cursor.description], values, strict=True))


def run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(sql)


def assert_in_order(*, recorded: bool = True) -> None:
    """Pass ``recorded=False`` where a test wrote a state by hand, without its history."""
    for never, sql in NEVER.items():
        assert rows(sql) == [], never
    broken = recorded and [
        (finding.check.name, finding.rows) for finding in verify_inventory() if not finding.holds
    ]
    assert not broken, broken


def owners() -> dict[str, str]:
    """Who owns what now: number to the organization's name."""
    return dict(
        rows(
            """SELECT n.number, o.name FROM numbers_assignment a JOIN numbers_phonenumber n ON n.id = a.number_id
            JOIN campaigns_organization o ON o.id = a.organization_id WHERE a.ended_at IS NULL"""
        )
    )


def balance(organization: Organization) -> Decimal:
    ((amount,),) = rows(
        "SELECT balance FROM numbers_creditaccount WHERE organization_id = %s", organization.pk
    )
    return amount


def charges(organization: Organization) -> list[Decimal]:
    """What was charged, oldest first."""
    return [
        -amount
        for (amount,) in rows(
            "SELECT amount FROM numbers_creditentry WHERE account_id = %s AND kind = 'charge' ORDER BY id",
            organization.pk,
        )
    ]


# Of what keys did: what a test prepared was done by a command.
WRITTEN = """
    SELECT (SELECT count(*) FROM numbers_order WHERE actor LIKE 'key:%') AS orders,
           (SELECT count(*) FROM numbers_assignment a JOIN numbers_order o ON o.id = a.order_id
            WHERE o.actor LIKE 'key:%') AS owned,
           (SELECT count(*) FROM numbers_numberevent WHERE actor LIKE 'key:%') AS recorded,
           (SELECT count(*) FROM numbers_creditentry WHERE actor LIKE 'key:%') AS charged,
           (SELECT count(*) FROM numbers_idempotencyrecord) AS remembered
"""
NOTHING = {"orders": 0, "owned": 0, "recorded": 0, "charged": 0, "remembered": 0}


def written() -> dict[str, int]:
    """How many rows orders through the API have left: NOTHING, or one order of so many numbers."""
    return row(WRITTEN)
