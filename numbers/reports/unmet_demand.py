"""Unmet demand: what customers asked for and was not available, for operators who buy stock."""

from datetime import datetime
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection

from config import json_text
from numbers.inventory.criteria import Criteria
from numbers.models import Refusal
from numbers.orders.picking import available_ids
from numbers.orders.waiting import Demand

NO_ORGANIZATION = Refusal.NO_ORGANIZATION


# Unmet demand, as a purchasing list. Repeated requests must not inflate it: for each organization,
# day and criteria only the largest shortfall counts. A named number counts once for each
# organization.
UNMET = """
    WITH searched AS (
        SELECT organization_id, area_code, number_type, pattern, max(wanted - found) AS missing,
               count(*) AS times, max(at) AS last_at
        FROM numbers_refusal WHERE at >= %(since)s AND code = %(search_short)s AND NOT sandbox
        GROUP BY organization_id, area_code, number_type, pattern, at::date
    ), named AS (
        SELECT organization_id,
               CASE WHEN number ~ '^\\+1[2-9][0-9]{9}$' THEN substr(number, 3, 3) ELSE '' END
                   AS area_code,
               '' AS number_type, '' AS pattern, count(DISTINCT number) AS missing,
               count(DISTINCT r.id) AS times, max(at) AS last_at
        FROM numbers_refusal r, unnest(numbers) AS number
        WHERE at >= %(since)s AND code = 'INSUFFICIENT_INVENTORY' AND NOT sandbox
        GROUP BY 1, 2
    ), pending AS (
        SELECT organization_id, COALESCE(criteria->>'area_code', '') AS area_code,
               COALESCE(criteria->>'number_type', '') AS number_type,
               COALESCE(criteria->>'pattern', '') AS pattern, missing, times, last_at
        FROM unnest(%(organizations)s::uuid[], %(criteria)s::jsonb[], %(short)s::bigint[],
                    %(times)s::bigint[],
                    %(last)s::timestamptz[]) AS t (organization_id, criteria, missing, times,
                                                   last_at)
    )
    SELECT area_code, number_type, pattern,
           COALESCE(sum(missing) FILTER (WHERE NOT waits), 0)::bigint,
           COALESCE(sum(missing) FILTER (WHERE waits), 0)::bigint, count(DISTINCT organization_id),
           sum(times)::bigint, max(last_at)
    FROM (SELECT *, false AS waits FROM searched UNION ALL SELECT *, false FROM named
          UNION ALL SELECT *, true FROM pending) AS demand
    GROUP BY area_code, number_type, pattern
    ORDER BY sum(missing) DESC, area_code, number_type, pattern LIMIT %(limit)s
"""


WAITING = """
    SELECT criteria::text, max_price_per_number, organization_id, sum(quantity), count(*),
           max(created_at)
    FROM numbers_order WHERE status = 'pending' AND NOT sandbox
    GROUP BY 1, 2, 3 ORDER BY 1, 2, min(created_at)
"""


def unmet_demand(*, since: datetime, limit: int) -> list[dict[str, Any]]:
    """Return the criteria of unmet demand, those with the largest shortfall first.

    `missing` counts refused requests; `waiting` is the shortfall of backorders, after stock that
    matches is given to the oldest of them.
    """
    parameters: dict[str, Any] = {
        "since": since,
        "limit": limit,
        "search_short": Refusal.SEARCH_SHORT,
        **_shortfalls(),
    }
    with connection.cursor() as cursor:
        cursor.execute(UNMET, parameters)
        columns = (
            *("area_code", "number_type", "pattern", "missing", "waiting"),
            *("organizations", "times", "last_at"),
        )
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def _shortfalls() -> dict[str, list[Any]]:
    """Return the shortfalls of each organization's backorders, as the columns of `pending`."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        waiting = cursor.fetchall()
    columns: dict[str, list[Any]] = {
        "organizations": [],
        "criteria": [],
        "short": [],
        "times": [],
        "last": [],
    }
    for (criteria, max_price), rows in groupby(waiting, key=itemgetter(0, 1)):
        wanted = list(rows)
        free = _in_stock(criteria, max_price, most=sum(quantity for *_, quantity, _, _ in wanted))
        for (
            _,
            _,
            organization_id,
            quantity,
            times,
            last_at,
        ) in wanted:  # the oldest order takes first
            taken = min(free, quantity)
            free -= taken
            if quantity > taken:
                for name, value in zip(
                    columns,
                    (organization_id, criteria, quantity - taken, times, last_at),
                    strict=True,
                ):
                    columns[name].append(value)
    return columns


def _in_stock(criteria: str, max_price: Decimal, *, most: int) -> int:
    """Return how many live numbers are available to any customer for such orders, up to `most`."""
    try:
        demand = Demand(NO_ORGANIZATION, False, Criteria(**json_text.load(criteria)), max_price)
    except TypeError:  # criteria of another release: assume no match
        return 0
    return len(available_ids(demand, most=most))
