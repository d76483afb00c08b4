"""What each panel of the home page shows. Every figure links to the rows behind it."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.urls import reverse

from campaigns.review import brands_to_review, campaigns_to_review
from config.admin.changelist import rows_of
from config.admin.charts import Part, Place, draw_bar, draw_columns
from config.counts import counted, money
from numbers.credit.ledger import short_accounts
from numbers.models import CreditAccount, Order, PhoneNumber, Refusal, Webhook
from numbers.reports.dashboard import DAYS, Figures

SHOWN = 12  # rows of a panel
LOW = 6  # area codes that run out, of those SHOWN
WORK_SHOWN = 6  # rows of a panel of work
LOW_DAYS = 14
_YEAR = 365  # days
STATES = ("available", "held", "assigned", "quarantined", "retired")


# --- stock ----------------------------------------------------------------------------------------
def stock_panel(figures: Figures) -> dict[str, Any]:
    by_type: dict[str, dict[str, int]] = figures.panels.get("stock", {}).get("by_type", {})
    rows = []
    for number_type, label in PhoneNumber.Type.choices:
        counts = by_type.get(number_type)
        if counts:
            total = sum(counts.values())
            cells = [
                (state, counts.get(state, 0), _numbers(number_type, state)) for state in STATES
            ]
            bar = draw_bar([(state, counts.get(state, 0)) for state in STATES], total)
            rows.append(
                {
                    "label": label,
                    "total": total,
                    "cells": cells,
                    "bar": bar,
                    "address": _numbers(number_type),
                }
            )
    return {"states": STATES, "rows": rows, "add": reverse("admin:numbers_phonenumber_add")}


def type_in_words(number_type: str) -> str:
    return dict(PhoneNumber.Type.choices).get(number_type, "").lower()


def _numbers(number_type: str, state: str = "") -> str:
    parameters = {"number_type__exact": number_type, "sandbox__exact": 0}
    return rows_of("numbers_phonenumber", **({"state": state} if state else {}), **parameters)


def areas_panel(figures: Figures, limit: int | None = SHOWN) -> dict[str, Any]:
    areas = figures.panels.get("stock", {}).get("areas", [])
    shown = areas[:limit]
    top = max((area["available"] for area in shown), default=0)
    rows = []
    for area in shown:
        rate = area["sold"] / DAYS
        address = rows_of(
            "numbers_phonenumber",
            state="available",
            area_code=area["area_code"],
            number_type__exact=area["number_type"],
            sandbox__exact=0,
        )
        days_left = area["available"] / rate if rate else None
        place = area["region"] or type_in_words(area["number_type"])
        bar = draw_bar([("available", area["available"])], top)
        rows.append({**area, "place": place, "bar": bar, "address": address})
        rows[-1].update(
            days_left=days_left,
            lasts=_lasts(days_left),
            short=days_left is not None and days_left < LOW_DAYS,
        )
    return {
        "rows": rows,
        "more": len(areas) - len(shown),
        "all": reverse("admin:area_codes"),
        "days": DAYS,
    }


def _lasts(days: float | None) -> str:
    """Return in words how long the stock lasts; "" if nothing was sold."""
    if days is None:
        return ""
    return "more than a year" if days > _YEAR else counted(round(days), "day")


def low_panel(figures: Figures) -> dict[str, Any]:
    """Return the area codes that run out first: the stored figures have them in that order."""
    rows = [row for row in areas_panel(figures, limit=SHOWN)["rows"] if row["short"]]
    return {"rows": rows[:LOW], "more": len(rows) > LOW, "all": reverse("admin:area_codes")}


def quarantine_panel(figures: Figures) -> dict[str, Any]:
    weeks = figures.panels.get("quarantine", {}).get("weeks", [])
    begin = figures.as_of
    rows = []
    for week, count in enumerate(weeks):
        assert begin is not None  # noqa: S101  there are weeks, so they were counted
        start, end = begin + timedelta(weeks=week), begin + timedelta(weeks=week + 1)
        window = {
            "quarantined_until__gt": start.isoformat(),
            "quarantined_until__lte": end.isoformat(),
        }
        address = rows_of(
            "numbers_phonenumber", status__exact="quarantined", sandbox__exact=0, **window
        )
        bar = draw_bar([("quarantined", count)], max(weeks))
        rows.append({"start": start, "end": end, "count": count, "bar": bar, "address": address})
    return {"rows": rows if any(weeks) else []}


# --- the last days --------------------------------------------------------------------------------
def _days(figures: Figures) -> list[dict[str, Any]]:
    return figures.panels.get("days", {}).get("days", [])


def _day_name(day: dict[str, Any]) -> str:
    return f"{date.fromisoformat(day['day']):%b %-d}"


def orders_panel(figures: Figures) -> dict[str, Any]:
    days = _days(figures)
    places = [
        Place(
            _day_name(day),
            rows_of("numbers_order", day=day["day"], status__exact="complete", sandbox__exact=0),
            [
                Part(
                    "assigned",
                    day["orders"],
                    f"{counted(day['orders'], 'order')} of {counted(day['numbers'], 'number')}",
                )
            ],
        )
        for day in days
    ]
    return {
        "chart": draw_columns(places),
        "unit": "orders",
        "one": "order",
        "sum": sum(day["orders"] for day in days),
    }


def revenue_panel(figures: Figures) -> dict[str, Any]:
    days = _days(figures)
    places = [
        Place(
            _day_name(day),
            rows_of("numbers_creditentry", day=day["day"], kind__in="charge,rent"),
            [Part("available", float(day["revenue"]), money(day["revenue"], settings.CURRENCY))],
        )
        for day in days
    ]
    total = sum((Decimal(day["revenue"]) for day in days), Decimal(0))
    return {"chart": draw_columns(places), "unit": settings.CURRENCY, "sum": total}


# The statuses of the refusals that the figures count: the others are mistakes of the caller.
_COUNTED = ",".join(map(str, Refusal.DEMAND_STATUSES))
# The colors that the stylesheet has, for the most frequent codes.
CODES = {
    "INSUFFICIENT_INVENTORY": "held",
    "INSUFFICIENT_CREDIT": "quarantined",
    "RATE_LIMITED": "retired",
}


def refusals_panel(figures: Figures) -> dict[str, Any]:
    days = _days(figures)
    totals: dict[str, int] = {}
    places = []
    for day in days:
        parts = []
        for code, count in sorted(day["refusals"].items()):
            totals[code] = totals.get(code, 0) + count
            parts.append(Part(CODES.get(code, "assigned"), count, f"{count:,} {code}"))
        places.append(
            Place(
                _day_name(day),
                rows_of("numbers_refusal", day=day["day"], status__in=_COUNTED, sandbox__exact=0),
                parts or [Part("assigned", 0, counted(0, "refusal"))],
            )
        )
    shown_days = f"{days[0]['day']}..{days[-1]['day']}" if days else ""
    legend = [
        (
            CODES.get(code, "assigned"),
            code,
            count,
            rows_of("numbers_refusal", code=code, day=shown_days, sandbox__exact=0),
        )
        for code, count in sorted(totals.items(), key=lambda item: -item[1])
    ]
    return {
        "chart": draw_columns(places),
        "unit": "refusals",
        "one": "refusal",
        "sum": sum(totals.values()),
        "legend": legend,
    }


# --- waiting ------------------------------------------------------------------------------------
def reviews_panel(figures: Figures) -> dict[str, Any]:
    return {"campaigns": campaigns_to_review().count(), "brands": brands_to_review().count()}


def pending_panel(figures: Figures) -> dict[str, Any]:
    pending = (
        Order.objects.filter(status=Order.Status.PENDING)
        .order_by("id")
        .select_related("organization")
    )
    rows = list(pending[: WORK_SHOWN + 1])
    return {
        "rows": rows[:WORK_SHOWN],
        "more": len(rows) > WORK_SHOWN,
        "all": rows_of("numbers_order", status__exact="pending"),
    }


def short_panel(figures: Figures) -> dict[str, Any]:
    short = short_accounts(CreditAccount.objects.all())
    rows = list(short.select_related("organization").order_by("balance", "pk")[: WORK_SHOWN + 1])
    return {
        "rows": rows[:WORK_SHOWN],
        "more": len(rows) > WORK_SHOWN,
        "all": rows_of("numbers_creditaccount", short="yes"),
    }


def webhooks_panel(figures: Figures) -> dict[str, Any]:
    """Return the endpoints that fail now, those that have failed longest first."""
    failing = Webhook.objects.filter(failing_since__isnull=False, deleted_at__isnull=True)
    rows = list(
        failing.select_related("organization").order_by("failing_since", "pk")[: WORK_SHOWN + 1]
    )
    return {
        "rows": rows[:WORK_SHOWN],
        "more": len(rows) > WORK_SHOWN,
        "all": rows_of("numbers_webhook", failing_since__isempty=0),
    }
