"""Checks of what keys may spend. See numbers.verification.promises."""

from numbers.verification.promises import Check

SPENDING = [
    Check(
        "what_a_key_spent_is_the_sum_of_its_orders",
        3,
        "apikeys_keybudget",
        # A budget that differs from the orders of its key, and of the keys that descend from it,
        # in the period that it counts.
        """
        SELECT b.key_id, b.period, b.window_start, b.spent, coalesce(sum(o.total), 0) AS ordered
        FROM apikeys_keybudget b
        LEFT JOIN apikeys_keybudget d ON b.key_id = ANY(d.within)
        LEFT JOIN numbers_order o ON o.api_key_id = d.key_id AND o.status = 'complete'
            AND o.finished_at >= b.window_start::timestamp AT TIME ZONE 'UTC'
        GROUP BY b.key_id HAVING b.spent <> coalesce(sum(o.total), 0)
        """,
    ),
    Check(
        "the_database_refuses_more_than_a_limit",
        3,
        "pg_trigger",
        # A missing or disabled trigger, which would hold the limit where code does not.
        """
        SELECT wanted.trigger
        FROM (VALUES ('apikeys_keybudget_never_exceeded')) AS wanted (trigger)
        WHERE NOT EXISTS (
            SELECT FROM pg_trigger t
            WHERE t.tgrelid = to_regclass('apikeys_keybudget') AND t.tgname = wanted.trigger
              AND t.tgenabled IN ('O', 'A'))
        """,
    ),
]
