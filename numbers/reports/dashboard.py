"""The figures of the desk's home page: counted by ``refresh_desk``, kept with the time that they are of.

On ten million numbers the counts take seconds, so an operator who opens the page reads what was
counted last. Live numbers and customers only: sandboxes are left out.
"""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from config.errors import is_unavailable
from numbers.models import DeskFigures
from numbers.numbering.area_codes import REGIONS
from numbers.reports.unmet_demand import unmet_demand
from numbers.worker.failures import in_words

DAYS = 30
WEEKS = 8
# A small stock is counted at once: no operator of a new desk needs to know of the command.
COUNTED_AT_ONCE = 50_000
STALE_SECONDS = 60


logger = logging.getLogger(__name__)


class PanelsFailed(Exception):
    """Some panels could not be counted, the others were. The message names them."""


@dataclass(frozen=True, slots=True)
class Figures:
    """All panels' data, and since when the oldest of it stands; empty before the first count."""

    as_of: datetime | None
    panels: dict[str, Any]


def current_figures() -> Figures:
    """What was counted last; counted anew where the stock is small and the figures are a minute old."""
    figures = _read()
    if _is_stale(figures) and counts_at_once():
        with contextlib.suppress(PanelsFailed):  # logged; what was counted before is shown
            refresh_figures()
        figures = _read()
    return figures


def counts_at_once() -> bool:
    """Whether the stock is so small that nobody has to wait for its count."""
    return _estimated_stock() <= COUNTED_AT_ONCE


def refresh_figures() -> bool:
    """Count every panel; False if another process is counting already. Raise PanelsFailed for those that failed."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            # Of the transaction, since a pooler may lie in between.
            cursor.execute("SELECT pg_try_advisory_xact_lock(7267, 0)")
            if not cursor.fetchone()[0]:
                return False
            cursor.execute("SELECT set_config('statement_timeout', '10min', true)")
        failed = {name: error for name, count in PANELS.items() if (error := _count_panel(name, count))}
    if failed:
        raise PanelsFailed(f"not counted: {', '.join(f'{name} ({in_words(error)})' for name, error in failed.items())}")
    return True


def _count_panel(name: str, count: Callable[[], dict[str, Any]]) -> Exception | None:
    """Count one panel; a fault in it must not take the others with it."""
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
    """The first moment of the days that the page shows; today is the last of them."""
    return datetime.combine(timezone.now().date() - timedelta(days=DAYS - 1), datetime.min.time(), UTC)


def first_id_of(moment: datetime) -> UUID:
    """Ids are UUIDv7, so rows from ``moment`` on have this one or a greater one: a range of the primary key."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


# Everything about the stock in one look at it. A number whose quarantine has passed is available, one
# that is held is not.
STOCK = """
    SELECT COALESCE(area_code, ''), number_type,
           CASE WHEN status = 'available' AND held_until > now() THEN 'held'
                WHEN status = 'quarantined' AND quarantined_until <= now() THEN 'available'
                ELSE status END AS state, count(*)
    FROM numbers_phonenumber WHERE NOT sandbox GROUP BY 1, 2, 3
"""
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
        available[area_code, number_type] = available.get((area_code, number_type), 0) + count * (state == "available")
    sold = {(area_code, number_type): count for area_code, number_type, count in _rows(SOLD, first_id_of(since()))}
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
    """Those that run out first come first; those that nobody buys last, by how few there are."""
    rate = area["sold"] / DAYS
    return (area["available"] / rate if rate else float("inf"), area["available"])


# Orders lie in the primary key in the order of their creation, entries and refusals in their tables.
ORDERS = """
    SELECT created_at::date, count(*), sum(quantity)::bigint FROM numbers_order
    WHERE id >= %s AND NOT sandbox AND status = 'complete' GROUP BY 1
"""
REVENUE = """
    SELECT created_at::date, -sum(amount) FROM numbers_creditentry
    WHERE created_at >= %s AND kind = 'charge' GROUP BY 1
"""
REFUSALS = """
    SELECT at::date, code, count(*) FROM numbers_refusal
    WHERE at >= %s AND code <> 'SEARCH_SHORT' AND NOT sandbox GROUP BY 1, 2
"""


def _count_days() -> dict[str, Any]:
    begin = since()
    days: dict[date, dict[str, Any]] = {
        begin.date() + timedelta(days=step): {"orders": 0, "numbers": 0, "revenue": "0.00", "refusals": {}}
        for step in range(DAYS)
    }
    spare: dict[str, Any] = {"refusals": {}}  # where midnight passes while we count
    for day, orders, numbers in _rows(ORDERS, first_id_of(begin)):
        days.get(day, spare).update(orders=orders, numbers=numbers)
    for day, revenue in _rows(REVENUE, begin):
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
    """Numbers that become available in each of the weeks from now on."""
    weeks = dict(_rows(QUARANTINE, WEEKS))
    return {"weeks": [weeks.get(week, 0) for week in range(WEEKS)]}


def _count_demand() -> dict[str, Any]:
    wishes = unmet_demand(since=since(), limit=100)
    return {"wishes": [{**wish, "last_at": wish["last_at"].isoformat()} for wish in wishes]}


PANELS: dict[str, Callable[[], dict[str, Any]]] = {
    "stock": _count_stock,
    "days": _count_days,
    "quarantine": _count_quarantine,
    "demand": _count_demand,
}


def _rows(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
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
    return Figures(min((one.as_of for one in kept), default=None), {one.name: one.data for one in kept})


def _is_stale(figures: Figures) -> bool:
    if figures.as_of is None or len(figures.panels) < len(PANELS):
        return True
    return (timezone.now() - figures.as_of).total_seconds() > STALE_SECONDS


def _estimated_stock() -> int:
    """-1 in a table that was never analyzed is a small one: autovacuum looks at every large one."""
    return int(_rows("SELECT reltuples::bigint FROM pg_class WHERE oid = 'numbers_phonenumber'::regclass")[0][0])
