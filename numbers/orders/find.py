"""Find orders again: by reference, request, idempotency key, number or time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from ulid import ULID

from config import json_text
from config.api.parse_values import parse_uuid
from config.db.fields import first_id_of
from config.db.serial import first_key_at
from numbers.models import Assignment, IdempotencyRecord, Order

# The clocks of the hosts and of the database may differ by this much.
CLOCK_SKEW = timedelta(hours=1)
# From the start of a request to the id of its order, which the same process makes: the request may
# wait for locks and try three times. At 1,000 orders a second it is 60,000 rows of the index.
REQUEST_LASTS = timedelta(seconds=60)
# Times of rows are those of the database, whose clock may be behind by this much.
_BEFORE = timedelta(seconds=5)
# A pass of the worker may end many orders in one request.
_MOST_CLOSED = 100


@dataclass(frozen=True, slots=True)
class OrderFilters:
    """What to find an order by; None is any."""

    customer_reference: str | None = None
    request_id: str | None = None
    idempotency_key: str | None = None
    number: str | None = None
    status: str | None = None
    kind: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


def find_orders(organization_id: UUID, filters: OrderFilters) -> QuerySet[Order]:
    """Return the organization's orders that match all filters, newest first.

    `created_after` includes its moment, `created_before` does not.
    """
    orders = Order.objects.filter(organization_id=organization_id).order_by("-id")
    for name in ("customer_reference", "status", "kind"):
        if (value := getattr(filters, name)) is not None:
            orders = orders.filter(**{name: value})
    if filters.request_id is not None:
        orders = orders.filter(of_request(filters.request_id))
    if filters.idempotency_key is not None:
        orders = orders.filter(pk__in=_of_key(organization_id, filters.idempotency_key))
    if filters.number is not None:
        owned = Assignment.objects.filter(
            number__number=filters.number, organization_id=organization_id
        )
        orders = orders.filter(pk__in=list(owned.values_list("order_id", flat=True)))
    return orders.filter(_created(filters.created_after, filters.created_before))


def started_at(request_id: str) -> datetime | None:
    """Return when the request began, or None if this is not the id of a request."""
    try:
        return datetime.fromtimestamp(ULID.from_str(request_id.upper()).timestamp, UTC)
    except (ValueError, OverflowError):
        return None


def of_request(request_id: str) -> Q:
    """Return a filter for rows with a UUIDv7 key that a request made.

    The id of a request is in order of time, so that a range of the key replaces an index on it.
    """
    moment = started_at(request_id)
    if moment is None:
        return Q(pk__in=[])
    return Q(
        request_id=request_id.upper(),
        pk__gte=first_id_of(moment - timedelta(seconds=1)),
        pk__lt=first_id_of(moment + REQUEST_LASTS),
    )


def written_by(model: type[Model], request_id: str, *, at: str) -> Q:
    """Return a filter for rows that a request wrote to a table with a serial key.

    These tables are in order of time, without an index on the request. ``at`` is the time's column.
    """
    moment = started_at(request_id)
    if moment is None:
        return Q(pk__in=[])
    table = model._meta.db_table
    first = first_key_at(table, moment - _BEFORE, at=at)
    last = first_key_at(table, moment + REQUEST_LASTS, at=at)
    return Q(pk__gte=first, pk__lt=last, request_id=request_id.upper())


def closed_in(request_id: str) -> Q:
    """Return a filter for orders that a request ended without numbers, read by their index."""
    moment = started_at(request_id)
    if moment is None:
        return Q(pk__in=[])
    ended = Order.objects.exclude(closed_by="").filter(
        closed_in_request=request_id.upper(),
        finished_at__gte=moment - _BEFORE,
        finished_at__lt=moment + REQUEST_LASTS,
    )
    # In no order: with one, PostgreSQL may read the primary key backwards instead of the index.
    return Q(pk__in=list(ended.order_by().values_list("pk", flat=True)[:_MOST_CLOSED]))


def order_in(body: bytes | memoryview | None) -> UUID | None:
    """Return the id of the order that a remembered response names, or None."""
    try:
        answer: Any = json_text.load(bytes(body or b""))
    except json_text.InvalidJson:  # a response with a secret is sealed
        return None
    places = (answer.get("meta"), answer.get("data")) if isinstance(answer, dict) else ()
    found = [
        place["order_id"] for place in places if isinstance(place, dict) and "order_id" in place
    ]
    return parse_uuid(found[0]) if found else None


def _of_key(organization_id: UUID, key: str) -> list[UUID]:
    bodies = IdempotencyRecord.objects.filter(organization_id=organization_id, key=key)
    return [found for body in bodies.values_list("body", flat=True) if (found := order_in(body))]


def _created(after: datetime | None, before: datetime | None) -> Q:
    """Return a filter by time that is also a range of the key."""
    condition = Q()
    if after is not None:
        condition &= Q(created_at__gte=after, pk__gte=first_id_of(_moved(after, -CLOCK_SKEW)))
    if before is not None:
        condition &= Q(created_at__lt=before, pk__lt=first_id_of(_moved(before, CLOCK_SKEW)))
    return condition


def _moved(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:  # at an end of the calendar
        return moment
