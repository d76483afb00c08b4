"""Lease deliveries to a worker: by endpoint, a few at a time, and one at a time while it fails.

The sender looks at endpoints whose ``due_at`` has passed. It locks their rows, so that two workers
never count the same endpoint's leases at once. Code that adds, ends or leases a delivery takes the
same lock and computes ``due_at`` again, so no delivery is overlooked. The backlog of an endpoint
that fails is not read: its ``due_at`` is the time of the next probe.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction

# Longer than an attempt can take (numbers.webhooks.send), with the time to record it.
LEASE_SECONDS = 60
MOST_IN_FLIGHT = 5
_ENDPOINTS = 100  # looked at by one claim

_LOCK = """
    SELECT id FROM numbers_webhook
    WHERE due_at <= statement_timestamp()
    ORDER BY due_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
"""
_SLOTS = f"CASE WHEN w.failures > 0 OR w.id = ANY(%(slow)s) THEN 1 ELSE {MOST_IN_FLIGHT} END"
_LEASES = """
    SELECT count(*) AS count, min(leased_until) AS first FROM numbers_webhookdelivery
    WHERE webhook_id = w.id AND leased_until > statement_timestamp()
"""
_CLAIM = f"""
    WITH due AS MATERIALIZED (
        SELECT d.id FROM numbers_webhook AS w
        CROSS JOIN LATERAL ({_LEASES}) AS leases
        CROSS JOIN LATERAL (
            SELECT id, row_number() OVER () AS turn FROM (
                SELECT id FROM numbers_webhookdelivery
                WHERE webhook_id = w.id AND status = 'pending' AND due_at <= statement_timestamp()
                ORDER BY due_at
                LIMIT CASE WHEN w.probe_at > statement_timestamp() THEN 0
                      ELSE greatest(0, {_SLOTS} - leases.count) END
            ) AS first
        ) AS d
        WHERE w.id = ANY(%(webhooks)s)
        ORDER BY d.turn LIMIT %(limit)s
    )
    UPDATE numbers_webhookdelivery AS d
    SET leased_until = lease.ends, due_at = lease.ends, tries = tries + 1
    FROM due, (SELECT statement_timestamp() + make_interval(secs => {LEASE_SECONDS}) AS ends) AS lease,
         numbers_webhook AS w, campaigns_organization AS o
    WHERE d.id = due.id AND w.id = d.webhook_id AND o.id = w.organization_id
    RETURNING d.id, d.webhook_id, d.event_id, d.event_type, d.tries, w.url, w.secret,
              CASE WHEN w.previous_secret_until > statement_timestamp() THEN w.previous_secret
              ELSE '' END, o.is_sandbox, statement_timestamp()
"""  # noqa: S608  made of constants
_REFRESH = f"""
    UPDATE numbers_webhook AS w
    SET due_at = CASE
        WHEN w.status <> 'active' OR w.deleted_at IS NOT NULL THEN NULL
        WHEN (SELECT count FROM ({_LEASES}) AS leases) >= {_SLOTS}
            THEN (SELECT first FROM ({_LEASES}) AS leases)
        ELSE (
            SELECT greatest(w.probe_at, min(due_at)) FROM (
                SELECT due_at FROM numbers_webhookdelivery
                WHERE webhook_id = w.id AND status = 'pending' ORDER BY due_at LIMIT 1
            ) AS next HAVING min(due_at) IS NOT NULL
        ) END
    WHERE w.id = ANY(%(webhooks)s)
"""  # noqa: S608  made of constants


class Claimed(NamedTuple):
    """A delivery that this process sends now, with what it needs of its endpoint."""

    id: UUID
    webhook_id: UUID
    event_id: UUID
    event_type: str
    tries: int
    url: str
    secret: str
    previous_secret: str
    is_sandbox: bool
    at: datetime


def claim_deliveries(limit: int, *, slow: Collection[UUID] = ()) -> list[Claimed]:
    """Lease up to `limit` due deliveries, and commit. Of ``slow`` endpoints, one at a time.

    Each endpoint gets its first turn before any gets its second.
    """
    claimed: list[Claimed] = []
    while len(claimed) < limit:
        more, looked_at = _claim_batch(limit - len(claimed), slow)
        claimed += more
        if looked_at < _ENDPOINTS:
            break
    return claimed


def _claim_batch(limit: int, slow: Collection[UUID]) -> tuple[list[Claimed], int]:
    """Return what was leased, and how many endpoints were looked at."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOCK, [_ENDPOINTS])
        webhooks = [row[0] for row in cursor.fetchall()]
        if not webhooks:
            return [], 0
        cursor.execute(_CLAIM, {"webhooks": webhooks, "limit": limit, "slow": list(slow)})
        claimed = [Claimed._make(row) for row in cursor.fetchall()]
        refresh_due(webhooks, slow=slow)
    return claimed, len(webhooks)


def refresh_due(webhook_ids: Sequence[UUID], *, slow: Collection[UUID] = ()) -> None:
    """Set when the sender looks at endpoints next. The caller holds their locks."""
    with connection.cursor() as cursor:
        cursor.execute(_REFRESH, {"webhooks": list(webhook_ids), "slow": list(slow)})
