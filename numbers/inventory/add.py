"""Add a few named numbers that an operator types. Files go through numbers.imports."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import connection

from config.actors import Actor
from config.db.transactions import Transaction, run_transaction
from config.errors import ValidationFailed
from numbers.inventory.pricing import whole_cents
from numbers.models import StockBatch
from numbers.numbering.phone_numbers import Named, NotANumber, judge_number
from numbers.worker.wake import wake_statement

# In the order of the unique index, so that concurrent statements wait and never deadlock.
ADD = """
    INSERT INTO numbers_phonenumber (number, number_type, status, sandbox, sms_enabled, mms_enabled,
                                     region, rate_center, carrier, price, batch_id, updated_at)
    SELECT number, number_type, 'available', %(sandbox)s, %(sms_enabled)s, %(mms_enabled)s, region,
           '', '', %(price)s, %(batch_id)s, now()
    FROM unnest(%(numbers)s::text[], %(types)s::text[], %(regions)s::text[])
        AS line (number, number_type, region)
    ORDER BY number
    ON CONFLICT (number) DO NOTHING
    RETURNING number
"""


def add_numbers(
    *,
    numbers: Sequence[str],
    price: Decimal,
    actor: Actor,
    number_type: str | None = None,
    sms_enabled: bool = True,
    mms_enabled: bool = True,
    sandbox: bool = False,
    note: str = "",
) -> StockBatch:
    """Add these E.164 numbers to the stock, all of them or none.

    Without `number_type`, the type follows from the number. Raise ValidationFailed naming the first
    number that cannot exist, is listed twice or is already in stock.
    """
    named = _judged(numbers, number_type)
    attributes: dict[str, Any] = {
        "price": whole_cents(price),
        "sms_enabled": sms_enabled,
        "mms_enabled": mms_enabled,
        "sandbox": sandbox,
    }
    return run_transaction(lambda tx: _add(tx, named, attributes, actor, note))


def _add(
    tx: Transaction,
    named: list[Named],
    attributes: dict[str, Any],
    actor: Actor,
    note: str,
) -> StockBatch:
    batch = StockBatch.objects.create(
        source=StockBatch.Source.OPERATOR,
        actor=str(actor),
        request_id=actor.request_id,
        note=note,
    )
    numbers: dict[str, Any] = {
        "numbers": [one.number for one in named],
        "types": [one.number_type for one in named],
        "regions": [one.place for one in named],
        "batch_id": batch.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(ADD, {**attributes, **numbers})
        added = {row[0] for row in cursor.fetchall()}
    if known := [one.number for one in named if one.number not in added]:
        raise ValidationFailed(
            details={"numbers": f"are in stock already: {', '.join(known[:10])}"},
        )
    tx.run(wake_statement())
    return batch


def _judged(numbers: Sequence[str], number_type: str | None) -> list[Named]:
    if not numbers:
        raise ValidationFailed(
            details={"numbers": "are missing: give at least one, such as +14155550123"}
        )
    named: dict[str, Named] = {}
    for position, number in enumerate(numbers, 1):
        try:
            one = judge_number(number, number_type=number_type)
        except NotANumber as problem:
            raise ValidationFailed(details={"numbers": f"line {position}: {problem}"}) from None
        if one.number in named:
            raise ValidationFailed(
                details={"numbers": f"line {position}: {number!r} is listed twice"}
            )
        named[one.number] = one
    return list(named.values())
