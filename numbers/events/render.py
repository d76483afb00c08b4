"""Render the events of feed entries: each resource as it was when the event happened.

PostgreSQL writes the JSON: to read the rows of a page of 1,000 events and to render each in Python
took five times as long. Most entries keep their resources. Those of orders name the order: all
that its events show was written once and never changes, except what
`numbers.events.capabilities` keeps. Tests hold these resources against those of the API.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from campaigns.event_types import ORDER_TYPES, EventType
from config import json_text

# An entry of these has an event of the order, and one for each of its numbers.
COMPLETED_TYPES = (EventType.ORDER_COMPLETED, EventType.BULK_ORDER_COMPLETED)


def _moment(column: str) -> str:
    shown = f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
    return _quoted(shown)


def _text(column: str) -> str:
    """Return a text as JSON; one that is empty is null."""
    return f"coalesce(to_json(nullif({column}, ''))::text, 'null')"


def _quoted(column: str) -> str:
    """Return an id or an amount as JSON, which needs no escapes."""
    return f"""coalesce('"' || {column} || '"', 'null')"""


def _object(**fields: str) -> str:
    """Return the SQL of an object's JSON from that of its fields."""
    members = [f"""'"{name}":' || {value}""" for name, value in fields.items()]
    return "'{' || " + " || ',' || ".join(members) + " || '}'"


_BEGAN = _moment("coalesce(o.finished_at, o.created_at)")
_NUMBER = _object(
    id=_quoted("a.id"),
    number=_quoted("n.number"),
    number_type="(kept.item -> 0)::text",
    inbound_url=_text("o.inbound_url"),
    status_url=_text("o.status_url"),
    label=_text("o.label"),
    campaign_id=_quoted("o.campaign_id"),
    sms_enabled="(kept.item -> 1)::text",
    mms_enabled="(kept.item -> 2)::text",
    created_at=_BEGAN,
    updated_at=_BEGAN,
)
_LINE = _object(
    id=_quoted("a.id"),
    number=_quoted("n.number"),
    price=_quoted("a.price"),
    monthly_price=_quoted("a.monthly_price"),
)
_KEY = _object(id=_quoted("o.api_key_id"), prefix="to_json(substr(o.actor, 5))::text")
_ORDER = _object(
    id=_quoted("o.id"),
    kind=_quoted("o.kind"),
    status=_quoted("o.status"),
    reason=_text("o.failure_reason"),
    quantity="o.quantity",
    total=_quoted("o.total"),
    currency=_quoted("o.currency"),
    label=_text("o.label"),
    campaign_id=_quoted("o.campaign_id"),
    customer_reference=_text("o.customer_reference"),
    api_key=f"CASE WHEN o.actor LIKE 'key:%%' AND o.api_key_id IS NOT NULL THEN {_KEY} ELSE 'null' END",
    created_at=_moment("o.created_at"),
    finished_at=_moment("o.finished_at"),
    numbers="'[' || lines.lines || ']'",
)
# A bulk order as it was at its entry: what is closed once is never opened again.
_BULK_ORDER = _object(
    order_id=_quoted("o.id"),
    status="""CASE WHEN pending.is THEN '"pending"' ELSE '"' || o.status || '"' END""",
    quantity="o.quantity",
    assigned_count="coalesce(lines.count, 0)",
    pending_count="CASE WHEN pending.is THEN o.quantity ELSE 0 END",
    max_price_per_number=_quoted("o.max_price_per_number"),
    customer_reference=_text("o.customer_reference"),
    assigned_numbers="'[' || coalesce(lines.numbers, '') || ']'",
    reason=f"CASE WHEN pending.is THEN 'null' ELSE {_text('o.failure_reason')} END",
    created_at=_moment("o.created_at"),
    finished_at=f"CASE WHEN pending.is THEN 'null' ELSE {_moment('o.finished_at')} END",
)
_EVENT = _object(
    id=_quoted("left(id::text, 33) || lpad(to_hex(number), 3, '0')"),
    type=_quoted("type"),
    timestamp=_moment("at"),
    data="resource",
)
NAMES: dict[str, Any] = {
    "completed": [one.value for one in COMPLETED_TYPES],
    "of_orders": [one.value for one in ORDER_TYPES],
    "named": EventType.ORDER_COMPLETED.value,
    "pending": EventType.BULK_ORDER_PENDING.value,
    "number_assigned": EventType.PHONE_NUMBER_ASSIGNED.value,
}
# ``entry`` gives the entries. The JSON of a resource that an entry keeps has blanks.
_EVENTS = f"""
    line AS MATERIALIZED (
        SELECT e.position, e.id, e.at, a.place, {_LINE} AS line, {_NUMBER} AS resource
        FROM entry AS e
        JOIN numbers_order AS o ON o.id = e.subject_id
        CROSS JOIN LATERAL (
            SELECT id, number_id, price, monthly_price, (row_number() OVER (ORDER BY id))::int AS place
            FROM numbers_assignment WHERE order_id = o.id
        ) AS a
        JOIN numbers_phonenumber AS n ON n.id = a.number_id
        CROSS JOIN LATERAL (
            SELECT e.data -> CASE jsonb_array_length(e.data) WHEN 1 THEN 0 ELSE a.place - 1 END AS item
        ) AS kept
        WHERE e.type = ANY(%(completed)s)
    ), resources AS (
        SELECT e.position, e.id, e.at, 0 AS number, e.type,
               CASE e.type WHEN %(named)s THEN {_ORDER} ELSE {_BULK_ORDER} END AS resource
        FROM entry AS e
        JOIN numbers_order AS o ON o.id = e.subject_id
        CROSS JOIN LATERAL (SELECT e.type = %(pending)s AS is) AS pending
        LEFT JOIN (
            SELECT position, count(*) AS count, string_agg(line, ',' ORDER BY place) AS lines,
                   string_agg(resource, ',' ORDER BY place) AS numbers
            FROM line GROUP BY position
        ) AS lines ON lines.position = e.position
        WHERE e.type = ANY(%(of_orders)s)
        UNION ALL
        SELECT position, id, at, place, %(number_assigned)s, resource FROM line
        UNION ALL
        SELECT e.position, e.id, e.at, (kept.place - 1)::int, e.type, kept.resource::text
        FROM entry AS e
        CROSS JOIN LATERAL jsonb_array_elements(e.data) WITH ORDINALITY AS kept (resource, place)
        WHERE e.type <> ALL(%(of_orders)s)
    ), event AS (
        SELECT position, number, type, {_EVENT} AS text FROM resources
    )
"""  # noqa: S608  made of constants


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


class Event(NamedTuple):
    """One event: its place in the feed, and its JSON as PostgreSQL writes it."""

    position: int
    number: int
    type: str
    text: str

    @property
    def data(self) -> Any:
        return json_text.load(self.text)["data"]

    @property
    def id(self) -> UUID:
        return UUID(self.text[len('{"id":"') :][:36])

    def as_json(self) -> json_text.Rendered:
        """Return the JSON to be part of a response."""
        return json_text.rendered(self.text)


def events_as_json(events: Iterable[Event]) -> json_text.Rendered:
    """Return the list of events to be part of a response."""
    return json_text.rendered(f"[{','.join(one.text for one in events)}]")


def events_statement(entries: str, select: str) -> str:
    """Return SQL that runs `select` on ``event``, the events of the entries that `entries` gives.

    ``event`` has the columns of `Event`. ``NAMES`` are parameters of it.
    """
    return f"WITH entry AS MATERIALIZED ({entries}), {_EVENTS} {select}"
