"""Change prices, SMS and MMS of numbers.

A new price, and a new monthly price, apply to the next sale. The current owner keeps those of the
sale (numbers.rent.notice changes what an owner pays each month).
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb

from config.actors import Actor
from config.db.fields import LARGEST_AMOUNT as LARGEST_PRICE
from config.db.transactions import run_transaction
from config.errors import ValidationFailed
from numbers.events.phone_numbers import write_owned_numbers_updated
from numbers.locks import LockedNumber, lock_numbers_by_id, lock_open_assignments
from numbers.models import NumberEvent

CENT = Decimal("0.01")

# The changed columns, and an event for each number, in one statement.
CHANGE = """
    WITH line AS (
        SELECT * FROM unnest(%(ids)s::bigint[], %(before)s::jsonb[]) AS t (number_id, before)
    ), changed AS (
        UPDATE numbers_phonenumber AS n
        SET price = COALESCE(%(price)s::numeric, price),
            monthly_price = COALESCE(%(monthly_price)s::numeric, monthly_price),
            sms_enabled = COALESCE(%(sms)s::boolean, sms_enabled),
            mms_enabled = COALESCE(%(mms)s::boolean, mms_enabled), updated_at = clock_timestamp()
        FROM line WHERE n.id = line.number_id
    )
    INSERT INTO numbers_numberevent (at, number_id, kind, organization_id, assignment_id, actor,
                                     request_id, before, after, reason)
    SELECT clock_timestamp(), line.number_id, %(kind)s, a.organization_id, a.id, %(actor)s,
           %(request_id)s, before, %(after)s::jsonb, %(reason)s
    FROM line LEFT JOIN numbers_assignment AS a
         ON a.number_id = line.number_id AND a.ended_at IS NULL
            -- prices are those of the next sale: they are nothing to the owner
            AND coalesce(%(sms)s::boolean, %(mms)s::boolean) IS NOT NULL
"""

# What a number can carry is part of what its owner sees, so ``updated_at`` moves with it.
TOUCH_OWNED = """
    UPDATE numbers_assignment SET updated_at = clock_timestamp()
    WHERE number_id = ANY(%s) AND ended_at IS NULL
"""


def move_price(
    *,
    number_ids: Sequence[int],
    price: Decimal | None = None,
    monthly_price: Decimal | None = None,
    actor: Actor,
    reason: str,
) -> list[int]:
    """Set prices of these numbers; return the ids of those that changed. None leaves one unchanged.

    Raise ValidationFailed if a price is out of bounds or not in whole cents.
    """
    given = {"price": price, "monthly_price": monthly_price}
    wanted = {
        name: whole_cents(value, name=name) for name, value in given.items() if value is not None
    }
    return _change(
        number_ids,
        differs=lambda row: any(getattr(row, name) != value for name, value in wanted.items()),
        before=lambda row: {name: f"{getattr(row, name):.2f}" for name in wanted},
        parameters={
            "price": wanted.get("price"),
            "monthly_price": wanted.get("monthly_price"),
            "sms": None,
            "mms": None,
            "kind": NumberEvent.Kind.PRICED,
        },
        after={name: f"{value:.2f}" for name, value in wanted.items()},
        actor=actor,
        reason=reason,
    )


def whole_cents(price: Decimal, *, name: str = "price") -> Decimal:
    """Return the price with two decimals. Raise ValidationFailed if it is not a valid price."""
    if not price.is_finite() or not 0 <= price <= LARGEST_PRICE or price != price.quantize(CENT):
        raise ValidationFailed(
            details={name: f"must be from 0.00 to {LARGEST_PRICE}, in whole cents"}
        )
    return price.quantize(CENT)


def set_capabilities(
    *,
    number_ids: Sequence[int],
    sms_enabled: bool | None,
    mms_enabled: bool | None,
    actor: Actor,
    reason: str,
) -> list[int]:
    """Switch SMS and MMS; None leaves one unchanged. Return the ids of numbers that changed.

    Raise ValidationFailed if both are None.
    """
    wanted = {"sms_enabled": sms_enabled, "mms_enabled": mms_enabled}
    after = {name: value for name, value in wanted.items() if value is not None}
    if not after:
        raise ValidationFailed(
            details={"sms_enabled": "or mms_enabled must be given: there is nothing to switch"}
        )
    return _change(
        number_ids,
        differs=lambda row: any(getattr(row, name) != value for name, value in after.items()),
        before=lambda row: {name: getattr(row, name) for name in after},
        parameters={
            "price": None,
            "monthly_price": None,
            "sms": sms_enabled,
            "mms": mms_enabled,
            "kind": NumberEvent.Kind.CHANGED,
        },
        after=after,
        actor=actor,
        reason=reason,
    )


def _change(
    number_ids: Sequence[int],
    *,
    differs: Callable[[LockedNumber], bool],
    before: Callable[[LockedNumber], dict[str, Any]],
    parameters: dict[str, Any],
    after: dict[str, Any],
    actor: Actor,
    reason: str,
) -> list[int]:
    shared: dict[str, Any] = {
        **parameters,
        "after": Jsonb(after),
        "actor": str(actor),
        "request_id": actor.request_id,
        "reason": reason,
    }
    return run_transaction(lambda _: _change_locked(sorted(number_ids), differs, before, shared))


def _change_locked(
    number_ids: list[int],
    differs: Callable[[LockedNumber], bool],
    before: Callable[[LockedNumber], dict[str, Any]],
    shared: dict[str, Any],
) -> list[int]:
    owners_see_it = shared["kind"] == NumberEvent.Kind.CHANGED
    if owners_see_it:
        lock_open_assignments(number_ids)
    rows = [row for row in lock_numbers_by_id(number_ids) if differs(row)]
    if rows:
        lines: dict[str, Any] = {
            "ids": [row.id for row in rows],
            "before": [Jsonb(before(row)) for row in rows],
        }
        with connection.cursor() as cursor:
            cursor.execute(CHANGE, {**shared, **lines})
            if owners_see_it:
                cursor.execute(TOUCH_OWNED, [lines["ids"]])
        if owners_see_it:
            write_owned_numbers_updated(lines["ids"])
    return [row.id for row in rows]
