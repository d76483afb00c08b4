"""Checks of promise 3 for rent: each month is charged once, and the ledger has it."""

from numbers.verification.events import ENTRIES, SINCE
from numbers.verification.promises import Check

RENT = [
    Check(
        "rented_numbers_have_their_rent",
        3,
        "numbers_assignment",
        # A number that was sold with a monthly price and has no rent, or a rent that does not
        # follow its assignment.
        """
        SELECT a.id AS assignment_id, a.monthly_price, a.ended_at, r.is_open, r.anchor, a.created_at
        FROM numbers_assignment a LEFT JOIN numbers_rent r ON r.assignment_id = a.id
        WHERE a.monthly_price > 0 AND r.assignment_id IS NULL
        UNION ALL
        SELECT a.id, a.monthly_price, a.ended_at, r.is_open, r.anchor, a.created_at
        FROM numbers_rent r
        JOIN numbers_assignment a ON a.id = r.assignment_id
        JOIN campaigns_organization g ON g.id = a.organization_id
        WHERE r.is_open <> (a.ended_at IS NULL) OR r.anchor <> a.created_at
           OR r.organization_id <> a.organization_id OR r.sandbox <> g.is_sandbox
           OR r.release_at_period_end AND a.locked_at IS NOT NULL
        """,
    ),
    Check(
        "each_month_is_charged_once",
        3,
        "numbers_rentcharge",
        # A rent without one charge for each month from its first to the one before the next.
        """
        SELECT coalesce(r.assignment_id, c.assignment_id) AS assignment_id, r.first_period,
               r.next_period, c.charges, c.first, c.last
        FROM numbers_rent r
        FULL JOIN (
            SELECT assignment_id, count(*) AS charges, min(period) AS first, max(period) AS last,
                   bool_or(begins_at <> numberdesk_period_start(a.created_at, period)) AS misplaced
            FROM numbers_rentcharge JOIN numbers_assignment a ON a.id = assignment_id
            GROUP BY assignment_id
        ) c ON c.assignment_id = r.assignment_id
        WHERE r.assignment_id IS NULL
           OR coalesce(c.charges, 0) <> r.next_period - r.first_period
           OR coalesce(c.first, r.first_period) <> r.first_period
           OR coalesce(c.last, r.next_period - 1) <> r.next_period - 1
           OR c.misplaced
        """,
    ),
    Check(
        "months_that_began_are_charged_or_past_due",
        3,
        "numbers_rent",
        # A month that began more than a day ago and was neither charged nor found to be unpaid:
        # no worker has run since.
        """
        SELECT assignment_id, next_period, next_charge_at FROM numbers_rent
        WHERE is_open AND past_due_since IS NULL AND NOT release_at_period_end
          AND next_charge_at <= now() - interval '1 day'
        """,
    ),
    Check(
        "rent_charges_are_the_ledgers",
        3,
        "numbers_creditentry",
        # An entry of rent that is not the sum of its charges, or a charge of another account.
        """
        SELECT e.id AS entry_id, e.kind, e.amount, c.charged
        FROM numbers_creditentry e
        FULL JOIN (
            SELECT entry_id, sum(amount) AS charged, array_agg(DISTINCT organization_id) AS payers
            FROM numbers_rentcharge c JOIN numbers_assignment a ON a.id = c.assignment_id
            WHERE entry_id IS NOT NULL GROUP BY entry_id
        ) c ON c.entry_id = e.id
        WHERE (e.kind = 'rent' OR c.entry_id IS NOT NULL)
          AND (e.kind <> 'rent' OR c.entry_id IS NULL OR e.amount <> -c.charged
               OR c.payers <> ARRAY[e.account_id])
        """,
    ),
    Check(
        "what_is_past_due_is_not_paid",
        3,
        "numbers_rent",
        # A number that is past due or suspended, and has no unpaid month.
        """
        SELECT assignment_id, next_charge_at, past_due_since, suspended_at FROM numbers_rent
        WHERE past_due_since IS NOT NULL AND next_charge_at > now()
        """,
    ),
    Check(
        "every_renewal_has_its_event",
        5,
        "numbers_rentcharge",
        # A number with more charges than events of renewals.
        f"""
        SELECT h.assignment_id, h.times, coalesce(e.times, 0) AS events
        FROM (
            SELECT assignment_id, count(*) AS times FROM numbers_rentcharge
            WHERE created_at > {SINCE} GROUP BY 1
        ) h
        LEFT JOIN (
            SELECT (item ->> 'id')::uuid AS id, count(*) AS times
            FROM ({ENTRIES}) AS entry CROSS JOIN jsonb_array_elements(data) AS item
            WHERE type = 'phone_number.renewed' GROUP BY 1
        ) e ON e.id = h.assignment_id
        WHERE h.times > coalesce(e.times, 0)
        """,  # noqa: S608  made of constants
    ),
]
