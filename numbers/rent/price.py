"""What a month costs, and what is owed: the SQL of rents that is said once.

A notice (``numbers.rent.notice``) sets another price for the months that begin from a time on.
"""

# Other months begin unpaid only where no worker runs, which releases a number after a month.
MOST_UNPAID = 120


def is_noticed(begins_at: str) -> str:
    """Return the SQL of whether the price of a notice holds for a rent ``r`` at a month's begin."""
    return f"coalesce(r.next_monthly_price_from <= {begins_at}, false)"


def price_at(begins_at: str) -> str:
    """Return the SQL of the price of a rent ``r`` for the month that begins then."""
    return f"CASE WHEN {is_noticed(begins_at)} THEN r.next_monthly_price ELSE r.monthly_price END"


# What the months of a rent ``r`` that have begun and are not paid cost.
OWED = f"""
    (SELECT coalesce(sum({price_at("month.begins_at")}), 0)
     FROM generate_series(r.next_period, r.next_period + {MOST_UNPAID}) AS period
     CROSS JOIN LATERAL (
         SELECT numberdesk_period_start(r.anchor, period)
     ) AS month (begins_at)
     WHERE month.begins_at <= now())
"""  # noqa: S608  made of constants
