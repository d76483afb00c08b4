"""Checks of promises 4 and 5, which read events. See numbers.verification.promises."""

from numbers.verification.promises import Check

QUARANTINE = [
    Check(
        "nothing_is_sold_in_quarantine",
        4,
        "numbers_assignment",
        # An assignment that began during the quarantine after the assignment before it, unless an
        # operator had ended the quarantine or restored the number.
        """
        SELECT n.number, p.id AS assignment_id, p.created_at AS began,
               e.after ->> 'quarantined_until' AS until
        FROM (
            SELECT id, number_id, created_at,
                   lag(id) OVER (PARTITION BY number_id ORDER BY created_at, id) AS ahead
            FROM numbers_assignment
        ) p
        JOIN numbers_phonenumber n ON n.id = p.number_id
        JOIN (
            SELECT DISTINCT ON (assignment_id) * FROM numbers_numberevent
            WHERE kind = 'released' ORDER BY assignment_id, id DESC
        ) e ON e.assignment_id = p.ahead
        WHERE coalesce(p.created_at < (e.after ->> 'quarantined_until')::timestamptz, true)
          AND NOT EXISTS (
            SELECT FROM numbers_numberevent q
            WHERE q.number_id = p.number_id AND q.id > e.id AND q.at <= p.created_at
              AND (q.kind = 'quarantine_ended'
                   OR q.kind = 'restored'
                      AND coalesce((q.after ->> 'quarantined_until')::timestamptz <= p.created_at, true)))
        """,
    ),
    Check(
        "nothing_is_held_in_quarantine",
        4,
        "numbers_numberevent",
        # A hold that began in the quarantine that the event before it had started.
        """
        SELECT n.number, e.id AS event_id, e.at, e.until
        FROM (
            SELECT id, number_id, kind, at,
                   lag((after ->> 'quarantined_until')::timestamptz) OVER (PARTITION BY number_id
                       ORDER BY id) AS until
            FROM numbers_numberevent WHERE after ? 'status'
        ) e JOIN numbers_phonenumber n ON n.id = e.number_id
        WHERE e.kind = 'held' AND e.at < e.until
        """,
    ),
    Check(
        "quarantines_last_as_long_as_the_history_says",
        4,
        "numbers_phonenumber",
        # A number in quarantine until another time than its release recorded.
        """
        SELECT n.number, n.quarantined_until,
               (e.after ->> 'quarantined_until')::timestamptz AS recorded
        FROM numbers_phonenumber n
        LEFT JOIN LATERAL (
            SELECT after FROM numbers_numberevent e
            WHERE e.number_id = n.id AND e.after ? 'status' ORDER BY e.id DESC LIMIT 1
        ) e ON true
        WHERE n.status = 'quarantined'
          AND n.quarantined_until IS DISTINCT FROM (e.after ->> 'quarantined_until')::timestamptz
        """,
    ),
]

PROVENANCE = [
    Check(
        "the_last_event_explains_the_status",
        5,
        "numbers_phonenumber",
        # A number whose status is not that of its last event; without events it must be available.
        """
        SELECT n.number, n.status, coalesce(e.status, 'available') AS recorded
        FROM numbers_phonenumber n
        LEFT JOIN (
            SELECT DISTINCT ON (number_id) number_id, after ->> 'status' AS status
            FROM numbers_numberevent WHERE after ? 'status' ORDER BY number_id, id DESC
        ) e ON e.number_id = n.id
        WHERE n.status <> coalesce(e.status, 'available')
        """,
    ),
    Check(
        "each_event_continues_the_one_before",
        5,
        "numbers_numberevent",
        # A status that changed between two events.
        """
        SELECT e.number_id, e.id AS event_id, e.kind, e.before ->> 'status' AS found, e.left_as
        FROM (
            SELECT id, number_id, kind, before,
                   lag(after ->> 'status', 1, 'available') OVER (PARTITION BY number_id ORDER BY id)
                       AS left_as
            FROM numbers_numberevent WHERE after ? 'status'
        ) e
        WHERE e.before ->> 'status' IS DISTINCT FROM e.left_as
        """,
    ),
    Check(
        "the_last_event_explains_the_price",
        5,
        "numbers_phonenumber",
        # A price other than the last one that an event recorded.
        """
        SELECT n.number, n.price, e.price AS recorded
        FROM numbers_phonenumber n
        JOIN (
            SELECT DISTINCT ON (number_id) number_id, (after ->> 'price')::numeric AS price
            FROM numbers_numberevent WHERE after ? 'price' ORDER BY number_id, id DESC
        ) e ON e.number_id = n.id
        WHERE n.price <> e.price
        """,
    ),
    Check(
        "the_last_event_explains_the_monthly_price",
        5,
        "numbers_phonenumber",
        # A monthly price other than the last one that an event recorded.
        """
        SELECT n.number, n.monthly_price, e.monthly_price AS recorded
        FROM numbers_phonenumber n
        JOIN (
            SELECT DISTINCT ON (number_id)
                   number_id, (after ->> 'monthly_price')::numeric AS monthly_price
            FROM numbers_numberevent WHERE after ? 'monthly_price' ORDER BY number_id, id DESC
        ) e ON e.number_id = n.id
        WHERE n.monthly_price <> e.monthly_price
        """,
    ),
    Check(
        "every_end_of_an_ownership_is_in_the_history",
        5,
        "numbers_assignment",
        # An ended assignment needs one release more than undone ones, an open one as many; the
        # last of these events is the one that explains how it stands.
        """
        SELECT a.id AS assignment_id, a.ended_at, e.releases, e.undone, e.last
        FROM numbers_assignment a
        FULL JOIN (
            SELECT assignment_id, count(*) FILTER (WHERE kind = 'released') AS releases,
                   count(*) FILTER (WHERE kind = 'release_undone') AS undone,
                   (array_agg(kind ORDER BY id DESC))[1] AS last
            FROM numbers_numberevent WHERE kind IN ('released', 'release_undone') GROUP BY assignment_id
        ) e ON e.assignment_id = a.id
        WHERE a.id IS NULL
           OR coalesce(e.releases, 0) - coalesce(e.undone, 0) <> (a.ended_at IS NOT NULL)::int
           OR e.last = CASE WHEN a.ended_at IS NULL THEN 'released' ELSE 'release_undone' END
        """,
    ),
    Check(
        "every_lock_is_in_the_history",
        3,
        "numbers_assignment",
        # A lock whose last event says otherwise. A release for arrears ends it too.
        """
        SELECT a.id AS assignment_id, a.locked_at, e.kind AS last
        FROM numbers_assignment a
        FULL JOIN (
            SELECT DISTINCT ON (assignment_id) assignment_id, kind
            FROM numbers_numberevent WHERE kind IN ('locked', 'unlocked', 'released')
            ORDER BY assignment_id, id DESC
        ) e ON e.assignment_id = a.id
        WHERE (a.locked_at IS NOT NULL) <> (coalesce(e.kind, 'unlocked') = 'locked')
        """,
    ),
    Check(
        "an_undone_release_gives_back_what_it_took",
        4,
        "numbers_numberevent",
        # An undo that does not follow the release of the same assignment, came after the
        # quarantine, or gave back another routing. The campaign may be missing.
        """
        SELECT u.id AS event_id, u.assignment_id, r.id AS release
        FROM numbers_numberevent u
        LEFT JOIN LATERAL (
            SELECT * FROM numbers_numberevent e
            WHERE e.number_id = u.number_id AND e.id < u.id
              AND e.kind IN ('assigned', 'released', 'release_undone')
            ORDER BY e.id DESC LIMIT 1
        ) r ON true
        WHERE u.kind = 'release_undone'
          AND ((r.kind, r.assignment_id, r.organization_id)
               IS DISTINCT FROM ('released', u.assignment_id, u.organization_id)
            OR coalesce(u.at >= (u.before ->> 'quarantined_until')::timestamptz, true)
            OR (u.after ->> 'inbound_url', u.after ->> 'status_url', u.after ->> 'label')
               IS DISTINCT FROM (r.before ->> 'inbound_url', r.before ->> 'status_url', r.before ->> 'label')
            OR coalesce(u.after ->> 'campaign_id', u.after ->> 'campaign_detached')
               IS DISTINCT FROM r.before ->> 'campaign_id')
        """,
    ),
    Check(
        "the_last_event_explains_who_may_do_what",
        5,
        "campaigns_event",
        # An organization, brand or campaign whose status is not that of its last event.
        """
        SELECT s.subject, s.id, s.status, e.status AS recorded
        FROM (
            SELECT 'organization' AS subject, id, status, 'status' AS field
            FROM campaigns_organization
            UNION ALL SELECT 'brand', id, status, 'status' FROM campaigns_brand
            UNION ALL SELECT 'brand', id, identity_status, 'identity_status' FROM campaigns_brand
            UNION ALL SELECT 'campaign', id, status, 'status' FROM campaigns_campaign
        ) s
        JOIN LATERAL (
            SELECT after ->> s.field AS status FROM campaigns_event
            WHERE subject_id = s.id AND after ? s.field ORDER BY id DESC LIMIT 1
        ) e ON true
        WHERE s.status IS DISTINCT FROM e.status
        """,
    ),
    Check(
        "every_change_says_who_and_in_which_request",
        5,
        "numbers_numberevent",
        # A row of history, order, reservation, stock batch or ledger entry without actor or
        # request.
        r"""
        SELECT t.kept_in, t.id, t.actor, t.request_id
        FROM (
            SELECT 'numbers_numberevent' AS kept_in, id::text, actor, request_id
            FROM numbers_numberevent
            UNION ALL SELECT 'campaigns_event', id::text, actor, request_id FROM campaigns_event
            UNION ALL SELECT 'numbers_creditentry', id::text, actor, request_id
            FROM numbers_creditentry
            UNION ALL SELECT 'numbers_order', id::text, actor, request_id FROM numbers_order
            UNION ALL SELECT 'numbers_order', id::text, closed_by, closed_in_request
            FROM numbers_order
                      WHERE status IN ('failed', 'cancelled')
            UNION ALL SELECT 'numbers_reservation', id::text, actor, request_id
            FROM numbers_reservation
            UNION ALL SELECT 'numbers_stockbatch', id::text, actor, request_id
            FROM numbers_stockbatch
        ) t
        WHERE t.actor !~ '^(key|operator|command|system):.' OR t.request_id !~ '\S'
        """,
    ),
    Check(
        "operators_made_every_platform_key",
        5,
        "apikeys_apikey",
        # A platform key whose creation is not in the history, or was not by an operator or a
        # command.
        """
        SELECT k.id, k.prefix, e.actor
        FROM apikeys_apikey k
        LEFT JOIN campaigns_event e ON e.subject_id = k.id AND e.kind = 'created'
        WHERE k.organization_id IS NULL
          AND (e.actor IS NULL OR e.actor !~ '^(operator|command):')
        """,
    ),
]
