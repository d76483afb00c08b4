"""Checks of promise 5 for the feed: history and events agree, for as long as events are kept.

Each direction bounds one side in time, so that an act at the very boundary is never an offender.
"""

from campaigns.outbox import ROUTES_CHANGED
from config.db.fields import NO_ORGANIZATION
from numbers.events.retention import RETENTION_DAYS
from numbers.verification.promises import Check

SINCE = f"""
    greatest(now() - interval '{RETENTION_DAYS} days',
             (SELECT coalesce(min(began_at), '-infinity') FROM numbers_feedhead))
"""  # noqa: S608  made of constants
ENTRIES = """
    SELECT organization_id, type, at, subject_id, event_count, data FROM numbers_feedentry
    UNION ALL SELECT organization_id, type, at, subject_id, event_count, data FROM campaigns_outboxentry
"""
# The release that began to record changes for gateways left an entry in each desk with a history.
_ROUTES_SINCE = f"""
    (SELECT coalesce(min(at), '-infinity') FROM ({ENTRIES}) AS entry
     WHERE type = '{ROUTES_CHANGED}' AND data = '[{{}}]')
"""  # noqa: S608
# One row for each resource that an entry keeps, and how many events of the type it has.
_KEPT = f"""
    SELECT type, (item ->> 'id')::uuid AS id, count(*) AS times, max(at) AS at
    FROM ({ENTRIES}) AS entry CROSS JOIN jsonb_array_elements(data) AS item
    WHERE subject_id IS NULL AND item ? 'id'
    GROUP BY 1, 2
"""  # noqa: S608  made of constants

EVENTS = [
    Check(
        "every_order_has_its_event",
        5,
        "numbers_order",
        # An order that ended without exactly one entry for that, or one that waits or waited in
        # vain without an entry for its beginning.
        f"""
        SELECT o.id AS order_id, o.type, e.times, e.event_count
        FROM (
            SELECT id, CASE kind WHEN 'named' THEN 'order.completed' ELSE 'bulk_order.' ||
                       CASE status WHEN 'complete' THEN 'completed' ELSE status END END AS type,
                   CASE status WHEN 'complete' THEN quantity + 1 ELSE 1 END AS event_count
            FROM numbers_order WHERE finished_at > {SINCE}
            UNION ALL
            SELECT id, 'bulk_order.pending', 1 FROM numbers_order
            WHERE status <> 'complete' AND created_at > {SINCE}
        ) o
        LEFT JOIN (
            SELECT subject_id, type, count(*) AS times, max(event_count) AS event_count
            FROM ({ENTRIES}) AS entry WHERE subject_id IS NOT NULL GROUP BY 1, 2
        ) e ON e.subject_id = o.id AND e.type = o.type
        WHERE e.times IS DISTINCT FROM 1 OR e.event_count <> o.event_count
        """,  # noqa: S608  made of constants
    ),
    Check(
        "every_event_of_an_order_has_its_order",
        5,
        "numbers_feedentry",
        # An entry of an order that does not exist or did not end so.
        f"""
        SELECT e.subject_id AS order_id, e.type, o.status
        FROM ({ENTRIES}) AS e LEFT JOIN numbers_order o
          ON o.id = e.subject_id AND o.organization_id = e.organization_id
        WHERE e.subject_id IS NOT NULL
          AND (o.id IS NULL
               OR e.type <> 'bulk_order.pending'
                  AND split_part(e.type, '.', 2)
                      <> CASE o.status WHEN 'complete' THEN 'completed' ELSE o.status END)
        """,  # noqa: S608  made of constants
    ),
    Check(
        "every_change_of_an_owned_number_has_its_event",
        5,
        "numbers_numberevent",
        # A release or change of routing with fewer events than history has rows.
        f"""
        SELECT h.assignment_id, h.kind, h.times, coalesce(e.times, 0) AS events
        FROM (
            SELECT assignment_id, kind, count(*) AS times,
                   'phone_number.' || CASE kind WHEN 'routed' THEN 'updated' ELSE kind END AS type
            FROM numbers_numberevent
            WHERE kind IN ('routed', 'released', 'release_undone', 'past_due', 'suspended', 'resumed')
              AND assignment_id IS NOT NULL AND at > {SINCE}
            GROUP BY 1, 2
        ) h
        LEFT JOIN ({_KEPT}) AS e ON e.id = h.assignment_id AND e.type = h.type
        WHERE h.times > coalesce(e.times, 0)
        """,  # noqa: S608  made of constants
    ),
    Check(
        "every_release_event_has_its_release",
        5,
        "numbers_feedentry",
        # More events of releases than history has rows.
        f"""
        SELECT e.id AS assignment_id, e.times, h.times AS releases
        FROM ({_KEPT}) AS e
        LEFT JOIN (
            SELECT assignment_id, count(*) AS times FROM numbers_numberevent WHERE kind = 'released' GROUP BY 1
        ) h ON h.assignment_id = e.id
        WHERE e.type = 'phone_number.released' AND e.times > coalesce(h.times, 0)
        """,  # noqa: S608  made of constants
    ),
    Check(
        "every_change_of_brands_campaigns_and_keys_has_its_event",
        5,
        "campaigns_event",
        f"""
        SELECT h.subject, h.subject_id, h.type, h.times, coalesce(e.times, 0) AS events
        FROM (
            SELECT subject, subject_id, count(*) AS times,
                   subject || '.' || CASE subject WHEN 'api_key' THEN kind ELSE 'updated' END AS type
            FROM campaigns_event
            WHERE (subject IN ('brand', 'campaign')
                   OR subject = 'api_key' AND kind IN ('created', 'rotated', 'revoked')
                      AND organization_id <> '{NO_ORGANIZATION}')
              AND at > {SINCE}
            GROUP BY 1, 2, 4
        ) h
        LEFT JOIN ({_KEPT}) AS e ON e.id = h.subject_id AND e.type = h.type
        WHERE h.times > coalesce(e.times, 0)
        """,  # noqa: S608  made of constants
    ),
    Check(
        "every_suspension_reaches_the_gateways",
        5,
        "campaigns_event",
        # An organization that was suspended or restored more often than gateways can read.
        f"""
        SELECT h.subject_id AS organization_id, h.times, coalesce(e.times, 0) AS recorded
        FROM (
            SELECT subject_id, count(*) AS times FROM campaigns_event
            WHERE subject = 'organization' AND kind IN ('suspended', 'restored')
              AND at > greatest({SINCE}, {_ROUTES_SINCE}) GROUP BY 1
        ) h
        LEFT JOIN (
            SELECT (data -> 0 ->> 'organization')::uuid AS id, count(*) AS times
            FROM ({ENTRIES}) AS entry WHERE type = '{ROUTES_CHANGED}' GROUP BY 1
        ) e ON e.id = h.subject_id
        WHERE h.times > coalesce(e.times, 0)
        """,  # noqa: S608  made of constants
    ),
    Check(
        "every_decision_follows_the_state_table",
        5,
        "campaigns_event",
        # A campaign that moved where the table of transitions has no way.
        """
        SELECT h.id, h.subject_id AS campaign_id, h.before ->> 'status' AS before, h.after ->> 'status' AS after
        FROM campaigns_event h
        WHERE h.subject = 'campaign' AND h.before ->> 'status' <> h.after ->> 'status'
          AND NOT EXISTS (
              SELECT FROM campaigns_statustransition t
              WHERE t.machine = 'campaign' AND t.from_status = h.before ->> 'status'
                AND t.to_status = h.after ->> 'status')
        """,
    ),
    Check(
        "every_balance_that_fell_to_zero_has_its_event",
        5,
        "numbers_creditentry",
        f"""
        SELECT h.account_id, h.times, coalesce(e.times, 0) AS events
        FROM (
            SELECT account_id, count(*) AS times FROM numbers_creditentry
            WHERE balance_after = 0 AND balance_before > 0 AND created_at > {SINCE} GROUP BY 1
        ) h
        LEFT JOIN (
            SELECT organization_id, count(*) AS times FROM ({ENTRIES}) AS entry
            WHERE type = 'credit.depleted' GROUP BY 1
        ) e ON e.organization_id = h.account_id
        WHERE h.times > coalesce(e.times, 0)
        """,  # noqa: S608  made of constants
    ),
    Check(
        "the_feed_is_whole",
        5,
        "numbers_feedhead",
        # The head counts entries that are not there, or the feed has one beyond its head.
        """
        SELECT h.position, h.published, h.removed, f.entries, f.last
        FROM numbers_feedhead h
        CROSS JOIN (
            SELECT count(*) AS entries, max(position) AS last, min(position) AS first FROM numbers_feedentry
        ) f
        WHERE h.published - h.removed <> f.entries OR f.last > h.position OR f.first <= h.removed_up_to
        """,
    ),
]
