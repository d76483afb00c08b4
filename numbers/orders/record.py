"""The statement that writes an order, with rent and without."""

from apikeys.limits.budgets import COUNT_FOR_LIMITS

# Every row of an order in one round trip: seven statements took a quarter longer. The order is
# inserted, or completed if it was pending. Numbers, assignments, events, charge, balance and the
# response for retries follow. Foreign keys between them are checked at COMMIT. The caller holds the
# locks of the account and the numbers; the unique index on open assignments holds without them.
# LOCK_NUMBERS explains why a list is behind a SELECT.
_RECORD = f"""
    WITH line AS (
        SELECT * FROM unnest((SELECT %(number_ids)s::bigint[]), %(assignment_ids)s::uuid[],
                             %(prices)s::numeric[], %(statuses)s::text[]{{months}})
            AS t (number_id, assignment_id, price, status{{month}})
    ), recorded AS (
        INSERT INTO numbers_order (id, organization_id, sandbox, kind, status, quantity, criteria,
                                   inbound_url, status_url, label, customer_reference, campaign_id,
                                   max_price_per_number, total, currency, failure_reason, actor,
                                   api_key_id, request_id, created_at, finished_at)
        VALUES (%(order_id)s, %(organization_id)s, %(sandbox)s, %(kind)s, 'complete', %(quantity)s,
                %(criteria)s::jsonb, %(inbound_url)s, %(status_url)s, %(label)s,
                %(customer_reference)s, %(campaign_id)s, %(max_price)s, %(total)s, %(currency)s, '',
                %(actor)s, %(api_key_id)s, %(request_id)s, %(at)s, %(at)s)
        ON CONFLICT (id) DO UPDATE
        SET status = 'complete', total = EXCLUDED.total, finished_at = EXCLUDED.finished_at,
            waiting_reason = ''
    ), owned AS (
        INSERT INTO numbers_assignment (id, number_id, organization_id, order_id, price,
                                        inbound_url, status_url, label, campaign_id, created_at,
                                        updated_at{{month}})
        SELECT assignment_id, number_id, %(organization_id)s, %(order_id)s, price, %(inbound_url)s,
               %(status_url)s, %(label)s, %(campaign_id)s, %(at)s, %(at)s{{month}}
        FROM line
    ){{rented}}, sold AS (
        UPDATE numbers_phonenumber AS n
        SET status = 'assigned', quarantined_until = NULL, held_for_id = NULL, held_until = NULL,
            reservation_id = NULL, updated_at = %(at)s
        FROM line WHERE n.id = line.number_id
    ), recorded_events AS (
        INSERT INTO numbers_numberevent (at, number_id, kind, organization_id, assignment_id,
                                         order_id, actor, request_id, before, after, reason)
        SELECT %(at)s, number_id, 'assigned', %(organization_id)s, assignment_id, %(order_id)s,
               %(actor)s, %(request_id)s, jsonb_build_object('status', status),
               jsonb_build_object('status', 'assigned', 'price', price, 'campaign_id',
                                  %(campaign_id)s::uuid{{recorded_month}}),
               %(reason)s
        FROM line
    ), announced AS (
        INSERT INTO campaigns_outboxentry (organization_id, type, at, subject_id, event_count, data)
        VALUES (%(organization_id)s, %(event_type)s, %(at)s, %(order_id)s, %(quantity)s::int + 1,
                %(capabilities)s::jsonb)
    ), answered AS (
        UPDATE numbers_idempotencyrecord SET status = 200, body = %(answer)s
        WHERE organization_id = %(organization_id)s AND key = %(idempotency_key)s
    ), counted AS (
        {COUNT_FOR_LIMITS}
    ), charged AS (
        INSERT INTO numbers_creditentry (account_id, entry, kind, amount, balance_before,
                                         balance_after, currency, order_id, actor, request_id, note,
                                         created_at)
        SELECT organization_id, entries + 1, 'charge', -%(total)s::numeric, balance,
               balance - %(total)s::numeric, currency, %(order_id)s, %(actor)s, %(request_id)s, '',
               %(at)s
        FROM numbers_creditaccount WHERE organization_id = %(organization_id)s AND NOT %(sandbox)s
    )
    UPDATE numbers_creditaccount SET balance = balance - %(total)s::numeric, entries = entries + 1
    WHERE organization_id = %(organization_id)s AND NOT %(sandbox)s
"""  # noqa: S608  made of constants
RECORD = _RECORD.format(months="", month="", recorded_month="", rented="")
# The same for an order with a rented number. An order without one does nothing for rent.
_RENTED = """, rented AS (
        INSERT INTO numbers_rent (assignment_id, organization_id, sandbox, anchor, monthly_price,
                                  first_period, next_period, next_charge_at,
                                  release_at_period_end, is_open)
        SELECT assignment_id, %(organization_id)s, %(sandbox)s, %(at)s, monthly_price, 1, 1,
               numberdesk_period_start(%(at)s, 1), false, true
        FROM line WHERE monthly_price > 0
    )"""
RECORD_RENTED = _RECORD.format(
    rented=_RENTED,
    months=", %(monthly_prices)s::numeric[]",
    month=", monthly_price",
    recorded_month=", 'monthly_price', monthly_price",
)
