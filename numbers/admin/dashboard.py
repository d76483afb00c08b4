"""The home page: its panels, and a button that counts the figures now.

Costly figures come from numbers.reports.dashboard, with the time of their count.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from config.admin.once import respond_once
from config.admin.sign_in.operators import actor_of
from config.admin.site import Page, desk
from numbers.admin.background import background_panel, failed_panel
from numbers.admin.dashboard_panels import (
    areas_panel,
    low_panel,
    orders_panel,
    pending_panel,
    quarantine_panel,
    refusals_panel,
    revenue_panel,
    reviews_panel,
    short_panel,
    stock_panel,
    webhooks_panel,
)
from numbers.admin.demand import demand_panel
from numbers.admin.rent import rent_panel
from numbers.reports.dashboard import (
    Figures,
    PanelsFailed,
    counts_at_once,
    current_figures,
    refresh_figures,
)
from numbers.reports.dashboard_job import count_soon


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the page: its permission, and how it is drawn."""

    title: str
    template: str
    permission: str
    draw: Callable[[Figures], dict[str, Any]]
    shape: str = ""  # "wide": a row of its own; "tall": beside other panels
    is_work: bool = False  # something to do today, above the figures


def home(request: HttpRequest) -> HttpResponse:
    figures = current_figures()
    panels = [
        {
            "title": panel.title,
            "template": panel.template,
            "shape": panel.shape,
            "is_work": panel.is_work,
            **panel.draw(figures),
        }
        for panel in PANELS
        if request.user.has_perm(panel.permission)
    ]
    context = {
        **desk().each_context(request),
        "title": "Today",
        "panels": panels,
        "groups": [
            ("work", "To do", [panel for panel in panels if panel["is_work"]]),
            ("figures", "Figures", [panel for panel in panels if not panel["is_work"]]),
        ],
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


WORK = [
    Panel(
        "To review",
        "operators/home/reviews.html",
        "campaigns.view_campaign",
        reviews_panel,
        is_work=True,
    ),
    Panel(
        "Backorders",
        "operators/home/pending.html",
        "numbers.view_order",
        pending_panel,
        is_work=True,
    ),
    Panel(
        "Short of credit",
        "operators/home/short.html",
        "numbers.view_creditaccount",
        short_panel,
        is_work=True,
    ),
    Panel(
        "Low stock",
        "operators/home/low.html",
        "numbers.view_phonenumber",
        low_panel,
        is_work=True,
    ),
    Panel(
        "Failing webhooks",
        "operators/home/webhooks.html",
        "numbers.view_webhook",
        webhooks_panel,
        is_work=True,
    ),
    Panel(
        "Failed work",
        "operators/home/failed.html",
        "numbers.view_job",
        failed_panel,
        is_work=True,
    ),
]
PANELS = [
    *WORK,
    Panel("Stock", "operators/home/stock.html", "numbers.view_phonenumber", stock_panel, "wide"),
    Panel("Orders by day", "operators/home/columns.html", "numbers.view_order", orders_panel),
    Panel(
        "Revenue by day", "operators/home/columns.html", "numbers.view_creditentry", revenue_panel
    ),
    Panel("Rent", "operators/home/rent.html", "numbers.view_creditentry", rent_panel),
    Panel("Refusals by day", "operators/home/columns.html", "numbers.view_refusal", refusals_panel),
    Panel(
        "Available, by area code",
        "operators/home/areas.html",
        "numbers.view_phonenumber",
        areas_panel,
        "tall",
    ),
    Panel("Unmet demand", "operators/home/demand.html", "numbers.view_refusal", demand_panel),
    Panel(
        "Leaving quarantine",
        "operators/home/quarantine.html",
        "numbers.view_phonenumber",
        quarantine_panel,
    ),
    Panel(
        "Background work",
        "operators/home/background.html",
        "numbers.view_job",
        background_panel,
        "wide",
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
        request, "operators/areas.html", {**context, "panel": areas_panel(figures, limit=None)}
    )


PAGES = [
    Page("refresh/", "refresh", refresh),
    Page("area-codes/", "area_codes", area_codes),
]
