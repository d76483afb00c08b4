"""Buying any numbers that match: what nobody else is taking, rather than waiting for it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
from django.db import connection

from config.db.array_text import array_text
from config.db.batches import send
from config.db.pipeline import OneOff, Rows, Statement
from numbers.inventory.candidates import TURN, candidates_from
from numbers.inventory.criteria import Criteria
from numbers.locks import LOCK_FOUND, LockedNumber
from numbers.orders.purchase import Buyer
from numbers.orders.waiting import Wish
from numbers.ownership.routing import Routing

MOST = 1_000
NOTHING: frozenset[int] = frozenset()

# A look reads the stock without a lock and must not take long, whatever a wish says.
_PROBE_TIMEOUT = "SELECT set_config('statement_timeout', '1s', true)"
_ANY_TURN = "0"
_OWN_TURN = "(SELECT place FROM turn)"


@dataclass(frozen=True, slots=True)
class QuantityRequest:
    """How many of what at which price, and where their messages go. Without a price: any price."""

    quantity: int
    criteria: Criteria
    routing: Routing
    max_price: Decimal | None = None

    def wish_of(self, buyer: Buyer) -> Wish:
        return Wish(buyer.organization_id, buyer.is_sandbox, self.criteria, self.max_price)

    @property
    def criteria_json(self) -> str:
        return orjson.dumps(self.criteria.as_json()).decode()


@dataclass(frozen=True, slots=True)
class Found:
    """Numbers that are locked for this transaction; how many were seen, and the dearest of those."""

    rows: list[LockedNumber]
    seen: int
    dearest: Decimal | None


def usual_depth(quantity: int) -> int:
    """Return how many numbers to find so that ``quantity`` are left where others buy at once."""
    return quantity * 2 + 50


def find_statement(wish: Wish, *, quantity: int, depth: int, besides: frozenset[int] = NOTHING) -> Statement:
    """Return the statement that finds ``depth`` available numbers and locks ``quantity`` of them.

    It waits for nobody: numbers that somebody has locked, or has bought since, are passed over.
    """
    query, parameters = candidates_from(_OWN_TURN, wish.criteria, wish.max_price)
    order = "" if wish.max_price is None else "ORDER BY price"
    text = LOCK_FOUND.format(turn=TURN.replace("%", "%%"), candidates=query, order=order)
    return (OneOff(text) if wish.criteria.pattern else text), {
        **_open_parameters(wish, quantity=depth + len(besides)),
        **parameters,
        "most": quantity,
        "besides": array_text(sorted(besides)),
        "organization_id": wish.organization_id,
    }


def read_found(rows: Rows) -> Found:
    seen, dearest = rows[0][:2]
    return Found([LockedNumber._make(row[2:]) for row in rows if row[2] is not None], seen, dearest)


def pick(found: Found, wish: Wish, *, quantity: int, besides: frozenset[int] = NOTHING) -> Found:
    """Return what ``find_statement`` found, or what a deeper look finds while others hold that."""
    depth = usual_depth(quantity)
    while len(found.rows) < quantity and found.seen >= depth + len(besides):
        depth *= 8
        (rows,) = send(find_statement(wish, quantity=quantity, depth=depth, besides=besides))
        found = read_found(rows)
    return found


def available_ids(wish: Wish, *, most: int) -> list[int]:
    """Return up to ``most`` numbers that could fill the wish now, without locking them.

    Outside a transaction the look is cut short; in one, the transaction's own time-out holds.
    """
    query, parameters = candidates_from(_ANY_TURN, wish.criteria, wish.max_price)
    text = OneOff(query) if wish.criteria.pattern else query
    timeout: tuple[Statement, ...] = () if connection.in_atomic_block else ((_PROBE_TIMEOUT, ()),)
    *_, rows = send(*timeout, (text, {**_open_parameters(wish, quantity=most), **parameters}))
    return [row[0] for row in rows]


def _open_parameters(wish: Wish, *, quantity: int) -> dict[str, Any]:
    return {
        "quantity": quantity,
        "sandbox": wish.sandbox,
        "held_by": wish.organization_id,
        "max_price": wish.max_price,
    }
