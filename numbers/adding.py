"""New stock by name: a handful of numbers that an operator types. Files go through the import."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db import connection

from config.actors import Actor
from config.errors import ValidationFailed
from config.transactions import run_transaction
from numbers.area_codes import REGIONS
from numbers.e164 import TOLL_FREE_AREA_CODES, area_code_of, is_e164, type_of
from numbers.filling import stock_was_added
from numbers.models import StockBatch

# In the order of the unique index, so that two at once wait for each other and never deadlock.
ADD = """
    INSERT INTO numbers_phonenumber (number, number_type, status, sandbox, sms_enabled, mms_enabled, region,
                                     rate_center, carrier, price, batch_id, updated_at)
    SELECT number, number_type, 'available', %(sandbox)s, %(sms_enabled)s, %(mms_enabled)s, region, '', '',
           %(price)s, %(batch_id)s, now()
    FROM unnest(%(numbers)s::text[], %(types)s::text[], %(regions)s::text[]) AS line (number, number_type, region)
    ORDER BY number
    ON CONFLICT (number) DO NOTHING
    RETURNING number
"""


def add_numbers(
    *,
    numbers: Sequence[str],
    price: Decimal,
    actor: Actor,
    sms_enabled: bool = True,
    mms_enabled: bool = True,
    sandbox: bool = False,
    note: str = "",
) -> StockBatch:
    """Add these E.164 numbers to the stock, all of them or none.

    Raises ValidationFailed for what is no such number, comes twice or is in stock already, naming it.
    """
    _check(numbers)

    def work() -> StockBatch:
        batch = StockBatch.objects.create(
            source=StockBatch.Source.OPERATOR, actor=str(actor), request_id=actor.request_id, note=note
        )
        parameters: dict[str, Any] = {
            "numbers": list(numbers),
            "types": [type_of(number) for number in numbers],
            "regions": [REGIONS.get(area_code_of(number) or "", "") for number in numbers],
            "price": price,
            "sms_enabled": sms_enabled,
            "mms_enabled": mms_enabled,
            "sandbox": sandbox,
            "batch_id": batch.pk,
        }
        with connection.cursor() as cursor:
            cursor.execute(ADD, parameters)
            added = {row[0] for row in cursor.fetchall()}
        if known := [number for number in numbers if number not in added]:
            raise ValidationFailed(details={"numbers": f"are in stock already: {', '.join(known[:10])}"})
        return batch

    batch = run_transaction(work)
    stock_was_added()
    return batch


def _check(numbers: Sequence[str]) -> None:
    if not numbers:
        raise ValidationFailed(details={"numbers": "are missing: give at least one, such as +14155550123"})
    for position, number in enumerate(numbers):
        if problem := _problem(number, numbers[:position]):
            raise ValidationFailed(details={"numbers": f"line {position + 1}, {number[:32]!r}, {problem}"})


def _problem(number: str, before: Sequence[str]) -> str | None:
    if not is_e164(number):
        return "is no E.164 number such as +14155550123"
    if number in before:
        return "comes twice"
    if number.startswith("+1") and len(number) > 7:
        area_code = area_code_of(number)
        if area_code not in REGIONS and area_code not in TOLL_FREE_AREA_CODES:
            return "is not +1, an area code in service and seven digits"
    return None
