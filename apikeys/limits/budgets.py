"""What a key may spend: limits of money by period, counted in the transaction of each order.

A budget counts the orders of its key and of the keys that descend from it. The account's lock
guards all budgets of an organization: an order holds it, and so does a change of a limit.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, NamedTuple
from uuid import UUID

from django.db import connection
from typing_extensions import TypedDict

from apikeys.limits.spending_limits import SpendingLimit
from apikeys.models import SpendingPeriod
from config.api.declared import doc
from config.api.envelope import timestamp
from config.api.field_kinds import Currency, Moment, Money, OneOf
from config.db.fields import first_id_of
from config.db.pipeline import Statement, run_statements
from config.errors import ApiError


class SpendingShortfallJson(TypedDict):
    limit: Annotated[Money, doc("What the key may spend in the period.", example="50.00")]
    spent: Annotated[Money, doc("What it has spent in it.", example="49.50")]
    remaining: Annotated[Money, doc("What is left of the limit.", example="0.50")]
    required: Annotated[Money, doc("What the order costs.", example="2.00")]
    currency: Currency
    period: Annotated[str, OneOf(SpendingPeriod.values), doc("The limit's.", example="day")]
    resets_at: Annotated[
        Moment | None, doc("When the limit begins again; null for one that never does.")
    ]


class SpendingLimitExceeded(ApiError):
    """The key that orders may not spend as much, or the key that it descends from may not."""

    status, code, message = 402, "SPENDING_LIMIT_EXCEEDED", "spending limit exceeded"


class Budget(NamedTuple):
    """A limit with what is spent of it in the period of now."""

    key_id: UUID
    amount: Decimal | None
    period: str
    spent: Decimal
    resets_at: datetime | None

    @property
    def remaining(self) -> Decimal | None:
        return None if self.amount is None else max(self.amount - self.spent, Decimal("0.00"))


_NOW = "clock_timestamp()"
_FAMILY = (
    "key_id = ANY(ARRAY(SELECT unnest(within) FROM apikeys_keybudget WHERE key_id = {key}::uuid))"
)
_BUDGETS = f"""
    SELECT key_id, amount, period,
           CASE WHEN apikeys_window_start(period, {_NOW}) > window_start THEN 0.00 ELSE spent END,
           CASE period WHEN 'total' THEN NULL
                ELSE (apikeys_window_start(period, {_NOW}) + ('1 ' || period)::interval)
                     AT TIME ZONE 'UTC' END
    FROM apikeys_keybudget WHERE {_FAMILY.format(key="%s")}
"""  # noqa: S608  made of constants

# A part of the order's statement. Keys without limits have no row here.
COUNT_FOR_LIMITS = f"""
        UPDATE apikeys_keybudget
        SET spent = CASE WHEN apikeys_window_start(period, %(at)s::timestamptz) > window_start
                         THEN 0 ELSE spent END + %(total)s::numeric,
            window_start = greatest(window_start,
                                    apikeys_window_start(period, %(at)s::timestamptz))
        WHERE {_FAMILY.format(key="%(api_key_id)s")}
"""  # noqa: S608  made of constants

_LOCK_ACCOUNT = """
    SELECT FROM numbers_creditaccount WHERE organization_id = %s FOR NO KEY UPDATE
"""
_OPEN = """
    INSERT INTO apikeys_keybudget (key_id, amount, period, window_start, spent, within)
    VALUES (%s, %s, %s, apikeys_window_start(%s, clock_timestamp()), 0, %s)
"""
# The orders of a period, which began on a day: named ones are as old as their ids.
_SET = """
    INSERT INTO apikeys_keybudget AS b (key_id, amount, period, window_start, spent, within)
    SELECT %(key)s, %(amount)s, %(period)s, %(start)s, coalesce(sum(o.total), 0), ARRAY[%(key)s::uuid]
    FROM numbers_order o
    WHERE o.organization_id = %(organization)s AND (o.id >= %(first_id)s OR o.kind = 'quantity')
      AND o.status = 'complete' AND o.finished_at >= %(start)s::timestamp AT TIME ZONE 'UTC'
      AND (o.api_key_id = %(key)s
           OR o.api_key_id IN (SELECT key_id FROM apikeys_keybudget WHERE %(key)s = ANY(within)))
    ON CONFLICT (key_id) DO UPDATE
    SET amount = EXCLUDED.amount, period = EXCLUDED.period, window_start = EXCLUDED.window_start,
        spent = EXCLUDED.spent
"""


def budgets_statement(key_id: UUID) -> Statement:
    """Return the statement that reads the budgets which an order of this key counts for."""
    return _BUDGETS, [key_id]


def require_within_limits(budgets: Sequence[Budget], total: Decimal, *, currency: str) -> None:
    """Raise SpendingLimitExceeded if ``total`` is more than what is left of one of the limits.

    The error describes the limit that leaves least.
    """
    if not budgets:
        return
    tightest = tightest_of(budgets)
    if tightest is None or tightest.remaining is None or total <= tightest.remaining:
        return
    data: SpendingShortfallJson = {
        "limit": tightest.amount or Decimal("0.00"),
        "spent": tightest.spent,
        "remaining": tightest.remaining,
        "required": total,
        "currency": currency,
        "period": tightest.period,
        "resets_at": timestamp(tightest.resets_at),
    }
    raise SpendingLimitExceeded(data=data)


def tightest_of(budgets: Iterable[Budget]) -> Budget | None:
    """Return the budget that leaves least, None if none has an amount."""
    limits = [one for one in budgets if one.amount is not None]
    return min(limits, key=lambda one: one.remaining or Decimal("0.00"), default=None)


class Use(NamedTuple):
    """What a key has spent and may still spend."""

    spent: Decimal
    remaining: Decimal | None
    resets_at: datetime | None


def use_of(key_id: UUID) -> Use | None:
    """Return the use of the limits that bind a key; None without a limit.

    What is spent is of its own limit, or of the tightest above it if it has none. The rest is of
    the one that leaves least.
    """
    budgets = budgets_of(key_id)
    tightest = tightest_of(budgets)
    if tightest is None:
        return None
    own = budgets[0] if budgets[0].amount is not None else tightest
    return Use(own.spent, tightest.remaining, tightest.resets_at)


def budgets_of(key_id: UUID) -> list[Budget]:
    """Return the budgets that an order of this key counts for, its own first."""
    (rows,) = run_statements(budgets_statement(key_id))
    found = [Budget._make(row) for row in rows]
    return sorted(found, key=lambda one: one.key_id != key_id)


def open_budget(key_id: UUID, limit: SpendingLimit | None, *, within: Sequence[UUID]) -> None:
    """Give a new key its budget. ``within``: the keys that it descends from."""
    amount, period = limit or (None, SpendingPeriod.TOTAL.value)
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [key_id, amount, period, period, [*within, key_id]])


def set_limit(key_id: UUID, organization_id: UUID, limit: SpendingLimit | None) -> None:
    """Give a key a limit, or none, from now on; what it spent in the period counts.

    The caller holds the key's lock, in a transaction. Locks the organization's account.
    """
    amount, period = limit or (None, SpendingPeriod.TOTAL.value)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_ACCOUNT, [organization_id])
        cursor.execute(
            "SELECT start, start::timestamp AT TIME ZONE 'UTC' "
            "FROM (SELECT apikeys_window_start(%s, clock_timestamp()) AS start) AS w",
            [period],
        )
        start, moment = cursor.fetchone()
        cursor.execute(
            _SET,
            {
                "key": key_id,
                "organization": organization_id,
                "amount": amount,
                "period": period,
                "start": start,
                "first_id": first_id_of(moment),
            },
        )
