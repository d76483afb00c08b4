"""Checks of webhooks: every event has its deliveries, and every delivery is looked at.

A disabled endpoint is the reason for events without a delivery; ``followed_from`` says since when
an endpoint is as it is now.
"""

from numbers.verification.promises import Check

# Deliveries go after 30 days, in batches.
_SINCE = "now() - interval '29 days'"

WEBHOOKS = [
    Check(
        "every_event_has_a_delivery_for_each_endpoint_that_wants_it",
        5,
        "numbers_webhookdelivery",
        # An event that was fanned out, without a delivery for an endpoint that wanted it.
        f"""
        SELECT w.id AS webhook_id, event.type, event.id AS event_id
        FROM numbers_webhook AS w
        JOIN numbers_feedentry AS e
          ON e.organization_id = w.organization_id AND e.position > w.followed_from
         AND e.position <= (SELECT position FROM numbers_webhookcursor WHERE id = 1)
         AND e.at > {_SINCE}
        CROSS JOIN LATERAL (
            SELECT (left(e.id::text, 33) || lpad(to_hex(number), 3, '0'))::uuid AS id,
                   CASE WHEN number > 0 AND e.type IN ('order.completed', 'bulk_order.completed')
                        THEN 'phone_number.assigned' ELSE e.type END AS type
            FROM generate_series(0, e.event_count - 1) AS number
        ) AS event
        WHERE w.status <> 'disabled' AND w.deleted_at IS NULL
          AND (event.type = ANY(w.events) OR '*' = ANY(w.events))
          AND (event.type <> 'webhook.ping' OR e.data -> 0 ->> 'id' = w.id::text)
          AND NOT EXISTS (
              SELECT FROM numbers_webhookdelivery AS d
              WHERE d.webhook_id = w.id AND d.event_id = event.id
          )
        """,  # noqa: S608  made of constants
    ),
    Check(
        "every_pending_delivery_is_looked_at_in_time",
        5,
        "numbers_webhookdelivery",
        # An endpoint that the sender looks at later than a delivery of it is due.
        """
        SELECT w.id AS webhook_id, w.due_at, next.due_at AS delivery_due_at
        FROM numbers_webhook AS w
        CROSS JOIN LATERAL (
            SELECT min(due_at) AS due_at, min(leased_until) AS lease_ends
            FROM numbers_webhookdelivery WHERE webhook_id = w.id AND status = 'pending'
        ) AS next
        WHERE w.status = 'active' AND w.deleted_at IS NULL AND next.due_at IS NOT NULL
          AND (w.due_at IS NULL
               OR w.due_at > greatest(next.due_at, next.lease_ends, w.probe_at))
        """,
    ),
    Check(
        "every_delivery_that_succeeded_was_received",
        5,
        "numbers_webhookdelivery",
        """
        SELECT d.id AS delivery_id, d.webhook_id FROM numbers_webhookdelivery AS d
        WHERE d.status = 'succeeded' AND NOT EXISTS (
            SELECT FROM numbers_deliveryattempt WHERE delivery_id = d.id AND error = ''
        )
        """,
    ),
]
