"""How many numbers an organization may hold, and each of them for how long in a day."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from config.actors import PLATFORM_PREFIX
from config.errors import LimitExceeded, ValidationFailed
from numbers.locks import LockedNumber

SHORTEST, LONGEST = 60, 1_800

HELD_NOW = """
    SELECT count(*) FROM numbers_phonenumber
    WHERE held_for_id = %s AND held_until > statement_timestamp() AND id <> ALL(%s)
"""

# Whether a hold was made by the customer. A platform's key holds for the operator, as the desk does.
_BY_CUSTOMER = f"starts_with(actor, 'key:') AND NOT starts_with(actor, 'key:{PLATFORM_PREFIX}')"
OPERATORS_HOLDS = f"""
    SELECT number_id FROM (
        SELECT DISTINCT ON (number_id) number_id, actor FROM numbers_numberevent
        WHERE number_id = ANY(%s) AND kind IN ('held', 'hold_moved') ORDER BY number_id, id DESC
    ) AS hold WHERE NOT ({_BY_CUSTOMER})
"""  # noqa: S608  made of constants

# The seconds in a day for which the organization's keys have held each number: from each hold to
# the next event of the number. A hold counts for at least the shortest length, or holding and
# releasing in turn would be free; and for at most the longest, beyond which only the end of an
# operator's hold reaches that it took over.
HELD_SECONDS = f"""
    WITH events AS (
        SELECT number_id, kind, organization_id, actor, at,
               (after ->> 'held_until')::timestamptz AS held_until,
               lead(at, 1, %(at)s) OVER (PARTITION BY number_id ORDER BY id) AS next_at
        FROM numbers_numberevent
        WHERE number_id = ANY(%(ids)s)
          AND at > %(since)s::timestamptz - interval '{LONGEST} seconds'
    ), holds AS (
        SELECT number_id, greatest(at, %(since)s) AS began,
               greatest(least(held_until, next_at, at + interval '{LONGEST} seconds'),
                        at + interval '{SHORTEST} seconds') AS ended
        FROM events
        WHERE kind = 'held' AND organization_id = %(organization_id)s AND {_BY_CUSTOMER}
    )
    SELECT number_id, sum(extract(epoch FROM ended - began)) FROM holds WHERE ended > began
    GROUP BY number_id
"""  # noqa: S608  made of constants


def without_operators_holds(rows: list[LockedNumber]) -> list[LockedNumber]:
    """Return the rows whose hold, if any, counts as the customer's own."""
    held = [row.id for row in rows if row.held_until]
    if not held:
        return rows
    with connection.cursor() as cursor:
        cursor.execute(OPERATORS_HOLDS, [held])
        others = {number_id for (number_id,) in cursor.fetchall()}
    return [row for row in rows if row.id not in others]


def check_quota(rows: list[LockedNumber], organization_id: UUID, most_held: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(HELD_NOW, [organization_id, [row.id for row in rows]])
        held = cursor.fetchone()[0]
    if held + len(rows) > most_held:
        remedy = "order or release some of them first"
        raise ValidationFailed(
            details={
                "numbers": f"would make {held + len(rows)} numbers on hold, {most_held} are allowed: {remedy}"
            }
        )


def check_time(
    rows: list[LockedNumber], organization_id: UUID, at: datetime, until: datetime
) -> None:
    """Raise LimitExceeded if a number would be held for too long in a day."""
    parameters: dict[str, Any] = {
        "ids": [row.id for row in rows],
        "organization_id": organization_id,
        "at": at,
        "since": until - timedelta(days=1),
    }
    with connection.cursor() as cursor:
        cursor.execute(HELD_SECONDS, parameters)
        held = {number_id: float(seconds) for number_id, seconds in cursor.fetchall()}
    left = settings.HOLD_SECONDS_PER_DAY - (until - at).total_seconds()
    over = [row.number for row in rows if held.get(row.id, 0.0) > left]
    if over:
        raise LimitExceeded(
            f"limit exceeded: a number may be on hold for {settings.HOLD_SECONDS_PER_DAY:,} "
            "seconds in any 24 hours; order "
            f"{', '.join(over[:5])}{' and others' if len(over) > 5 else ''}, ask for a shorter "
            "hold, or hold other numbers",
            data={"numbers": over},
        )
