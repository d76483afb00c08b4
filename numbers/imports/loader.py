"""Load a chunk of an import's rows into the stock, by COPY, in the caller's transaction.

Chunks come sorted by number, so that concurrent imports, added numbers and orders lock rows in the
same order. Area codes are locked as seeding locks them, since seeding writes in an order of its
own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from config.actors import Actor
from numbers.models import StockBatch
from numbers.numbering.e164 import area_code_of
from numbers.worker.wake import wake_worker

PRICE = Decimal("1.00")  # of a number without a stated price

# An import is a background task: it may wait for a seeding for as long as that takes.
_DISABLE_TIMEOUTS = (
    "SELECT set_config('lock_timeout', '0', true), set_config('statement_timeout', '0', true)"
)
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(7267, area_code) FROM unnest(%s::int[]) AS area_code ORDER BY area_code"
# NULL: neither the file nor the operator states it. It takes a default, and differs from nothing.
_STAGE = """
    CREATE TEMPORARY TABLE IF NOT EXISTS import_chunk (
        number text COLLATE "C", line bigint, number_type text, price numeric(12, 2),
        monthly_price numeric(12, 2), sms boolean, mms boolean, sandbox boolean, region text,
        place text, rate_center text, carrier text
    ) ON COMMIT DROP
"""
_ADD = """
    INSERT INTO numbers_phonenumber (number, number_type, status, sandbox, sms_enabled, mms_enabled,
                                     region, rate_center, carrier, price, monthly_price, batch_id,
                                     updated_at)
    SELECT number, number_type, 'available', sandbox, COALESCE(sms, true), COALESCE(mms, true),
           COALESCE(region, place), COALESCE(rate_center, ''), COALESCE(carrier, ''),
           COALESCE(price, %(price)s), COALESCE(monthly_price, 0), %(batch_id)s, now()
    FROM import_chunk ORDER BY number
    ON CONFLICT (number) DO NOTHING
"""
# OFFSET 0 makes each number an index lookup. Without statistics of the temporary table, the planner
# would read the whole stock for every chunk.
_IN_STOCK = "LATERAL (SELECT * FROM numbers_phonenumber WHERE number = l.number OFFSET 0) AS n"
_COUNT = f"""
    SELECT count(*) FILTER (WHERE n.id IS NULL),
           count(*) FILTER (WHERE n.batch_id = %(batch_id)s::uuid)
    FROM import_chunk l LEFT JOIN {_IN_STOCK} ON true
"""  # noqa: S608  our own words
_COMPARED = (
    "number_type",
    "price",
    "monthly_price",
    "sms_enabled",
    "mms_enabled",
    "sandbox",
    "region",
    "rate_center",
    "carrier",
)
_OURS = {"sms_enabled": "sms", "mms_enabled": "mms"}
_DIFFERENCES = ", ".join(
    f"CASE WHEN l.{_OURS.get(name, name)} <> n.{name} THEN format('{name} %%s, not %%s', "
    f"quote_literal(n.{name}), quote_literal(l.{_OURS.get(name, name)})) END"
    for name in _COMPARED
)
_DIFFERING = f"""
    SELECT line, number, differences FROM (
        SELECT l.line, l.number, concat_ws('; ', {_DIFFERENCES}) AS differences
        FROM import_chunk l CROSS JOIN {_IN_STOCK}
        WHERE n.batch_id IS DISTINCT FROM %(batch_id)s::uuid
    ) AS compared WHERE differences <> ''
"""  # noqa: S608  names of our own columns


class Differing(NamedTuple):
    """A line whose number is in stock with other attributes."""

    line: int
    number: str
    differences: str


class Chunk(NamedTuple):
    """The outcome of a chunk. `batch_id` is None until the import has created a number."""

    created: int
    unchanged: int
    differing: Sequence[Differing]
    batch_id: UUID | None


@dataclass(frozen=True, slots=True)
class Batch:
    """The stock batch of this import, created with its first new number only."""

    actor: Actor
    note: str

    def find(self) -> UUID | None:
        """Return the id of an interrupted attempt's stock batch, or None."""
        return StockBatch.objects.filter(**self._signature()).values_list("id", flat=True).first()

    def make(self) -> UUID:
        return StockBatch.objects.create(**self._signature(), note=self.note).pk

    def _signature(self) -> dict[str, Any]:
        return {
            "source": StockBatch.Source.IMPORT,
            "actor": str(self.actor),
            "request_id": self.actor.request_id,
        }


def disable_timeouts() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_DISABLE_TIMEOUTS)


def add_chunk(rows: Sequence[str], *, batch: Batch, batch_id: UUID | None) -> Chunk:
    """Add the numbers that are not in stock yet, and compare the others."""
    with connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME, [_area_codes(rows)])
    _stage(rows)
    if batch_id is None and _count(None)[0]:
        batch_id = batch.make()
    added = 0
    if batch_id is not None:
        with connection.cursor() as cursor:
            cursor.execute(_ADD, {"price": PRICE, "batch_id": batch_id})
            added = cursor.rowcount
        wake_worker()
    if added == len(rows):
        return Chunk(added, 0, (), batch_id)
    # Numbers of an interrupted attempt count as created.
    created = _count(batch_id)[1]
    differing = _differing(batch_id)
    return Chunk(created, len(rows) - created - len(differing), differing, batch_id)


def compare_chunk(rows: Sequence[str], *, batch_id: UUID | None = None) -> Chunk:
    """Return what `add_chunk` would return, without adding anything."""
    _stage(rows)
    new, created = _count(batch_id)
    differing = _differing(batch_id)
    # Numbers of an interrupted attempt are not compared.
    return Chunk(new + created, len(rows) - new - created - len(differing), differing, batch_id)


def _area_codes(rows: Iterable[str]) -> list[int]:
    found = {area_code_of(row.partition("\t")[0]) for row in rows}
    return sorted(int(area_code) for area_code in found if area_code)


def _stage(rows: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        cursor.execute("TRUNCATE import_chunk")
        with cursor.copy("COPY import_chunk FROM STDIN") as copy:
            for start in range(0, len(rows), 1_000):
                copy.write("\n".join(rows[start : start + 1_000]) + "\n")


def _count(batch_id: UUID | None) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"batch_id": batch_id})
        new, created = cursor.fetchone()
        return new, created


def _differing(batch_id: UUID | None) -> list[Differing]:
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERING, {"batch_id": batch_id})
        return [Differing._make(row) for row in cursor.fetchall()]
