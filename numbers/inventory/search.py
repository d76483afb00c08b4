"""Search available numbers; results start at a different position for each search.

Every number has a random position, ``spread``. A search starts at a position of its own and reads
on from there, so that concurrent buyers rarely see the same numbers. Each position is the golden
section of the circle further on than the last, so that any 200 in a row are at least 0.6 of the
largest possible distance apart. Random positions collided in 20 to 60 % of orders of five in one
area code; reading in the order of an index in 92 %. A counter with its bits reversed puts half of
the positions beside those just before, when the counter passes a large power of two.

What a search reads is bounded. numbers.inventory.search_sql has its statements.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from typing_extensions import TypedDict

from config.api.declared import doc
from config.api.field_kinds import Flag, Money
from config.db.replica import reading_connection
from numbers.field_kinds import E164, NumberType, Region
from numbers.inventory.candidates import TURN
from numbers.inventory.criteria import Criteria
from numbers.inventory.search_sql import COLUMNS, Lookup, Near, Part, parts_of

# A search that takes longer is canceled: 503, as for every statement that takes too long.
TIMEOUT_MS = 1_000
_SET_TIMEOUT = "SELECT set_config('statement_timeout', %s, true)"
_CIRCLE = 2**31

Row = dict[str, Any]


class AvailableNumberJson(TypedDict):
    """A number that could be ordered when you asked."""

    number: Annotated[E164, doc("In E.164.")]
    number_type: NumberType
    sms_enabled: Annotated[Flag, doc("Whether it can send and receive SMS.")]
    mms_enabled: Annotated[Flag, doc("Whether it can send and receive MMS.")]
    region: Annotated[Region, doc("Where it belongs; empty where that is not known.")]
    price: Annotated[Money, doc("What it costs once.")]
    monthly_price: Annotated[
        Money, doc("What each month costs; the first is charged with the order.", example="0.00")
    ]


@dataclass(frozen=True, slots=True)
class Found:
    """An available number as a search shows it. Nothing is reserved."""

    number: str
    number_type: str
    sms_enabled: bool
    mms_enabled: bool
    region: str
    price: Decimal
    monthly_price: Decimal

    def as_json(self) -> AvailableNumberJson:
        return {
            "number": self.number,
            "number_type": self.number_type,
            "sms_enabled": self.sms_enabled,
            "mms_enabled": self.mms_enabled,
            "region": self.region,
            "price": self.price,
            "monthly_price": self.monthly_price,
        }


def search(criteria: Criteria, *, quantity: int, sandbox: bool) -> list[Found]:
    """Return up to `quantity` available numbers without a hold."""
    rows = _find(reading_connection(), criteria, quantity=quantity, sandbox=sandbox)
    return [Found(**{name: row[name] for name in Found.__slots__}) for row in rows]


def _find(
    database: BaseDatabaseWrapper, criteria: Criteria, *, quantity: int, sandbox: bool
) -> list[Row]:
    if criteria.contradiction:
        return []
    turn = _next_turn()
    asked = {"quantity": quantity, "sandbox": sandbox, "turn": turn}
    with _bounded(database):
        rows = [row for part in parts_of(criteria) for row in _find_part(database, part, asked)]
    return sorted(rows, key=lambda row: (row["spread"] - turn) % _CIRCLE)[:quantity]


def _find_part(database: BaseDatabaseWrapper, part: Part, asked: dict[str, Any]) -> list[Row]:
    """Read near the turn first, and more only if that was neither enough nor the whole shelf."""
    quantity = asked["quantity"]
    near = part.near(quantity)
    rows, full_windows = _run(database, near, asked)
    if near.window and full_windows and len(rows) < quantity:
        if part.is_common(quantity, found=len(rows), rows=full_windows * near.window):
            rows, full_windows = _run(database, part.wide(quantity), asked)
        if full_windows and len(rows) < quantity:
            rows, _ = _run(database, Lookup(part), asked)
    return rows


def _run(
    database: BaseDatabaseWrapper, step: Near | Lookup, asked: dict[str, Any]
) -> tuple[list[Row], int]:
    """Return the rows of a step, and how many of its windows are smaller than their shelf."""
    statement, parameters = step.statement(asked)
    with database.cursor() as cursor:
        cursor.execute(statement, parameters)
        found = cursor.fetchall()
    rows = [dict(zip(COLUMNS, row[1:], strict=True)) for row in found if row[1] is not None]
    return rows, max((row[0] for row in found), default=0)


@contextmanager
def _bounded(database: BaseDatabaseWrapper) -> Iterator[None]:
    """Limit the time of each statement.

    A transaction that is open on the primary has its own limits.
    """
    if database.in_atomic_block and database.alias == DEFAULT_DB_ALIAS:
        yield
        return
    with transaction.atomic(using=database.alias):
        with database.cursor() as cursor:
            cursor.execute(_SET_TIMEOUT, [f"{TIMEOUT_MS}ms"])
        yield


def _next_turn() -> int:
    """Return a position far from recent ones. It needs the primary, since it counts."""
    with connection.cursor() as cursor:
        cursor.execute(TURN)
        return int(cursor.fetchone()[0])
