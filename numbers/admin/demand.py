"""The home page's panel of unmet demand, with what is in stock now."""

from datetime import datetime
from typing import Any

from config.admin.changelist import rows_of
from numbers.admin.dashboard_panels import SHOWN, type_in_words
from numbers.admin.filters import CRITERIA, criteria_in_words
from numbers.admin.refusals import NOT_NAMED
from numbers.reports.dashboard import DAYS, Figures


def _available_for(wish: dict[str, Any], areas: list[dict[str, Any]]) -> int | None:
    """Return how many numbers in stock match, by the same figures; None for a pattern."""
    if wish["pattern"]:
        return None
    named = {name: wish[name] for name in ("area_code", "number_type") if wish[name]}
    return sum(
        area["available"]
        for area in areas
        if all(area[name] == value for name, value in named.items())
    )


def _stock_for(wish: dict[str, Any]) -> str:
    query = {
        "area_code": wish["area_code"],
        "number_type__exact": wish["number_type"],
        "q": wish["pattern"],
    }
    given = {name: value for name, value in query.items() if value}
    return rows_of("numbers_phonenumber", **given, sandbox__exact=0, state="available")


def demand_panel(figures: Figures) -> dict[str, Any]:
    rows, areas = [], figures.panels.get("stock", {}).get("areas", [])
    for wish in figures.panels.get("demand", {}).get("wishes", [])[:SHOWN]:
        # Exactly the requests of this row: a criterion that it does not name is "none".
        refused = {
            "area": wish["area_code"] or NOT_NAMED,
            "type": wish["number_type"] or NOT_NAMED,
            "pattern": wish["pattern"] or NOT_NAMED,
        }
        waiting = {name: wish[name] for name in CRITERIA.values()}
        rows.append(
            {
                **wish,
                "type_name": type_in_words(wish["number_type"]),
                "available": _available_for(wish, areas),
                "stock_address": _stock_for(wish),
                "last_at": datetime.fromisoformat(wish["last_at"]),
                "address": rows_of("numbers_refusal", unmet="yes", sandbox__exact=0, **refused),
                "waiting_address": rows_of(
                    "numbers_order", criteria=criteria_in_words(waiting), sandbox__exact=0
                ),
            }
        )
    return {"rows": rows, "days": DAYS}
