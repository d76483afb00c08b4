"""What the search box finds: each look-up is answered by an index.

A look-up gets what was typed, read in every way, and returns at most SHOWN hits. It runs only for
operators who may see its rows.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Model, Q, QuerySet, Value
from django.db.models.functions import Lower
from django.http import HttpRequest
from django.urls import reverse

from apikeys.models import ApiKey
from campaigns.models import Brand, Campaign, Event, Organization
from config.admin.actions import page_of
from config.admin.changelist import ids_ending
from config.counts import counted
from numbers.admin.events import in_a_sentence, with_numbers
from numbers.admin.number_filters import SHORTEST_PART, batches_noted
from numbers.admin.typed import Typed
from numbers.inventory.availability import state_of
from numbers.models import (
    Assignment,
    CreditEntry,
    IdempotencyRecord,
    Job,
    NumberEvent,
    Order,
    PhoneNumber,
    Refusal,
    Reservation,
    StockBatch,
)
from numbers.orders.find import closed_in, of_request, order_in, written_by

SHOWN = 20
IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that was found, with a few words about it."""

    name: str
    about: str
    address: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """One kind of thing to find. ``request`` says who looks, for links that depend on it."""

    title: str
    permission: str
    find: Callable[[Typed, HttpRequest], Iterable[Hit]]


def _hits(rows: QuerySet[Any], about: Callable[[Any], str], name: Any = str) -> list[Hit]:
    return [Hit(name(row), about(row), page_of(row)) for row in rows[:SHOWN]]


def _any(*conditions: Q | None) -> Q:
    """Return the rows of any of the conditions; none of them: no row."""
    found = Q(pk__in=[])
    for condition in conditions:
        if condition is not None:
            found |= condition
    return found


def _union(model: type[Model], *conditions: Q | None) -> Any:
    """Return the rows of any condition, each found by its own index."""
    ids: list[Any] = []
    for condition in conditions:
        if condition is not None:
            rows = model._default_manager.filter(condition).order_by("-pk")
            ids += rows.values_list("pk", flat=True)[:SHOWN]
    return model._default_manager.filter(pk__in=ids).order_by("-pk")


def _by_id(typed: Typed, model: type[Model] | None = None) -> Q | None:
    """Return the row with this id; of a ``model`` also the newest rows whose id ends so."""
    if typed.id:
        return Q(pk=typed.id)
    ids = ids_ending(model, typed.text) if model else []
    return Q(pk__in=ids) if ids else None


def _numbers(typed: Typed, request: HttpRequest) -> list[Hit]:
    rows = PhoneNumber.objects.filter(number__in=typed.numbers).order_by("number")
    return _hits(rows, lambda row: state_of(row)[0])


def _orders(typed: Typed, request: HttpRequest) -> list[Hit]:
    by_request = of_request(typed.request_id) if typed.request_id else None
    closed = closed_in(typed.request_id) if typed.request_id else None
    reference = Q(customer_reference=typed.text) & ~Q(customer_reference="")
    orders = _union(Order, _by_id(typed, Order), by_request, closed, reference)
    return _hits(orders.select_related("organization"), _about_order)


def _about_order(order: Order) -> str:
    reference = f" · {order.customer_reference}" if order.customer_reference else ""
    return (
        f"{order.organization} · {order.quantity} · {order.status} · "
        f"{order.created_at:%Y-%m-%d %H:%M} UTC{reference}"
    )


# One look-up in the unique index for each organization, which comes before the key there.
_KEYS = f"""
    SELECT r.id FROM campaigns_organization o CROSS JOIN LATERAL (
        SELECT id FROM numbers_idempotencyrecord WHERE organization_id = o.id AND key = %s LIMIT 1
    ) AS r LIMIT {SHOWN}
"""  # noqa: S608  a constant


def _idempotency_keys(typed: Typed, request: HttpRequest) -> list[Hit]:
    with connection.cursor() as cursor:
        cursor.execute(_KEYS, [typed.text])
        ids = [row[0] for row in cursor.fetchall()]
    may_see_orders = request.user.has_perm("numbers.view_order")
    hits = []
    for record in IdempotencyRecord.objects.filter(pk__in=ids):
        order_id = order_in(record.body) if may_see_orders else None
        orders = Order.objects.filter(pk__in=[order_id] if order_id else [])
        order = orders.select_related("organization").first()
        about = _about_order(order) if order else f"response {record.status}"
        hits.append(Hit(record.key, about, page_of(order or record)))
    return hits


def _organizations(typed: Typed, request: HttpRequest) -> list[Hit]:
    named = Organization.objects.alias(lower=Lower("name"))
    exact = named.filter(lower=Lower(Value(typed.text)))
    part = Q(name__icontains=typed.text) if len(typed.text) >= SHORTEST_PART else None
    rows = exact if exact else _union(Organization, _by_id(typed), part)
    return _hits(rows, lambda row: row.get_status_display())


def _keys(typed: Typed, request: HttpRequest) -> list[Hit]:
    prefix = Q(prefix__startswith=typed.key_prefix) if typed.key_prefix else None
    rows = _union(ApiKey, _by_id(typed), prefix).select_related("organization")
    return _hits(rows, lambda row: f"{row.organization or 'platform'} · {row.status}")


def _refusals(typed: Typed, request: HttpRequest) -> list[Hit]:
    # Each response has a request id. A text of another form may be an Idempotency-Key.
    by_key = Q(idempotency_key=typed.text) & ~Q(idempotency_key="")
    condition = Q(request_id=typed.request_id) if typed.request_id else by_key
    # In no order: with one, PostgreSQL may read the primary key backwards instead of the index.
    rows = Refusal.objects.filter(condition).order_by()
    return [
        Hit(
            f"{row.status or ''} {row.code}".strip(),
            f"{row.path} · {row.at:%Y-%m-%d %H:%M:%S} UTC · {row.note}",
            page_of(row),
        )
        for row in rows[:SHOWN]
    ]


def _imports(typed: Typed, request: HttpRequest) -> list[Hit]:
    by_request = Q(request_id=typed.request_id) if typed.request_id else None
    title = Q(title__icontains=typed.text) if len(typed.text) >= SHORTEST_PART else None
    of_kind = [None if one is None else one & Q(kind=IMPORT) for one in (by_request, title)]
    jobs = _union(Job, _by_id(typed, Job), *of_kind).filter(kind=IMPORT)
    may_open = request.user.has_perm("numbers.add_phonenumber")
    return [
        Hit(
            job.title,
            f"{job.get_status_display()} · {job.created_at:%Y-%m-%d %H:%M} UTC · {job.actor}",
            reverse("admin:import", args=[job.pk]) if may_open else page_of(job),
        )
        for job in jobs[:SHOWN]
        if may_open or job.status != Job.Status.DRAFT
    ]


def _jobs(typed: Typed, request: HttpRequest) -> list[Hit]:
    by_request = Q(request_id=typed.request_id) if typed.request_id else None
    jobs = _union(Job, _by_id(typed, Job), by_request).exclude(kind=IMPORT)
    jobs = jobs.exclude(status=Job.Status.DRAFT)
    return _hits(jobs, lambda row: f"{row.get_status_display()} · {row.actor}")


def _assignments(typed: Typed, request: HttpRequest) -> list[Hit]:
    rows = Assignment.objects.filter(_any(_by_id(typed))).select_related("number", "organization")
    return _hits(
        rows,
        lambda row: f"{row.organization} · {'ended' if row.ended_at else 'open'}",
        lambda row: str(row.number),
    )


def _reservations(typed: Typed, request: HttpRequest) -> list[Hit]:
    by_request = of_request(typed.request_id) if typed.request_id else None
    rows = _union(Reservation, _by_id(typed, Reservation), by_request).select_related(
        "organization"
    )
    return _hits(rows, lambda row: f"{row.organization} · {counted(len(row.numbers), 'number')}")


def _batches(typed: Typed, request: HttpRequest) -> list[Hit]:
    by_request = of_request(typed.request_id) if typed.request_id else None
    note = Q(pk__in=batches_noted(typed.text))
    rows = _union(StockBatch, _by_id(typed, StockBatch), by_request, note)
    return _hits(rows, lambda row: row.note)


def _of_model(model: Any, about: Callable[[Any], str]) -> Callable[..., list[Hit]]:
    def find(typed: Typed, request: HttpRequest) -> list[Hit]:
        return _hits(model._default_manager.filter(_any(_by_id(typed))), about)

    return find


def _written(
    model: Any, *, at: str, about: Callable[[Any], str], name: Any = str
) -> Callable[..., list[Hit]]:
    """Return a look-up of rows that a request wrote to a table with a serial key."""

    def find(typed: Typed, request: HttpRequest) -> list[Hit]:
        if not typed.request_id:
            return []
        rows = model._default_manager.filter(written_by(model, typed.request_id, at=at))
        return _hits(rows.order_by("pk"), about, name)

    return find


def _events(typed: Typed, request: HttpRequest) -> list[Hit]:
    if not typed.request_id:
        return []
    rows = NumberEvent.objects.filter(written_by(NumberEvent, typed.request_id, at="at"))
    return [
        Hit(str(row.number), f"{in_a_sentence(row)} · {row.actor}", page_of(row))  # type: ignore[attr-defined]
        for row in with_numbers(list(rows.order_by("pk")[:SHOWN]))
    ]


LOOKUPS = (
    Lookup("Numbers", "numbers.view_phonenumber", _numbers),
    Lookup("Orders", "numbers.view_order", _orders),
    Lookup("Idempotency keys", "numbers.view_idempotencyrecord", _idempotency_keys),
    Lookup("Organizations", "campaigns.view_organization", _organizations),
    Lookup("API keys", "apikeys.view_apikey", _keys),
    Lookup("Refused requests", "numbers.view_refusal", _refusals),
    Lookup("Imports", "numbers.view_job", _imports),
    Lookup("Bulk actions and other jobs", "numbers.view_job", _jobs),
    Lookup("Customers' numbers", "numbers.view_assignment", _assignments),
    Lookup("Reservations", "numbers.view_reservation", _reservations),
    Lookup("Brands", "campaigns.view_brand", _of_model(Brand, lambda row: row.status)),
    Lookup("Campaigns", "campaigns.view_campaign", _of_model(Campaign, lambda row: row.status)),
    Lookup("Stock batches", "numbers.view_stockbatch", _batches),
)
# An order's own events and charge are on its page: look here only if nothing else was found.
LOOKUPS_OF_REQUESTS = (
    Lookup("History of numbers", "numbers.view_numberevent", _events),
    Lookup(
        "Credit entries",
        "numbers.view_creditentry",
        _written(CreditEntry, at="created_at", about=lambda row: row.note),
    ),
    Lookup(
        "History of organizations",
        "campaigns.view_event",
        _written(Event, at="at", about=lambda row: row.reason),
    ),
)
