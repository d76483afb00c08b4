"""Figures of rent: what it brings, what falls due, and what is not paid. Without sandboxes."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from config.db.fields import first_id_of
from numbers.rent.price import OWED, price_at

# What was charged once, and what for months; an order charges both together. A reversal takes back
# what its entry brought.
_REVENUE = """
    SELECT coalesce(-sum(amount) FILTER (WHERE kind = 'charge'), 0),
           coalesce(-sum(amount) FILTER (WHERE kind = 'rent'), 0)
    FROM (
        SELECT kind, amount FROM numbers_creditentry
        WHERE created_at >= %(since)s AND kind IN ('charge', 'rent')
        UNION ALL
        SELECT paid.kind, e.amount
        FROM numbers_creditentry e JOIN numbers_creditentry paid ON paid.id = e.reverses_id
        WHERE e.created_at >= %(since)s AND paid.kind IN ('charge', 'rent')
    ) AS entry
"""
_FIRST_MONTHS = """
    SELECT coalesce(sum(a.monthly_price), 0)
    FROM numbers_assignment a JOIN numbers_phonenumber n ON n.id = a.number_id
    WHERE a.id >= %s AND a.created_at >= %s AND a.monthly_price > 0 AND NOT n.sandbox
"""
_STANDING = f"""
    SELECT count(*), coalesce(sum(monthly_price), 0),
           count(*) FILTER (WHERE is_due), coalesce(sum(price) FILTER (WHERE is_due), 0),
           count(*) FILTER (WHERE past_due_since IS NOT NULL),
           coalesce(sum(owed), 0),
           count(*) FILTER (WHERE suspended_at IS NOT NULL)
    FROM (
        SELECT *, past_due_since IS NULL AND NOT release_at_period_end
                  AND next_charge_at <= now() + interval '30 days' AS is_due,
               {price_at("next_charge_at")} AS price,
               CASE WHEN past_due_since IS NOT NULL THEN {OWED} END AS owed
        FROM numbers_rent AS r WHERE is_open AND NOT sandbox {{of}} LIMIT %(most)s
    ) AS rent
"""  # noqa: S608  made of constants


def count_rent(since: datetime) -> dict[str, Any]:
    """Return the figures of the home page: revenue since then, and how rent stands now."""
    with connection.cursor() as cursor:
        cursor.execute(_REVENUE, {"since": since})
        orders, renewals = cursor.fetchone()
        cursor.execute(_FIRST_MONTHS, [first_id_of(since), since])
        (first_months,) = cursor.fetchone()
    return {
        "once": f"{orders - first_months:.2f}",
        "recurring": f"{renewals + first_months:.2f}",
        **standing(),
    }


def standing(organization_id: UUID | None = None, *, most: int | None = None) -> dict[str, Any]:
    """Return how rent stands: of one organization, or of all. `most`: how many rents are read."""
    of = "" if organization_id is None else "AND organization_id = %(organization_id)s"
    parameters: dict[str, Any] = {
        "organization_id": organization_id,
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STANDING.format(of=of), parameters)
        row = cursor.fetchone()
    names = ("rented", "monthly", "due", "due_amount", "in_arrears", "arrears", "suspended")
    values = (f"{one:.2f}" if isinstance(one, Decimal) else one for one in row)
    return dict(zip(names, values, strict=True))
