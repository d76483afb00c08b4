"""Render the events of feed entries: each resource as it was when the event happened.

Most entries keep their resources. Those of orders name the order: all that its events show was
written once and never changes, except what `numbers.events.capabilities` keeps.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from campaigns.event_types import ORDER_TYPES, EventType
from config import json_text
from config.api.envelope import timestamp
from numbers.events.capabilities import decode_capabilities
from numbers.events.ids import event_id
from numbers.events.types import RenderedEventJson
from numbers.models.orders import OrderStatus
from numbers.orders.bulk_json import bulk_order_json
from numbers.orders.queries import order_json
from numbers.ownership.queries import PhoneNumberJson

# An entry of these has an event of the order, and one for each of its numbers.
COMPLETED_TYPES = (EventType.ORDER_COMPLETED, EventType.BULK_ORDER_COMPLETED)

_LINES = """
    SELECT a.order_id, a.id, n.number, a.price
    FROM numbers_assignment a JOIN numbers_phonenumber n ON n.id = a.number_id
    WHERE a.order_id = ANY(%s) ORDER BY a.id
"""
# Not through the model: a page of 1,000 events would spend most of its time on making instances.
_ORDERS = """
    SELECT id, kind, status, failure_reason, quantity, total, currency, label, campaign_id,
           customer_reference, actor, api_key_id, created_at, finished_at, inbound_url, status_url,
           max_price_per_number
    FROM numbers_order WHERE id = ANY(%s)
"""


class Entry(NamedTuple):
    """A row of the feed: the events of one act."""

    position: int
    id: UUID
    organization_id: UUID
    type: str
    at: datetime
    subject_id: UUID | None
    event_count: int
    data: Any

    @classmethod
    def read(cls, row: Sequence[Any]) -> "Entry":
        """Return the entry of a row whose `data` is JSON."""
        entry = cls._make(row)
        return entry._replace(data=json_text.load(entry.data)) if entry.data else entry


@dataclass(frozen=True, slots=True)
class Event:
    """One event, with its number within the entry."""

    entry: Entry
    number: int
    type: str
    data: Any

    @property
    def id(self) -> UUID:
        return event_id(self.entry.id, self.number)

    def as_json(self) -> RenderedEventJson:
        return {
            "id": self.id,
            "type": self.type,
            "timestamp": timestamp(self.entry.at),
            "data": self.data,
        }


class _Order(NamedTuple):
    """The columns of an order that its resources show, under the names of the model."""

    id: UUID
    kind: str
    status: str
    failure_reason: str
    quantity: int
    total: Decimal | None
    currency: str
    label: str
    campaign_id: UUID | None
    customer_reference: str
    actor: str
    api_key_id: UUID | None
    created_at: datetime
    finished_at: datetime | None
    inbound_url: str
    status_url: str
    max_price_per_number: Decimal | None


class _Line(NamedTuple):
    order_id: UUID
    id: UUID
    number: str
    price: Decimal


def events_of(entries: Sequence[Entry]) -> list[Event]:
    """Return all events of the entries, in order."""
    of_orders = [one for one in entries if one.type in ORDER_TYPES]
    orders = {order.id: order for order in _orders(of_orders)}
    lines = _lines(one for one in of_orders if one.type in COMPLETED_TYPES)
    events = []
    for entry in entries:
        if entry.subject_id in orders:
            order, own = orders[entry.subject_id], lines[entry.subject_id]
            resources = _resources_of_order(entry, order, own)
        else:
            resources = [(entry.type, one) for one in entry.data or ()]
        events += [Event(entry, number, one, data) for number, (one, data) in enumerate(resources)]
    return events


def _resources_of_order(
    entry: Entry, order: _Order, lines: Sequence[_Line]
) -> list[tuple[str, Any]]:
    """Return the type and resource of each event of an order's entry."""
    row: Any = order  # it has the names that the functions of the model's resources read
    if entry.type not in COMPLETED_TYPES:
        return [(entry.type, bulk_order_json(_as_of(entry, row), assigned_count=0, numbers=()))]
    kept = decode_capabilities(entry.data, len(lines))
    numbers = [_number(order, line, *one) for line, one in zip(lines, kept, strict=True)]
    whole: Any = (
        {
            **order_json(row),
            "numbers": [
                {"id": line.id, "number": line.number, "price": line.price} for line in lines
            ],
        }
        if entry.type == EventType.ORDER_COMPLETED
        else bulk_order_json(row, assigned_count=len(lines), numbers=numbers)
    )
    assigned = EventType.PHONE_NUMBER_ASSIGNED.value
    return [(entry.type, whole), *((assigned, number) for number in numbers)]


def _as_of(entry: Entry, order: _Order) -> Any:
    """Return a bulk order as it was at its entry: what is closed once is never opened again."""
    if entry.type != EventType.BULK_ORDER_PENDING:
        return order
    return order._replace(status=OrderStatus.PENDING, failure_reason="", finished_at=None)


def _number(
    order: _Order, line: _Line, number_type: str, sms_enabled: bool, mms_enabled: bool
) -> PhoneNumberJson:
    moment = timestamp(order.finished_at or order.created_at)
    return {
        "id": line.id,
        "number": line.number,
        "number_type": number_type,
        "inbound_url": order.inbound_url or None,
        "status_url": order.status_url or None,
        "label": order.label or None,
        "campaign_id": order.campaign_id,
        "sms_enabled": sms_enabled,
        "mms_enabled": mms_enabled,
        "created_at": moment,
        "updated_at": moment,
    }


def _orders(entries: Iterable[Entry]) -> Iterable[_Order]:
    ids = {one.subject_id for one in entries}
    if not ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_ORDERS, [list(ids)])
        return [_Order._make(row) for row in cursor.fetchall()]


def _lines(entries: Iterable[Entry]) -> dict[UUID | None, list[_Line]]:
    """Return the numbers of completed orders, in the order asked for."""
    found: dict[UUID | None, list[_Line]] = defaultdict(list)
    if ids := [one.subject_id for one in entries]:
        with connection.cursor() as cursor:
            cursor.execute(_LINES, [ids])
            for row in cursor.fetchall():
                found[row[0]].append(_Line._make(row))
    return found
