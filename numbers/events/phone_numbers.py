"""Write events of owned numbers: one row of the outbox for each organization and 1,000 numbers.

``phone_number.assigned`` is not among them: it comes with the entry of its order.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from campaigns.event_types import EventType
from config.db.pipeline import Statement, array_text

# The fields of numbers.ownership.queries.PhoneNumberJson, by the database: a bulk action changes
# numbers of any organization by the hundred. tests/numbers/events holds the two together.
_MOMENT = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
_RESOURCE = f"""
    jsonb_build_object(
        'id', a.id, 'number', n.number, 'number_type', n.number_type,
        'inbound_url', nullif(a.inbound_url, ''), 'status_url', nullif(a.status_url, ''),
        'label', nullif(a.label, ''), 'campaign_id', a.campaign_id,
        'sms_enabled', n.sms_enabled, 'mms_enabled', n.mms_enabled,
        'created_at', {_MOMENT.format("a.created_at")},
        'updated_at', {_MOMENT.format("coalesce(%(at)s::timestamptz, a.updated_at)")})
"""
_WRITE = f"""
    INSERT INTO campaigns_outboxentry (organization_id, type, event_count, data)
    SELECT organization_id, %(type)s, count(*), jsonb_agg(resource ORDER BY id)
    FROM (
        SELECT a.organization_id, a.id, {_RESOURCE} AS resource,
               (row_number() OVER (PARTITION BY a.organization_id ORDER BY a.id) - 1) / 1000 AS part
        FROM numbers_assignment a JOIN numbers_phonenumber n ON n.id = a.number_id
        WHERE {{which}}
    ) AS lines
    GROUP BY organization_id, part ORDER BY organization_id, part
"""  # noqa: S608  made of constants
_BY_ASSIGNMENT = _WRITE.format(which="a.id = ANY(%(ids)s)")
_BY_NUMBER = _WRITE.format(which="a.number_id = ANY(%(ids)s) AND a.ended_at IS NULL")


def write_number_events(
    event_type: EventType, *, assignment_ids: Sequence[UUID], at: datetime | None = None
) -> None:
    """Write an event for each assignment as it is at this moment, in the current transaction.

    A release calls it before it clears the routing, and gives the time that `updated_at` is to say.
    """
    _write(_BY_ASSIGNMENT, event_type, list(assignment_ids), at)


def write_owned_numbers_updated(number_ids: Sequence[int], *, at: datetime | None = None) -> None:
    """Write ``phone_number.updated`` for those of the numbers that have an owner."""
    _write(_BY_NUMBER, EventType.PHONE_NUMBER_UPDATED, list(number_ids), at)


def number_events_statement(event_type: EventType, assignment_ids: Sequence[UUID]) -> Statement:
    """Return the statement of ``write_number_events``, to be sent with others."""
    ids = array_text(assignment_ids)
    return _BY_ASSIGNMENT, {"type": event_type.value, "ids": ids, "at": None}


def _write(
    statement: str, event_type: EventType, ids: list[UUID] | list[int], at: datetime | None
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"type": event_type.value, "ids": ids, "at": at})
