"""The contract's five promises as SQL checks: they hold at every instant, whatever crashes.

Each check is one query that returns the rows which must not exist. The queries are set-based:
PostgreSQL aggregates, joins and sorts, on disk if memory is short, and returns offending rows only.
"""

from dataclasses import dataclass

PROMISES = {
    1: "A number has at most one owner.",
    2: "An order is whole or absent: numbers, charge, ledger, order and history commit together.",
    3: "Credit never goes below zero, and equals the sum of its ledger. Ledger and history are never changed.",
    4: "A released number is nobody's until its quarantine has passed.",
    5: "Every change of an owner, a price, a status or a balance says who did it, when and in which request.",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    `offenders` selects the rows that break it; `counted` is the table that it reads.
    """

    name: str
    promise: int
    counted: str
    offenders: str


ONE_OWNER = [
    Check(
        "open_ownership_is_unique",
        1,
        "numbers_assignment",
        # A number with two open assignments.
        """
        SELECT n.number, count(*) AS owners
        FROM numbers_assignment a JOIN numbers_phonenumber n ON n.id = a.number_id
        WHERE a.ended_at IS NULL GROUP BY n.number HAVING count(*) > 1
        """,
    ),
    Check(
        "assigned_means_owned",
        1,
        "numbers_phonenumber",
        # An assigned number without an owner, or an owned number that could be sold again.
        """
        SELECT n.number, n.status, a.organization_id AS owner
        FROM numbers_phonenumber n
        LEFT JOIN numbers_assignment a ON a.number_id = n.id AND a.ended_at IS NULL
        WHERE (n.status = 'assigned') <> (a.id IS NOT NULL)
        """,
    ),
    Check(
        "ownerships_follow_each_other",
        1,
        "numbers_assignment",
        # An assignment that began before the previous one ended: two owners at some time.
        """
        SELECT n.number, p.id AS assignment_id, p.created_at AS began, p.ahead_ended
        FROM (
            SELECT id, number_id, created_at, lag(ended_at) OVER w AS ahead_ended,
                   row_number() OVER w AS nth
            FROM numbers_assignment
            WINDOW w AS (PARTITION BY number_id ORDER BY created_at, ended_at NULLS LAST, id)
        ) p JOIN numbers_phonenumber n ON n.id = p.number_id
        WHERE p.nth > 1 AND (p.ahead_ended IS NULL OR p.ahead_ended > p.created_at)
        """,
    ),
    Check(
        "sandbox_and_live_never_mix",
        1,
        "numbers_assignment",
        # A test number with a live owner, a live number with a sandbox, or an order of the other
        # kind.
        """
        SELECT n.number, n.sandbox AS test_number, g.name AS organization, g.is_sandbox,
               o.sandbox AS sandbox_order
        FROM numbers_assignment a
        JOIN numbers_phonenumber n ON n.id = a.number_id
        JOIN campaigns_organization g ON g.id = a.organization_id
        JOIN numbers_order o ON o.id = a.order_id
        WHERE n.sandbox <> g.is_sandbox OR o.sandbox <> g.is_sandbox
        UNION ALL
        SELECT n.number, n.sandbox, g.name, g.is_sandbox, NULL
        FROM numbers_phonenumber n JOIN campaigns_organization g ON g.id = n.held_for_id
        WHERE n.sandbox <> g.is_sandbox
        """,
    ),
    Check(
        "nothing_crosses_organizations",
        1,
        "numbers_assignment",
        # A number whose owner, order, campaign or hold belong to different organizations.
        """
        SELECT 'order' AS by, a.id, a.organization_id, o.organization_id AS other
        FROM numbers_assignment a JOIN numbers_order o ON o.id = a.order_id
        WHERE a.organization_id <> o.organization_id
        UNION ALL
        SELECT 'campaign', a.id, a.organization_id, b.organization_id
        FROM numbers_assignment a
        JOIN campaigns_campaign c ON c.id = a.campaign_id
        JOIN campaigns_brand b ON b.id = c.brand_id
        WHERE a.organization_id <> b.organization_id
        UNION ALL
        SELECT 'hold', r.id, n.held_for_id, r.organization_id
        FROM numbers_phonenumber n JOIN numbers_reservation r ON r.id = n.reservation_id
        WHERE n.held_for_id <> r.organization_id
        """,
    ),
    Check(
        "the_database_refuses_a_second_owner",
        1,
        "pg_index",
        # A missing or invalid unique index, which would hold the promise where code does not.
        """
        SELECT wanted.name
        FROM (VALUES ('assignment_one_owner'), ('phone_number_unique'),
              ('credit_one_charge_per_order'), ('idempotency_key_unique'),
              ('credit_entry_reversed_once'), ('rent_charged_once')) AS wanted (name)
        WHERE NOT EXISTS (
            SELECT FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
            WHERE c.relname = wanted.name AND c.relnamespace = current_schema()::regnamespace
              AND i.indisunique AND i.indisvalid AND i.indisready)
        """,
    ),
]

WHOLE_ORDERS = [
    Check(
        "orders_have_all_their_numbers",
        2,
        "numbers_order",
        # A complete order without its whole quantity, or another order that has numbers.
        """
        SELECT o.id, o.status, o.quantity, count(a.id) AS numbers
        FROM numbers_order o LEFT JOIN numbers_assignment a ON a.order_id = o.id
        GROUP BY o.id HAVING count(a.id) <> CASE o.status WHEN 'complete' THEN o.quantity ELSE 0 END
        """,
    ),
    Check(
        "totals_are_the_sum_of_prices",
        2,
        "numbers_order",
        # An order whose total is not the sum of its numbers' prices and first months.
        """
        SELECT o.id, o.total, sum(a.price + a.monthly_price) AS prices
        FROM numbers_order o JOIN numbers_assignment a ON a.order_id = o.id
        GROUP BY o.id HAVING o.total IS DISTINCT FROM sum(a.price + a.monthly_price)
        """,
    ),
    Check(
        "orders_are_charged_once",
        2,
        "numbers_order",
        # A complete live order that was not charged once, its total, to its organization; or a
        # charge for any other order.
        """
        SELECT o.id, o.status, o.sandbox, o.total, count(c.id) AS charges, sum(c.amount) AS charged
        FROM numbers_order o LEFT JOIN numbers_creditentry c ON c.order_id = o.id
        GROUP BY o.id
        HAVING count(c.id) <> (o.status = 'complete' AND NOT o.sandbox)::int
            OR sum(c.amount) <> -o.total OR bool_or(c.account_id <> o.organization_id)
        """,
    ),
    Check(
        "every_ownership_is_in_the_history",
        2,
        "numbers_assignment",
        # An assignment without exactly one matching event, or an event without its assignment.
        """
        SELECT a.id AS assignment_id, e.id AS event_id, e.assignment_id AS recorded, e.times
        FROM numbers_assignment a
        FULL JOIN (
            SELECT *, count(*) OVER (PARTITION BY assignment_id) AS times
            FROM numbers_numberevent WHERE kind = 'assigned'
        ) e ON e.assignment_id = a.id
        WHERE a.id IS NULL OR e.id IS NULL OR e.times > 1
           OR (e.number_id, e.order_id, e.organization_id, (e.after ->> 'price')::numeric,
               coalesce((e.after ->> 'monthly_price')::numeric, 0))
              IS DISTINCT FROM (a.number_id, a.order_id, a.organization_id, a.price, a.monthly_price)
        """,
    ),
    Check(
        "remembered_answers_are_finished",
        2,
        "numbers_idempotencyrecord",
        # An idempotency key that was committed without its response.
        "SELECT organization_id, key, created_at FROM numbers_idempotencyrecord "
        "WHERE status IS NULL OR body IS NULL",
    ),
]

CREDIT = [
    Check(
        "credit_is_never_negative",
        3,
        "numbers_creditentry",
        # A balance below zero, now or after any entry.
        """
        SELECT organization_id, balance, NULL::int AS entry FROM numbers_creditaccount
        WHERE balance < 0
        UNION ALL
        SELECT account_id, balance_after, entry FROM numbers_creditentry WHERE balance_after < 0
        """,
    ),
    Check(
        "balances_are_the_sum_of_the_ledger",
        3,
        "numbers_creditaccount",
        # A balance that is not the sum of its entries, or a wrong count of entries.
        """
        SELECT a.organization_id, a.balance, coalesce(sum(e.amount), 0) AS ledger, a.entries,
               count(e.id) AS found
        FROM numbers_creditaccount a
        LEFT JOIN numbers_creditentry e ON e.account_id = a.organization_id
        GROUP BY a.organization_id
        HAVING a.balance <> coalesce(sum(e.amount), 0) OR a.entries <> count(e.id)
        """,
    ),
    Check(
        "ledger_entries_follow_each_other",
        3,
        "numbers_creditentry",
        # An entry that does not continue the previous one: an entry was changed, removed or
        # inserted.
        """
        SELECT account_id, entry, ahead, balance_before, ahead_balance, amount, balance_after
        FROM (
            SELECT *, lag(entry, 1, 0) OVER w AS ahead,
                   lag(balance_after, 1, 0.00) OVER w AS ahead_balance
            FROM numbers_creditentry WINDOW w AS (PARTITION BY account_id ORDER BY entry, id)
        ) e
        WHERE entry <> ahead + 1 OR balance_before <> ahead_balance
          OR balance_after <> balance_before + amount
        """,
    ),
    Check(
        "a_sandbox_never_pays",
        3,
        "numbers_creditentry",
        # A charge, or rent, on the account of a sandbox.
        """
        SELECT e.account_id, g.name AS organization, e.amount, e.order_id
        FROM numbers_creditentry e JOIN campaigns_organization g ON g.id = e.account_id
        WHERE e.kind IN ('charge', 'rent') AND g.is_sandbox
        """,
    ),
    Check(
        "a_reversal_takes_back_one_entry_once",
        3,
        "numbers_creditentry",
        # A reversal of another amount or account, of a reversal, or of an entry reversed before.
        """
        SELECT r.id, r.account_id, r.entry, r.amount, e.entry AS reversed, e.amount AS reversed_amount, r.times
        FROM (
            SELECT *, count(*) OVER (PARTITION BY reverses_id) AS times
            FROM numbers_creditentry WHERE reverses_id IS NOT NULL
        ) r LEFT JOIN numbers_creditentry e ON e.id = r.reverses_id
        WHERE e.id IS NULL OR r.times > 1 OR r.kind <> 'reversal' OR e.kind = 'reversal'
           OR (e.account_id, e.currency, e.amount) IS DISTINCT FROM (r.account_id, r.currency, -r.amount)
        """,
    ),
    Check(
        "history_is_protected",
        3,
        "pg_trigger",
        # A table of history whose trigger against changes is missing or disabled.
        """
        SELECT wanted.name AS table, wanted.trigger
        FROM (VALUES ('numbers_creditentry', 'keep_rows'), ('numbers_numberevent', 'keep_rows'),
                     ('numbers_stockbatch', 'keep_rows'), ('campaigns_event', 'keep_rows'),
                     ('numbers_assignment', 'keep_rows'), ('numbers_order', 'keep_rows'),
                     ('numbers_assignment', 'keep_identity'), ('numbers_assignment', 'reopened'),
                     ('numbers_creditentry', 'reversal'), ('numbers_rentcharge', 'keep_rows'),
                     ('numbers_assignment', 'rented')) AS wanted (name, trigger)
        WHERE NOT EXISTS (
            SELECT FROM pg_trigger t
            WHERE t.tgrelid = to_regclass(wanted.name)
              AND t.tgname = wanted.name || '_' || wanted.trigger
              AND t.tgenabled IN ('O', 'A'))
        """,
    ),
]
