"""Who did what: one list of the acts that history, ledger and orders record, newest first.

Each source is append-only and read by its own key, so that a page costs what it shows and a cursor,
one key for each source, makes no act repeat and none get lost. Sales are acts of their orders, not
of each number or charge.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from campaigns.models import Event
from config.moments import last_moment_of
from numbers.models import CreditEntry, NumberEvent, Order, PhoneNumber, StockBatch

# The last key that was shown of each source, and the time of the last act. A source that is absent
# was not begun: what is added to it since is newer than that time.
Position = dict[str, str]
UNTIL = "until"
CHUNK = 1_000


@dataclass(frozen=True, slots=True)
class Act:
    """One act. ``organization_id`` is None if it concerned none."""

    source: str
    key: str
    at: datetime
    action: str
    resource_type: str
    resource_id: str
    organization_id: UUID | None
    actor: str
    request_id: str
    reason: str = ""
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> UUID:
        """Return an id that stays the same and says nothing about how many acts there are."""
        secret = hashlib.sha256(b"audit.id" + settings.SECRET_KEY.encode()).digest()
        digest = hmac.digest(secret, f"{self.source}:{self.key}".encode(), "sha256")
        return UUID(bytes=digest[:16], version=4)


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a source to read: below a key, or for a source not begun until a time."""

    organization_id: UUID | None
    below: str | None
    until: datetime | None
    limit: int

    def of(self, rows: QuerySet[Any], *, owner: str, at: str, key: type = int) -> QuerySet[Any]:
        """Return the rows of the page. ``owner`` and ``at`` are columns, ``key`` is the pk's type."""
        if self.organization_id is not None and owner:
            rows = rows.filter(**{owner: self.organization_id})
        if self.below is not None:
            rows = rows.filter(pk__lt=key(self.below))
        elif self.until is not None:
            rows = rows.filter(**{f"{at}__lte": self.until})
        return rows.order_by("-pk")[: self.limit]


Read = Callable[[Page], Iterable[Act]]


def read_acts(
    *, organization_id: UUID | None, after: Position, limit: int
) -> tuple[list[Act], Position | None]:
    """Return acts after a position, and the position behind them; None on the last page.

    ``organization_id`` None is the whole desk.
    """
    until = datetime.fromisoformat(after[UNTIL]) if UNTIL in after else None
    sources: list[Iterator[Act]] = [
        iter(read(Page(organization_id, after.get(name), until, limit + 1)))
        for name, read in SOURCES.items()
        if organization_id is None or name not in DESK_ONLY
    ]
    newest = merge(*sources, key=lambda act: act.at, reverse=True)
    found = list(islice(newest, limit + 1))
    shown = found[:limit]
    if len(found) <= limit:
        return shown, None
    position = after | {act.source: act.key for act in shown}
    return shown, position | {UNTIL: shown[-1].at.isoformat()}


def all_acts(
    *, organization_id: UUID | None, since: datetime | None, until: datetime | None
) -> Iterator[list[Act]]:
    """Yield the acts between two times, newest first, in chunks: no long transaction, flat memory.

    What is done after the first chunk is not among them.
    """
    last = last_moment_of(until) if until else timezone.now()
    position: Position | None = {UNTIL: last.isoformat()}
    while position is not None:
        acts, position = read_acts(organization_id=organization_id, after=position, limit=CHUNK)
        wanted = [act for act in acts if since is None or act.at >= since]
        yield wanted
        if acts and not wanted:
            return


def _events(page: Page) -> Iterable[Act]:
    for row in page.of(Event.objects.all(), owner="organization_id", at="at"):
        yield Act(
            "event",
            str(row.pk),
            row.at,
            f"{row.subject}.{row.kind}",
            row.subject,
            str(row.subject_id),
            row.organization_id if row.organization_id.int else None,
            row.actor,
            row.request_id,
            row.reason,
            row.before,
            row.after,
        )


def _number_events(page: Page) -> Iterable[Act]:
    rows = page.of(
        NumberEvent.objects.exclude(kind=NumberEvent.Kind.ASSIGNED),
        owner="organization_id",
        at="at",
    )
    found = list(rows)
    numbers = PhoneNumber.objects.in_bulk({row.number_id for row in found})
    for row in found:
        yield Act(
            "number",
            str(row.pk),
            row.at,
            f"phone_number.{row.kind}",
            "phone_number",
            numbers[row.number_id].number,
            row.organization_id,
            row.actor,
            row.request_id,
            row.reason,
            row.before,
            row.after,
        )


def _ledger(page: Page) -> Iterable[Act]:
    for row in page.of(
        CreditEntry.objects.exclude(kind=CreditEntry.Kind.CHARGE),
        owner="account_id",
        at="created_at",
    ):
        after = {"balance": f"{row.balance_after:.2f}", "amount": f"{row.amount:.2f}"}
        yield Act(
            "ledger",
            str(row.pk),
            row.created_at,
            f"credit.{row.kind}",
            "credit_entry",
            str(row.entry),
            row.account_id,
            row.actor,
            row.request_id,
            row.note,
            {"balance": f"{row.balance_before:.2f}"},
            after | ({"reference": row.reference} if row.reference else {}),
        )


def _orders(page: Page) -> Iterable[Act]:
    for row in page.of(Order.objects.all(), owner="organization_id", at="created_at", key=UUID):
        yield _placed(row)


def _closings(page: Page) -> Iterable[Act]:
    """Read how orders ended without numbers, by the time of it and the order's id."""
    rows = Order.objects.exclude(closed_by="").order_by("-finished_at", "-pk")
    if page.organization_id is not None:
        rows = rows.filter(organization_id=page.organization_id)
    if page.below is not None:
        at, _, order_id = page.below.partition(" ")
        moment = datetime.fromisoformat(at)
        rows = rows.filter(Q(finished_at__lt=moment) | Q(finished_at=moment, pk__lt=UUID(order_id)))
    elif page.until is not None:
        rows = rows.filter(finished_at__lte=page.until)
    for row in rows[: page.limit]:
        if row.finished_at is not None:  # the CHECK order_bulk_state refuses the contrary
            yield _ended(row, row.finished_at)


def _placed(row: Order) -> Act:
    return Act(
        "order",
        str(row.pk),
        row.created_at,
        "order.placed",
        "order",
        str(row.pk),
        row.organization_id,
        row.actor,
        row.request_id,
        after={"kind": row.kind, "quantity": row.quantity},
    )


def _ended(row: Order, at: datetime) -> Act:
    """Return how an order ended. It is completed by the actor and request that placed it."""
    return Act(
        "closing",
        f"{at.isoformat()} {row.pk}",
        at,
        f"order.{row.status}",
        "order",
        str(row.pk),
        row.organization_id,
        row.closed_by or row.actor,
        row.closed_in_request or row.request_id,
        row.closing_note,
        {"status": "pending"},
        {"status": row.status},
    )


def acts_of_order(order: Order) -> list[Act]:
    """Return what happened to an order, oldest first: also how it was filled, no act of its own."""
    ended = [] if order.finished_at is None else [_ended(order, order.finished_at)]
    return [_placed(order), *ended]


def _batches(page: Page) -> Iterable[Act]:
    for row in page.of(StockBatch.objects.all(), owner="", at="created_at", key=UUID):
        yield Act(
            "batch",
            str(row.pk),
            row.created_at,
            "stock.added",
            "stock_batch",
            str(row.pk),
            None,
            row.actor,
            row.request_id,
            row.note,
            after={"source": row.source},
        )


SOURCES: dict[str, Read] = {
    "event": _events,
    "number": _number_events,
    "ledger": _ledger,
    "order": _orders,
    "closing": _closings,
    "batch": _batches,
}
# How numbers came into stock concerns no customer.
DESK_ONLY = frozenset({"batch"})
