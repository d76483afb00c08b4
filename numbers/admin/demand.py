"""The home page's panel of unmet demand, with what is in stock now."""

from datetime import datetime
from typing import Any

from config.admin.changelist import rows_of
from numbers.admin.dashboard_panels import SHOWN, type_in_words
from numbers.admin.filters import CRITERIA, criteria_in_words
from numbers.admin.refusals import NOT_NAMED
from numbers.reports.dashboard import DAYS, Figures


def _available_for(demand: dict[str, Any], areas: list[dict[str, Any]]) -> int | None:
    """Return how many numbers in stock match, by the same figures; None for a pattern."""
    if demand["pattern"]:
        return None
    named = {name: demand[name] for name in ("area_code", "number_type") if demand[name]}
    return sum(
        area["available"]
        for area in areas
        if all(area[name] == value for name, value in named.items())
    )


def _stock_for(demand: dict[str, Any]) -> str:
    query = {
        "area_code": demand["area_code"],
        "number_type__exact": demand["number_type"],
        "q": demand["pattern"],
    }
    given = {name: value for name, value in query.items() if value}
    return rows_of("numbers_phonenumber", **given, sandbox__exact=0, state="available")


def demand_panel(figures: Figures) -> dict[str, Any]:
    rows, areas = [], figures.panels.get("stock", {}).get("areas", [])
    for demand in figures.panels.get("demand", {}).get("demands", [])[:SHOWN]:
        # Exactly the requests of this row: a criterion that it does not name is "none".
        refused = {
            "area": demand["area_code"] or NOT_NAMED,
            "type": demand["number_type"] or NOT_NAMED,
            "pattern": demand["pattern"] or NOT_NAMED,
        }
        waiting = {name: demand[name] for name in CRITERIA.values()}
        rows.append(
            {
                **demand,
                "type_name": type_in_words(demand["number_type"]),
                "available": _available_for(demand, areas),
                "stock_address": _stock_for(demand),
                "last_at": datetime.fromisoformat(demand["last_at"]),
                "address": rows_of("numbers_refusal", unmet="yes", sandbox__exact=0, **refused),
                "waiting_address": rows_of(
                    "numbers_order", criteria=criteria_in_words(waiting), sandbox__exact=0
                ),
            }
        )
    return {"rows": rows, "days": DAYS}
