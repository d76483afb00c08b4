"""Pick matching numbers for a bulk order, skipping those that other transactions have locked."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from config import json_text
from config.db.pipeline import OneOff, Rows, Statement, array_text, run_statements
from config.db.transactions import Transaction
from numbers.inventory.candidates import TURN, candidates_from
from numbers.inventory.criteria import Criteria
from numbers.locks import LOCK_FOUND, LockedNumber
from numbers.orders.purchase import Buyer
from numbers.orders.waiting import Demand
from numbers.ownership.routing import Routing

MOST = 1_000
NOTHING: frozenset[int] = frozenset()

# Reading the stock without a lock must be fast, whatever is asked for.
_PROBE_TIMEOUT = "SELECT set_config('statement_timeout', '1s', true)"
_ANY_TURN = "0"
_OWN_TURN = "(SELECT place FROM turn)"


@dataclass(frozen=True, slots=True)
class BulkOrderTerms:
    """The quantity, criteria, highest price, routing and reference of a bulk order.

    No price: any price.
    """

    quantity: int
    criteria: Criteria
    routing: Routing
    max_price: Decimal | None = None
    customer_reference: str = ""

    def demand_of(self, buyer: Buyer) -> Demand:
        return Demand(buyer.organization_id, buyer.is_sandbox, self.criteria, self.max_price)

    @property
    def criteria_json(self) -> str:
        return json_text.dump(self.criteria.as_json()).decode()


@dataclass(frozen=True, slots=True)
class Found:
    """Numbers locked in this transaction; how many were seen, and the highest cost among those."""

    rows: list[LockedNumber]
    seen: int
    dearest: Decimal | None


def usual_depth(quantity: int) -> int:
    """Return how many numbers to find, so that enough are left by concurrent buyers."""
    return quantity * 2 + 50


def find_statement(
    demand: Demand, *, quantity: int, depth: int, besides: frozenset[int] = NOTHING
) -> Statement:
    """Return the statement that finds `depth` available numbers and locks `quantity` of them.

    It never waits: numbers that another transaction has locked, or bought since, are skipped.
    """
    query, parameters = candidates_from(_OWN_TURN, demand.criteria, demand.max_price)
    order = "" if demand.max_price is None else "ORDER BY price + monthly_price"
    text = LOCK_FOUND.format(turn=TURN.replace("%", "%%"), candidates=query, order=order)
    return (OneOff(text) if demand.criteria.pattern else text), {
        **_open_parameters(demand, quantity=depth + len(besides)),
        **parameters,
        "most": quantity,
        "besides": array_text(sorted(besides)),
        "organization_id": demand.organization_id,
    }


def read_found(rows: Rows) -> Found:
    seen, dearest = rows[0][:2]
    return Found([LockedNumber._make(row[2:]) for row in rows if row[2] is not None], seen, dearest)


def pick(
    tx: Transaction,
    found: Found,
    demand: Demand,
    *,
    quantity: int,
    besides: frozenset[int] = NOTHING,
) -> Found:
    """Return what ``find_statement`` found, or what a deeper look finds while others hold that."""
    depth = usual_depth(quantity)
    while len(found.rows) < quantity and found.seen >= depth + len(besides):
        depth *= 8
        (rows,) = tx.run(find_statement(demand, quantity=quantity, depth=depth, besides=besides))
        found = read_found(rows)
    return found


def available_ids(demand: Demand, *, most: int) -> list[int]:
    """Return the ids of up to `most` numbers that could meet the demand now, without locking them.

    Outside a transaction the statement has a timeout of its own.
    """
    query, parameters = candidates_from(_ANY_TURN, demand.criteria, demand.max_price)
    text = OneOff(query) if demand.criteria.pattern else query
    timeout: tuple[Statement, ...] = () if connection.in_atomic_block else ((_PROBE_TIMEOUT, ()),)
    *_, rows = run_statements(
        *timeout, (text, {**_open_parameters(demand, quantity=most), **parameters})
    )
    return [row[0] for row in rows]


def _open_parameters(demand: Demand, *, quantity: int) -> dict[str, Any]:
    return {
        "quantity": quantity,
        "sandbox": demand.sandbox,
        "held_by": demand.organization_id,
        "max_price": demand.max_price,
    }
