"""Add named numbers: those that an operator types, or that the operator's systems send."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection

from config.actors import Actor
from config.db.transactions import Transaction, run_transaction
from config.errors import ValidationFailed
from numbers.inventory.pricing import whole_cents
from numbers.models import PhoneNumber, StockBatch
from numbers.models.phone_numbers import NO_RENT
from numbers.numbering.phone_numbers import Named, NotANumber, judge_number
from numbers.worker.wake import wake_statement

# In the order of the unique index, so that concurrent statements wait and never deadlock.
ADD = """
    INSERT INTO numbers_phonenumber (number, number_type, status, sandbox, sms_enabled, mms_enabled,
                                     region, rate_center, carrier, price, monthly_price, batch_id,
                                     updated_at)
    SELECT number, number_type, 'available', %(sandbox)s, sms_enabled, mms_enabled, region, '', '',
           price, monthly_price, %(batch_id)s, now()
    FROM unnest(%(numbers)s::text[], %(types)s::text[], %(regions)s::text[], %(prices)s::numeric[],
                %(monthly_prices)s::numeric[], %(sms_enabled)s::bool[], %(mms_enabled)s::bool[])
        AS line (number, number_type, region, price, monthly_price, sms_enabled, mms_enabled)
    ORDER BY number
    ON CONFLICT (number) DO NOTHING
    RETURNING number
"""


def add_numbers(
    *,
    numbers: Sequence[str],
    price: Decimal,
    actor: Actor,
    monthly_price: Decimal = NO_RENT,
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
    named, price = _judged(numbers, number_type), whole_cents(price)
    monthly_price = whole_cents(monthly_price, name="monthly_price")
    lines = [Line(one, price, monthly_price, sms_enabled, mms_enabled) for one in named]
    return run_transaction(lambda tx: _add_once(tx, lines, actor, note, sandbox=sandbox))


def _add_once(
    tx: Transaction, lines: list["Line"], actor: Actor, note: str, *, sandbox: bool
) -> StockBatch:
    batch, known = _add(tx, lines, actor, note, sandbox=sandbox)
    if known:
        raise ValidationFailed(
            details={"numbers": f"are in stock already: {', '.join(known[:10])}"},
        )
    return batch


@dataclass(frozen=True, slots=True)
class NewNumber:
    """A number to add, as it was given. Without a type, the type follows from the number."""

    number: str
    price: Decimal
    monthly_price: Decimal = NO_RENT
    number_type: str | None = None
    sms_enabled: bool = True
    mms_enabled: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """A number that can be added, with its prices and what it can do."""

    named: Named
    price: Decimal
    monthly_price: Decimal
    sms_enabled: bool
    mms_enabled: bool


def add_each(tx: Transaction, numbers: Sequence[NewNumber], *, actor: Actor) -> StockBatch:
    """Add numbers with a price of their own each, all or none, in the caller's transaction.

    Raise ValidationFailed naming each bad one, such as ``numbers[3].number``.
    """
    lines, wrong = judge_each(dict(enumerate(numbers)))
    places = {line.named.number: place for place, line in lines.items()}
    if wrong:
        known = list(PhoneNumber.objects.filter(number__in=places).values_list("number", flat=True))
    else:
        batch, known = _add(tx, list(lines.values()), actor, "", sandbox=False)
    wrong |= {places[one]: "is in stock already" for one in known}
    if wrong:
        details = {f"numbers[{place}].number": wrong[place] for place in sorted(wrong)}
        raise ValidationFailed(details=details)
    return batch


def judge_each(numbers: Mapping[int, NewNumber]) -> tuple[dict[int, Line], dict[int, str]]:
    """Return what can be added, and why a number can't be, both by their place in a list."""
    lines: dict[int, Line] = {}
    wrong: dict[int, str] = {}
    places: dict[str, int] = {}
    for place, given in numbers.items():
        try:
            named = judge_number(given.number, number_type=given.number_type)
        except NotANumber as problem:
            wrong[place] = str(problem)
            continue
        first = places.setdefault(named.number, place)
        if first != place:
            wrong[place] = f"repeats numbers[{first}].number"
            continue
        lines[place] = Line(
            named, given.price, given.monthly_price, given.sms_enabled, given.mms_enabled
        )
    return lines, wrong


def _add(
    tx: Transaction, lines: list[Line], actor: Actor, note: str, *, sandbox: bool
) -> tuple[StockBatch, list[str]]:
    """Write the numbers. Return their batch, and those that were in stock before."""
    batch = StockBatch.objects.create(
        source=StockBatch.Source.OPERATOR,
        actor=str(actor),
        request_id=actor.request_id,
        note=note,
    )
    parameters: dict[str, Any] = {
        "numbers": [one.named.number for one in lines],
        "types": [one.named.number_type for one in lines],
        "regions": [one.named.place for one in lines],
        "prices": [one.price for one in lines],
        "monthly_prices": [one.monthly_price for one in lines],
        "sms_enabled": [one.sms_enabled for one in lines],
        "mms_enabled": [one.mms_enabled for one in lines],
        "sandbox": sandbox,
        "batch_id": batch.pk,
    }
    with connection.cursor() as cursor:
        cursor.execute(ADD, parameters)
        added = {row[0] for row in cursor.fetchall()}
    tx.run(wake_statement())
    return batch, [one.named.number for one in lines if one.named.number not in added]


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
