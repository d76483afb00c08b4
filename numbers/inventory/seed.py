"""Add random numbers of an area code to the stock. They are valid by construction."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db import IntegrityError, connection, transaction
from psycopg import sql

from config.actors import Actor
from config.db.constraints import constraint_of
from config.errors import ValidationFailed
from numbers.models import PhoneNumber, StockBatch
from numbers.models.phone_numbers import NO_RENT
from numbers.numbering.nanp import Block, NotInPlan, PlanExhausted, draw
from numbers.worker.wake import wake_worker

_CHUNK = 25_000
# Held until the transaction ends, so that seedings of an area code run one after the other. The
# first key separates our advisory locks from those of others in the same database.
_ONE_AT_A_TIME = (
    "SELECT set_config('statement_timeout', '0', true), pg_advisory_xact_lock(7267, %s)"
)
# A chunk of numbers is sent as one string, and sorted, since adjacent index entries are faster.
# This is a little faster than COPY, which spends most of its time on the indexes.
_ADD = """
    INSERT INTO numbers_phonenumber (number, number_type, status, sandbox, sms_enabled, mms_enabled,
                                     region, rate_center, carrier, price, monthly_price, batch_id,
                                     created_at, updated_at)
    SELECT number, %(number_type)s, 'available', %(sandbox)s, %(sms_enabled)s, %(mms_enabled)s,
           %(region)s, '', '', %(price)s, %(monthly_price)s, %(batch_id)s,
           coalesce(%(at)s::timestamptz, statement_timestamp()), now()
    FROM unnest(string_to_array(%(numbers)s, ',')) AS number ORDER BY number
"""
# COPY streams without a server-side cursor, which a pooler in transaction mode does not allow. The
# prefix makes both a range of the unique index, which is in byte order.
_TAKEN = "COPY (SELECT number FROM numbers_phonenumber WHERE number LIKE {prefix}) TO STDOUT"
_CREATED = """
    COPY (SELECT number FROM numbers_phonenumber WHERE number LIKE {prefix} AND batch_id = {batch}
          ORDER BY number)
    TO STDOUT
"""


@dataclass(frozen=True, slots=True)
class Stock:
    """What to add: how many numbers of an area code, and what they can do."""

    area_code: str
    count: int
    price: Decimal
    monthly_price: Decimal = NO_RENT
    number_type: str | None = None
    sms_enabled: bool = True
    mms_enabled: bool = True
    sandbox: bool = False
    random_state: int | None = None

    def block(self) -> Block:
        """Return the block of numbers. Raise ValidationFailed if the plan has no such numbers."""
        try:
            block = Block(self.area_code, self.sandbox)
        except NotInPlan as error:
            raise ValidationFailed(details={"area_code": str(error)}) from error
        if self.number_type == PhoneNumber.Type.SHORT_CODE:
            raise ValidationFailed(
                details={
                    "number_type": "short codes have no area code: they are leased one by one, import them"
                }
            )
        if self.number_type not in (None, block.number_type):
            kind = block.number_type
            raise ValidationFailed(
                details={"number_type": f"{self.area_code} is {kind}: leave this out or say {kind}"}
            )
        return block


@dataclass(frozen=True, slots=True)
class Seeded:
    """Numbers that were added together."""

    block: Block
    batch: StockBatch
    created: int

    def numbers(self) -> Iterator[str]:
        """Stream the added numbers in order."""
        statement = sql.SQL(_CREATED).format(prefix=f"{self.block.prefix}%", batch=self.batch.pk)
        return _stream(statement)


def seed_numbers(
    *,
    stock: Stock,
    actor: Actor,
    note: str = "",
    progress: Callable[[int], object] = lambda count: None,
    at: datetime | None = None,
) -> Seeded:
    """Add random numbers that are not in stock yet, all of them or none.

    `at` is when they came into stock, if not now. Backorders are filled afterwards. Raise
    ValidationFailed, before anything is written, if the area code does not exist or has no room for so many.
    """
    block = stock.block()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_ONE_AT_A_TIME, [int(stock.area_code)])
        numbers = _drawn(block, stock)
        batch = StockBatch.objects.create(
            source=StockBatch.Source.SEED,
            actor=str(actor),
            request_id=actor.request_id,
            note=note
            or f"{stock.count} {'test ' if stock.sandbox else ''}numbers of {stock.area_code}",
            **({"created_at": at} if at else {}),
        )
        try:
            _add(numbers, stock, batch, progress, at)
        except IntegrityError as error:
            if constraint_of(error) != "phone_number_unique":
                raise
            # Not by another seeding, which waits for this one: by an import, for example.
            raise ValidationFailed(
                details={
                    "count": f"other numbers of {stock.area_code} were added at the same time: try again"
                }
            ) from error
        wake_worker()
    return Seeded(block, batch, stock.count)


def _drawn(block: Block, stock: Stock) -> Iterator[str]:
    taken = _stream(sql.SQL(_TAKEN).format(prefix=f"{block.prefix}%"))
    try:
        return draw(block, stock.count, taken=taken, random_state=stock.random_state)
    except PlanExhausted as error:
        raise ValidationFailed(details={"count": str(error)}) from error


def _add(
    numbers: Iterator[str],
    stock: Stock,
    batch: StockBatch,
    progress: Callable[[int], object],
    at: datetime | None,
) -> None:
    block = stock.block()
    values: dict[str, Any] = {
        "number_type": block.number_type,
        "sandbox": stock.sandbox,
        "sms_enabled": stock.sms_enabled,
        "mms_enabled": stock.mms_enabled,
        "region": block.region,
        "price": stock.price,
        "monthly_price": stock.monthly_price,
        "batch_id": batch.pk,
        "at": at,
    }
    with connection.cursor() as cursor:
        while chunk := list(islice(numbers, _CHUNK)):
            cursor.execute(_ADD, {**values, "numbers": ",".join(chunk)})
            progress(len(chunk))


def _stream(statement: sql.Composable) -> Iterator[str]:
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in copy.rows():
            yield row[0]
