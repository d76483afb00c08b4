"""The home page. Every figure links to the rows behind it.

Costly figures come from numbers.reports.dashboard, with the time of their count; the rest is read
here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from campaigns.review import brands_to_review, campaigns_to_review
from config.admin.charts import Part, Place, draw_bar, draw_columns
from config.admin.once import respond_once
from config.admin.sign_in.operators import actor_of
from config.admin.site import Page, desk
from numbers.admin.background import background_panel
from numbers.credit.ledger import short_accounts
from numbers.models import CreditAccount, Order, PhoneNumber
from numbers.reports.dashboard import (
    DAYS,
    Figures,
    PanelsFailed,
    counts_at_once,
    current_figures,
    refresh_figures,
)
from numbers.reports.dashboard_job import count_soon

SHOWN = 12  # rows of a panel
STATES = ("available", "held", "assigned", "quarantined", "retired")


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the page: its permission, and how it is drawn."""

    title: str
    template: str
    permission: str
    draw: Callable[[Figures], dict[str, Any]]
    shape: str = ""  # "wide": a row of its own; "tall": beside other panels


def rows_of(model: str, **parameters: Any) -> str:
    """Return the address of the list that shows these rows."""
    address = reverse(f"admin:{model.replace('.', '_')}_changelist")
    return f"{address}?{urlencode(parameters)}" if parameters else address


def home(request: HttpRequest) -> HttpResponse:
    figures = current_figures()
    panels = [
        {
            "title": panel.title,
            "template": panel.template,
            "shape": panel.shape,
            **panel.draw(figures),
        }
        for panel in PANELS
        if request.user.has_perm(panel.permission)
    ]
    context = {
        **desk().each_context(request),
        "title": "How are we doing?",
        "panels": panels,
        "as_of": figures.as_of,
        "may_refresh": request.user.has_perm("numbers.view_phonenumber"),
    }
    return TemplateResponse(request, "operators/home.html", context)


def refresh(request: HttpRequest) -> HttpResponse:
    """Count the figures now instead of waiting for the worker's next turn."""
    if not request.user.has_perm("numbers.view_phonenumber"):
        raise PermissionDenied
    if request.method != "POST":  # a sign-in in between loses the form; the page has its button
        return HttpResponseRedirect(reverse("admin:index"))
    return respond_once(request, lambda: _count(request)) or HttpResponseRedirect(
        reverse("admin:index")
    )


def _count(request: HttpRequest) -> HttpResponse:
    if not counts_at_once():
        count_soon(actor_of(request))
        messages.info(request, "The figures are being counted: reload in a moment.")
    else:
        _refresh_now(request)
    return HttpResponseRedirect(reverse("admin:index"))


def _refresh_now(request: HttpRequest) -> None:
    try:
        if not refresh_figures():
            messages.info(request, "The figures are already being counted: reload in a moment.")
    except PanelsFailed as failure:
        messages.error(request, f"Some figures could not be counted, see the log: {failure}.")


# --- stock ----------------------------------------------------------------------------------------
def _stock(figures: Figures) -> dict[str, Any]:
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


def _in_words(number_type: str) -> str:
    return dict(PhoneNumber.Type.choices).get(number_type, "").lower()


def _numbers(number_type: str, state: str = "") -> str:
    parameters = {"number_type__exact": number_type, "sandbox__exact": 0}
    return rows_of("numbers.phonenumber", **({"state": state} if state else {}), **parameters)


def _areas(figures: Figures, limit: int | None = SHOWN) -> dict[str, Any]:
    areas = figures.panels.get("stock", {}).get("areas", [])
    shown = areas[:limit]
    top = max((area["available"] for area in shown), default=0)
    rows = []
    for area in shown:
        rate = area["sold"] / DAYS
        address = rows_of(
            "numbers.phonenumber",
            state="available",
            area_code=area["area_code"],
            number_type__exact=area["number_type"],
            sandbox__exact=0,
        )
        days_left = area["available"] / rate if rate else None
        place = area["region"] or _in_words(area["number_type"])
        bar = draw_bar([("available", area["available"])], top)
        rows.append({**area, "place": place, "bar": bar, "address": address})
        rows[-1].update(days_left=days_left, short=days_left is not None and days_left < 14)
    return {
        "rows": rows,
        "more": len(areas) - len(shown),
        "all": reverse("admin:area_codes"),
        "days": DAYS,
    }


def _quarantine(figures: Figures) -> dict[str, Any]:
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
            "numbers.phonenumber", status__exact="quarantined", sandbox__exact=0, **window
        )
        bar = draw_bar([("quarantined", count)], max(weeks))
        rows.append({"start": start, "end": end, "count": count, "bar": bar, "address": address})
    return {"rows": rows if any(weeks) else []}


# --- the last days --------------------------------------------------------------------------------
def _days(figures: Figures) -> list[dict[str, Any]]:
    return figures.panels.get("days", {}).get("days", [])


def _day_name(day: dict[str, Any]) -> str:
    return f"{date.fromisoformat(day['day']):%b %-d}"


def _orders(figures: Figures) -> dict[str, Any]:
    days = _days(figures)
    places = [
        Place(
            _day_name(day),
            rows_of("numbers.order", day=day["day"], status__exact="complete", sandbox__exact=0),
            [
                Part(
                    "assigned",
                    day["orders"],
                    f"{day['orders']:,} orders of {day['numbers']:,} numbers",
                )
            ],
        )
        for day in days
    ]
    return {
        "chart": draw_columns(places),
        "unit": "orders",
        "sum": sum(day["orders"] for day in days),
    }


def _revenue(figures: Figures) -> dict[str, Any]:
    days = _days(figures)
    places = [
        Place(
            _day_name(day),
            rows_of("numbers.creditentry", day=day["day"], kind__exact="charge"),
            [Part("available", float(day["revenue"]), f"{day['revenue']} {settings.CURRENCY}")],
        )
        for day in days
    ]
    total = sum((Decimal(day["revenue"]) for day in days), Decimal(0))
    return {"chart": draw_columns(places), "unit": settings.CURRENCY, "sum": total}


# The colors that the stylesheet has, for the most frequent codes.
CODES = {
    "INSUFFICIENT_INVENTORY": "held",
    "INSUFFICIENT_CREDIT": "quarantined",
    "RATE_LIMITED": "retired",
}


def _refusals(figures: Figures) -> dict[str, Any]:
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
                _day_name(day), rows_of("numbers.refusal", day=day["day"], sandbox__exact=0), parts
            )
        )
    legend = [
        (
            CODES.get(code, "assigned"),
            code,
            count,
            rows_of("numbers.refusal", code=code, sandbox__exact=0),
        )
        for code, count in sorted(totals.items(), key=lambda item: -item[1])
    ]
    return {
        "chart": draw_columns(places),
        "unit": "refusals",
        "sum": sum(totals.values()),
        "legend": legend,
    }


def _demand(figures: Figures) -> dict[str, Any]:
    rows = []
    for wish in figures.panels.get("demand", {}).get("wishes", [])[:SHOWN]:
        criteria = {
            "area": wish["area_code"],
            "type": wish["number_type"],
            "pattern": wish["pattern"],
        }
        given = {name: value for name, value in criteria.items() if value}
        rows.append(
            {
                **wish,
                "type_name": _in_words(wish["number_type"]),
                "last_at": datetime.fromisoformat(wish["last_at"]),
                "address": rows_of("numbers.refusal", unmet="yes", sandbox__exact=0, **given),
                "waiting_address": rows_of("numbers.order", status__exact="pending"),
            }
        )
    return {"rows": rows, "days": DAYS}


# --- waiting ------------------------------------------------------------------------------------
def _reviews(figures: Figures) -> dict[str, Any]:
    return {"campaigns": campaigns_to_review().count(), "brands": brands_to_review().count()}


def _pending(figures: Figures) -> dict[str, Any]:
    pending = (
        Order.objects.filter(status=Order.Status.PENDING)
        .order_by("id")
        .select_related("organization")
    )
    rows = list(pending[: SHOWN + 1])
    return {
        "rows": rows[:SHOWN],
        "more": len(rows) > SHOWN,
        "all": rows_of("numbers.order", status__exact="pending"),
    }


def _short(figures: Figures) -> dict[str, Any]:
    short = short_accounts(CreditAccount.objects.all())
    rows = list(short.select_related("organization").order_by("balance", "pk")[: SHOWN + 1])
    return {
        "rows": rows[:SHOWN],
        "more": len(rows) > SHOWN,
        "all": rows_of("numbers.creditaccount", short="yes"),
    }


def _background(figures: Figures) -> dict[str, Any]:
    return background_panel(figures, rows_of("numbers.job"))


PANELS = [
    Panel("Stock", "operators/home/stock.html", "numbers.view_phonenumber", _stock, "wide"),
    Panel(
        "Available, by area code",
        "operators/home/areas.html",
        "numbers.view_phonenumber",
        _areas,
        "tall",
    ),
    Panel("Unmet demand", "operators/home/demand.html", "numbers.view_refusal", _demand),
    Panel("Orders by day", "operators/home/columns.html", "numbers.view_order", _orders),
    Panel("Revenue by day", "operators/home/columns.html", "numbers.view_creditentry", _revenue),
    Panel("Refusals by day", "operators/home/columns.html", "numbers.view_refusal", _refusals),
    Panel(
        "Leaving quarantine",
        "operators/home/quarantine.html",
        "numbers.view_phonenumber",
        _quarantine,
    ),
    Panel("To review", "operators/home/reviews.html", "campaigns.view_campaign", _reviews),
    Panel("Pending bulk orders", "operators/home/pending.html", "numbers.view_order", _pending),
    Panel("Short of credit", "operators/home/short.html", "numbers.view_creditaccount", _short),
    Panel(
        "Background work", "operators/home/background.html", "numbers.view_job", _background, "wide"
    ),
]


def area_codes(request: HttpRequest) -> HttpResponse:
    """Show all area codes; those that run out first come first."""
    if not request.user.has_perm("numbers.view_phonenumber"):
        raise PermissionDenied
    figures = current_figures()
    context = {
        **desk().each_context(request),
        "title": "Available, by area code",
        "as_of": figures.as_of,
    }
    return TemplateResponse(
        request, "operators/areas.html", {**context, "panel": _areas(figures, limit=None)}
    )


desk().home = home
desk().add_page(Page("refresh/", "refresh", refresh))
desk().add_page(Page("area-codes/", "area_codes", area_codes))
