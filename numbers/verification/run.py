"""Run all checks of the promises against the whole database, in one snapshot."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from numbers.verification.events import EVENTS
from numbers.verification.history import PROVENANCE, QUARANTINE
from numbers.verification.promises import CREDIT, ONE_OWNER, WHOLE_ORDERS, Check
from numbers.verification.rent import RENT
from numbers.verification.spending import SPENDING
from numbers.verification.webhooks import WEBHOOKS

CHECKS: list[Check] = [
    *ONE_OWNER,
    *WHOLE_ORDERS,
    *CREDIT,
    *SPENDING,
    *QUARANTINE,
    *PROVENANCE,
    *EVENTS,
    *RENT,
    *WEBHOOKS,
]

# All offenders are counted, the first ones are returned.
_OFFENDERS = "SELECT count(*) OVER () AS offenders, offending.* FROM ({}) AS offending LIMIT {}"
_COUNT = "SELECT count(*) FROM {}"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check: `offenders` of `counted` rows break it;

    `rows` has the first of them.
    """

    check: Check
    counted: int
    offenders: int
    rows: list[dict[str, Any]]

    @property
    def holds(self) -> bool:
        return self.offenders == 0


def verify_inventory(*, shown: int = 20) -> Generator[Finding, None, None]:
    """Run every check and yield its finding. Nothing is locked, so sales continue."""
    counts: dict[str, int] = {}
    with _one_instant(), connection.cursor() as cursor:
        for check in CHECKS:
            if check.counted not in counts:
                cursor.execute(_COUNT.format(check.counted))
                counts[check.counted] = cursor.fetchone()[0]
            cursor.execute(_OFFENDERS.format(check.offenders, shown))
            names = [column.name for column in cursor.description][1:]
            found = cursor.fetchall()
            rows = [dict(zip(names, row[1:], strict=True)) for row in found]
            yield Finding(check, counts[check.counted], found[0][0] if found else 0, rows)


@contextmanager
def _one_instant() -> Iterator[None]:
    """Run all checks in one snapshot; inside a transaction, in the caller's."""
    if connection.in_atomic_block:
        before = transaction.savepoint()
        try:
            _plan_for_whole_tables()
            yield
        finally:
            # The settings end with the savepoint, and checks write nothing.
            transaction.savepoint_rollback(before)
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        _plan_for_whole_tables()
        yield


def _plan_for_whole_tables() -> None:
    """Let a check take its time, and join whole tables by hash or merge.

    Statistics from when a table was empty promise one row, for which PostgreSQL would choose a
    loop over both tables. That took 15 seconds for four thousand numbers.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL enable_nestloop = off")
