"""Figures of the operators' home page: counted by a duty, stored with the time of their count.

At ten million numbers the counts take seconds, so the page shows the stored ones. Sandboxes are
excluded.
"""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from config.db.fields import first_id_of
from config.db.sqlstates import is_unavailable
from numbers.inventory.availability import STATE
from numbers.models import DeskFigures
from numbers.numbering.area_codes import REGIONS
from numbers.reports.rent import count_rent
from numbers.reports.unmet_demand import unmet_demand
from numbers.worker.failures import in_words

DAYS = 30
WEEKS = 8
# Stock up to this size is counted by the page itself, so that a new desk needs no worker for it.
COUNTED_AT_ONCE = 50_000
STALE_SECONDS = 60


logger = logging.getLogger(__name__)


class PanelsFailed(Exception):
    """Some panels could not be counted; the others were. The message names them."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The data of all panels, and the time of the oldest; empty before the first count."""

    as_of: datetime | None
    panels: dict[str, Any]


def current_figures() -> Figures:
    """Return the stored figures. If the stock is small and they are a minute old, count again."""
    figures = _read()
    if _is_stale(figures) and counts_at_once():
        with contextlib.suppress(PanelsFailed):  # logged; the page shows the earlier count
            refresh_figures()
        figures = _read()
    return figures


def counts_at_once() -> bool:
    """Return whether the stock is small enough to be counted within a request."""
    return _estimated_stock() <= COUNTED_AT_ONCE


def refresh_figures() -> bool:
    """Count every panel; return False if another process is already counting.

    Raise PanelsFailed if some panels failed.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            # A transaction-level lock, since a pooler may be in between.
            cursor.execute("SELECT pg_try_advisory_xact_lock(7267, 0)")
            if not cursor.fetchone()[0]:
                return False
            cursor.execute("SELECT set_config('statement_timeout', '10min', true)")
        failed = {
            name: error for name, count in PANELS.items() if (error := _count_panel(name, count))
        }
    if failed:
        raise PanelsFailed(
            "not counted: "
            f"{', '.join(f'{name} ({in_words(error)})' for name, error in failed.items())}"
        )
    return True


def _count_panel(name: str, count: Callable[[], dict[str, Any]]) -> Exception | None:
    """Count and store one panel; return the error if it failed, so that the others go on."""
    try:
        with transaction.atomic():
            _write(name, count())
    except Exception as error:
        if isinstance(error, DatabaseError) and is_unavailable(error):
            raise
        logger.exception("panel %s could not be counted", name)
        return error
    return None


def since() -> datetime:
    """Return the start of the first day that the page shows; today is the last one."""
    return datetime.combine(
        timezone.now().date() - timedelta(days=DAYS - 1), datetime.min.time(), UTC
    )


# Everything about the stock in one scan of it.
STOCK = f"""
    SELECT COALESCE(area_code, ''), number_type, {STATE} AS state, count(*)
    FROM numbers_phonenumber WHERE NOT sandbox GROUP BY 1, 2, 3
"""  # noqa: S608  the rule is our own text
SOLD = """
    SELECT COALESCE(n.area_code, ''), n.number_type, count(*)
    FROM numbers_assignment a JOIN numbers_phonenumber n ON n.id = a.number_id
    WHERE a.id >= %s AND NOT n.sandbox GROUP BY 1, 2
"""


def _count_stock() -> dict[str, Any]:
    by_type: dict[str, dict[str, int]] = {}
    available: dict[tuple[str, str], int] = {}
    for area_code, number_type, state, count in _rows(STOCK):
        of_type = by_type.setdefault(number_type, {})
        of_type[state] = of_type.get(state, 0) + count
        available[area_code, number_type] = available.get((area_code, number_type), 0) + count * (
            state == "available"
        )
    sold = {
        (area_code, number_type): count
        for area_code, number_type, count in _rows(SOLD, first_id_of(since()))
    }
    areas = [
        {
            "area_code": area_code,
            "number_type": number_type,
            "region": REGIONS.get(area_code, ""),
            "available": count,
            "sold": sold.get((area_code, number_type), 0),
        }
        for (area_code, number_type), count in available.items()
    ]
    return {"by_type": by_type, "areas": sorted(areas, key=_days_left)}


def _days_left(area: dict[str, Any]) -> tuple[float, int]:
    """Return a sort key: areas that run out first, then those without sales, fewest first."""
    rate = area["sold"] / DAYS
    return (area["available"] / rate if rate else float("inf"), area["available"])


# Orders are selected by their primary key, which is in the order of creation.
ORDERS = """
    SELECT created_at::date, count(*), sum(quantity)::bigint FROM numbers_order
    WHERE id >= %s AND NOT sandbox AND status = 'complete' GROUP BY 1
"""
REVENUE = """
    SELECT day, -sum(amount) FROM (
        SELECT created_at::date AS day, amount FROM numbers_creditentry
        WHERE created_at >= %(since)s AND kind IN ('charge', 'rent')
        UNION ALL
        SELECT e.created_at::date, e.amount
        FROM numbers_creditentry e JOIN numbers_creditentry charge ON charge.id = e.reverses_id
        WHERE e.created_at >= %(since)s AND charge.kind IN ('charge', 'rent')
    ) AS entry GROUP BY 1
"""
REFUSALS = """
    SELECT at::date, code, count(*) FROM numbers_refusal
    WHERE at >= %s AND code <> 'SEARCH_SHORT' AND NOT sandbox
      AND (status IS NULL OR status IN (402, 409, 429))
    GROUP BY 1, 2
"""


def _count_days() -> dict[str, Any]:
    begin = since()
    days: dict[date, dict[str, Any]] = {
        begin.date() + timedelta(days=step): {
            "orders": 0,
            "numbers": 0,
            "revenue": "0.00",
            "refusals": {},
        }
        for step in range(DAYS)
    }
    spare: dict[str, Any] = {"refusals": {}}  # for a day that begins during the count
    for day, orders, numbers in _rows(ORDERS, first_id_of(begin)):
        days.get(day, spare).update(orders=orders, numbers=numbers)
    for day, revenue in _rows(REVENUE, since=begin):
        days.get(day, spare)["revenue"] = f"{revenue:.2f}"
    for day, code, count in _rows(REFUSALS, begin):
        days.get(day, spare)["refusals"][code] = count
    return {"days": [{"day": day.isoformat(), **figures} for day, figures in days.items()]}


QUARANTINE = """
    SELECT floor(extract(epoch FROM quarantined_until - now()) / 604800)::int AS week, count(*)
    FROM numbers_phonenumber
    WHERE status = 'quarantined' AND NOT sandbox AND quarantined_until > now()
      AND quarantined_until <= now() + make_interval(weeks => %s)
    GROUP BY 1
"""


def _count_quarantine() -> dict[str, Any]:
    """Count the numbers that become available in each of the next weeks."""
    weeks = dict(_rows(QUARANTINE, WEEKS))
    return {"weeks": [weeks.get(week, 0) for week in range(WEEKS)]}


def _count_demand() -> dict[str, Any]:
    demands = unmet_demand(since=since(), limit=100)
    return {"demands": [{**demand, "last_at": demand["last_at"].isoformat()} for demand in demands]}


PANELS: dict[str, Callable[[], dict[str, Any]]] = {
    "stock": _count_stock,
    "days": _count_days,
    "quarantine": _count_quarantine,
    "demand": _count_demand,
    "rent": lambda: count_rent(since()),
}


def _rows(statement: str, *parameters: Any, **named: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, named or parameters)
        return cursor.fetchall()


def _write(name: str, data: dict[str, Any]) -> None:
    parameters: list[Any] = [name, Jsonb(data)]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO numbers_deskfigures (name, as_of, data) VALUES (%s, now(), %s) "
            "ON CONFLICT (name) DO UPDATE SET as_of = EXCLUDED.as_of, data = EXCLUDED.data",
            parameters,
        )


def _read() -> Figures:
    kept = list(DeskFigures.objects.filter(name__in=PANELS))
    return Figures(
        min((one.as_of for one in kept), default=None), {one.name: one.data for one in kept}
    )


def _is_stale(figures: Figures) -> bool:
    if figures.as_of is None or len(figures.panels) < len(PANELS):
        return True
    return (timezone.now() - figures.as_of).total_seconds() > STALE_SECONDS


def _estimated_stock() -> int:
    """Return the planner's estimate; -1 for a table that was never analyzed, so a small one."""
    return int(
        _rows("SELECT reltuples::bigint FROM pg_class WHERE oid = 'numbers_phonenumber'::regclass")[
            0
        ][0]
    )
