"""Statements of credit: the entries of a period, between its opening and closing balance."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import CharField, Count, F, Func, QuerySet, Sum
from django.db.models.functions import Coalesce

from config.api.envelope import timestamp
from config.db.copy import inert, stream_csv
from config.db.serial import first_key_at
from numbers.models import CreditAccount, CreditEntry

COLUMNS = {
    "entry": "entry",
    "time": "time",
    "kind": "kind",
    "amount": "amount",
    "balance": "balance_after",
    "currency": "currency",
    "order": "order_id",
    "reference": "known_as",
    "by": "actor",
    "request": "request_id",
    "note": "note",
}
# Beyond this the page shows no sums: counting would take too long. The CSV has every entry.
MOST_SUMMED = 20_000


@dataclass(frozen=True, slots=True)
class Statement:
    """One account's entries from `begin` until before `end`, and the balances around them."""

    account: CreditAccount
    begin: datetime
    end: datetime
    first: int
    after: int
    opening: Decimal
    closing: Decimal

    @property
    def entries(self) -> QuerySet[CreditEntry]:
        """Return the entries, oldest first. They never change, so the balances stay theirs."""
        return CreditEntry.objects.filter(
            account=self.account, entry__gte=self.first, entry__lt=self.after
        ).order_by("entry")

    @property
    def count(self) -> int:
        return self.after - self.first


def statement_of(account: CreditAccount, begin: datetime, end: datetime) -> Statement:
    """Return the statement of a period. The entries of one account are in order of time."""
    first, after = (_first_entry(account.pk, moment) for moment in (begin, end))
    return Statement(
        account,
        begin,
        end,
        first,
        after,
        _balance_before(account.pk, first),
        _balance_before(account.pk, after),
    )


def period_of(first_day: date, last_day: date) -> tuple[datetime, datetime]:
    """Return the begin of the first day and the end of the last one, in UTC."""
    begin = datetime.combine(first_day, time.min, UTC)
    return begin, datetime.combine(last_day, time.min, UTC) + timedelta(days=1)


def sums_by_kind(statement: Statement) -> list[dict[str, Any]] | None:
    """Return the number and sum of the entries of each kind, or None if there are too many."""
    if statement.count > MOST_SUMMED:
        return None
    kinds = statement.entries.order_by("kind").values("kind")
    return [dict(row) for row in kinds.annotate(entries=Count("id"), sum=Sum("amount"))]


def statement_csv(statement: Statement) -> Iterator[bytes]:
    """Yield the header, the opening balance, each entry and the closing balance."""
    # The customer's own name of an order, the billing's of a payment.
    known_as = Coalesce(F("order__customer_reference"), F("reference"))
    rows = statement.entries.annotate(known_as=known_as, time=_Timestamp("created_at"))
    stream = stream_csv(rows, COLUMNS)
    header, _, rest = next(stream).partition(b"\n")
    yield header + b"\n"
    yield _balance_line(statement, statement.begin, statement.opening, "opening balance")
    yield rest
    yield from stream
    yield _balance_line(statement, statement.end, statement.closing, "closing balance")


class _Timestamp(Func):
    """The SQL form of ``timestamp``, so that a column of times has one format."""

    template = """to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
    output_field = CharField()


def _balance_line(statement: Statement, at: datetime, balance: Decimal, kind: str) -> bytes:
    values = {
        "time": timestamp(at),
        "kind": kind,
        "balance": balance,
        "currency": statement.account.currency,
        "note": inert(str(statement.account.organization)),
    }
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([values.get(name, "") for name in COLUMNS])
    return line.getvalue().encode()


def _first_entry(account_id: UUID, moment: datetime) -> int:
    entries = CreditEntry._meta.db_table
    place = first_key_at(
        entries, moment, at="created_at", key="entry", within={"account_id": account_id}
    )
    return max(place, 1)


def _balance_before(account_id: UUID, entry: int) -> Decimal:
    before = CreditEntry.objects.filter(account_id=account_id, entry=entry - 1)
    return before.values_list("balance_after", flat=True).first() or Decimal("0.00")
