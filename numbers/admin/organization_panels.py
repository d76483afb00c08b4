"""Panels of an organization's page: a few rows of each kind, a link to all, a way to a new one.

Each panel reads a bounded number of rows by an index.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.db.models import Max, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.urls import reverse

from apikeys.models import ApiKey
from campaigns.models import Brand, Campaign, Event, Organization
from config.admin.actions import page_of
from config.admin.changelist import rows_of
from config.admin.related_tables import Cell, Related, link, related
from numbers.admin.credit import ledger_of
from numbers.admin.order_words import wanted_in_words
from numbers.admin.rent import rent_of_organization
from numbers.credit.ledger import short_accounts
from numbers.models import Assignment, CreditAccount, Order, PhoneNumber, Refusal, Reservation

# Counts stop here; what is beyond is "10,000+".
MOST_COUNTED = 10_000
HOLDS_SHOWN = 200


def _new(model: str, **given: Any) -> str:
    return f"{reverse(f'admin:{model}_add')}?{urlencode(given)}"


def _count(rows: QuerySet[Any]) -> str:
    counted = rows.order_by()[: MOST_COUNTED + 1].count()
    return f"{MOST_COUNTED:,}+" if counted > MOST_COUNTED else f"{counted:,}"


def _held(organization: Organization) -> QuerySet[PhoneNumber]:
    return PhoneNumber.objects.filter(held_for=organization, held_until__gt=Now())


def keys_of(organization: Organization) -> Related:
    return related(
        "API keys",
        of=ApiKey.objects.of(organization.pk),
        headings=("key", "label", "scopes", "last used", "expires", "revoked"),
        cells=lambda row: (
            link(row, row.prefix),
            row.label,
            ", ".join(row.scopes),
            row.last_used_at,
            row.expires_at,
            row.revoked_at,
        ),
        empty="It has no key yet.",
        all=rows_of("apikeys_apikey", organization=organization.pk),
        new=Cell("New key", _new("apikeys_apikey", organization=organization.pk)),
    )


def brands_of(organization: Organization) -> Related:
    return related(
        "Brands",
        of=Brand.objects.of(organization.pk).order_by("-id"),
        headings=("brand", "status", "identity"),
        cells=lambda row: (link(row), row.status, row.identity_status),
        empty="It has no brand yet: a campaign needs one.",
        all=rows_of("campaigns_brand", organization=organization.pk),
        new=Cell("New brand", _new("campaigns_brand", organization=organization.pk)),
    )


def campaigns_of(organization: Organization) -> Related:
    brand = Brand.objects.of(organization.pk).order_by("-id").first()
    return related(
        "Campaigns",
        of=Campaign.objects.of(organization.pk).select_related("brand").order_by("-id"),
        headings=("campaign", "status", "brand", "brand's identity"),
        cells=lambda row: (link(row), row.status, link(row.brand), row.brand.identity_status),
        empty="It has no campaign: add a brand, then a campaign of it.",
        all=rows_of("campaigns_campaign", organization=organization.pk),
        # For its newest brand; another one can be chosen on the form.
        new=Cell("New campaign", _new("campaigns_campaign", brand=brand.pk)) if brand else None,
    )


def states_of(organization: Organization) -> Related:
    owned = Assignment.objects.filter(organization=organization, ended_at__isnull=True)
    ended = Assignment.objects.filter(organization=organization, ended_at__isnull=False)
    numbers = rows_of("numbers_phonenumber", organization=organization.pk)
    released = rows_of("numbers_assignment", organization=organization.pk, ended_at__isempty=0)
    holds = rows_of("numbers_reservation", organization=organization.pk)
    table = [
        [Cell("assigned now", numbers), Cell(_count(owned))],
        [Cell("on hold for it", holds), Cell(_count(_held(organization)))],
        [Cell("once assigned and released", released), Cell(_count(ended))],
    ]
    return Related("Numbers by state", ("state", "numbers"), table, empty="", all=numbers)


def numbers_of(organization: Organization) -> Related:
    owned = Assignment.objects.filter(organization=organization, ended_at__isnull=True)
    return related(
        "Numbers",
        of=owned.order_by("-id").select_related("number", "campaign"),
        headings=("number", "since", "price", "campaign", "label"),
        cells=lambda row: (
            link(row.number),
            row.created_at,
            row.price,
            link(row.campaign),
            row.label,
        ),
        empty="It has no numbers: its keys order them.",
        all=rows_of("numbers_phonenumber", organization=organization.pk),
    )


def backorders_of(organization: Organization) -> Related:
    waiting = Order.objects.filter(organization=organization, status=Order.Status.PENDING)
    return related(
        "Backorders",
        of=waiting.order_by("-id"),
        headings=("since", "numbers", "criteria", "up to", "reference"),
        cells=lambda row: (
            link(row, row.created_at),
            row.quantity,
            wanted_in_words(row.criteria),
            row.max_price_per_number,
            row.customer_reference,
        ),
        empty="No order waits for stock.",
        all=rows_of("numbers_order", organization=organization.pk, status__exact="pending"),
    )


def orders_of(organization: Organization) -> Related:
    return related(
        "Orders",
        of=Order.objects.filter(organization=organization).order_by("-id"),
        headings=("when", "kind", "status", "numbers", "total", "reference", "by"),
        cells=lambda row: (
            link(row, row.created_at),
            row.get_kind_display(),
            row.get_status_display(),
            row.quantity,
            row.total,
            row.customer_reference,
            row.actor,
        ),
        empty="It has not ordered anything yet.",
        all=rows_of("numbers_order", organization=organization.pk),
    )


def holds_of(organization: Organization) -> Related:
    """Return the reservations that hold numbers now, found by the numbers that they hold."""
    held = _held(organization).values_list("reservation_id", flat=True)[:HOLDS_SHOWN]
    return related(
        "Holds",
        of=Reservation.objects.filter(pk__in=set(held)).order_by("-id"),
        headings=("since", "until", "numbers", "by", "reason"),
        cells=lambda row: (
            link(row, row.created_at),
            row.expires_at,
            len(row.numbers),
            row.actor,
            row.reason,
        ),
        empty="No number is on hold for it.",
        all=rows_of("numbers_reservation", organization=organization.pk),
    )


def refusals_of(organization: Organization) -> Related:
    return related(
        "Recent refusals",
        of=Refusal.objects.filter(organization_id=organization.pk).order_by("-id"),
        headings=("when", "status", "code", "asked for", "available", "note", "by"),
        cells=lambda row: (
            link(row, row.at),
            row.status,
            row.code,
            row.wanted,
            row.found,
            row.note,
            row.actor,
        ),
        empty="Nothing was refused recently.",
        all=rows_of("numbers_refusal", organization=organization.pk),
    )


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel, the permission to see it, and the permission to add to it."""

    make: Callable[[Organization], Related]
    permission: str
    adding: str = ""


PANELS = (
    Panel(lambda organization: ledger_of(organization.pk), "numbers.view_creditentry"),
    Panel(keys_of, "apikeys.view_apikey", "apikeys.add_apikey"),
    Panel(brands_of, "campaigns.view_brand", "campaigns.add_brand"),
    Panel(campaigns_of, "campaigns.view_campaign", "campaigns.add_campaign"),
    Panel(states_of, "numbers.view_assignment"),
    Panel(rent_of_organization, "numbers.view_creditentry"),
    Panel(numbers_of, "numbers.view_assignment"),
    Panel(backorders_of, "numbers.view_order"),
    Panel(orders_of, "numbers.view_order"),
    Panel(holds_of, "numbers.view_reservation"),
    Panel(refusals_of, "numbers.view_refusal"),
)


def panels_for(request: HttpRequest, organization: Organization) -> list[Related]:
    """Return the panels that the operator may see, with what the operator may add."""
    tables = []
    for panel in PANELS:
        if request.user.has_perm(panel.permission):
            table = panel.make(organization)
            may_add = bool(panel.adding) and request.user.has_perm(panel.adding)
            tables.append(table if may_add else replace(table, new=None))
    return tables


def summary_of(request: HttpRequest, organization: Organization) -> dict[str, Any]:
    """Return what stands above the details: credit with its buttons, and the last activity."""
    user = request.user
    summary = {
        "activity": _activity(request, organization),
        "suspension": suspension_of(request, organization),
    }
    account = CreditAccount.objects.filter(pk=organization.pk).first()
    if account is None or not user.has_perm("numbers.view_creditaccount"):
        return summary
    back = urlencode({"back": request.path})
    operation = reverse("admin:numbers_creditaccount_operation", args=[account.pk, "top-up"])
    return {
        **summary,
        "account": account,
        "is_short": short_accounts(CreditAccount.objects.filter(pk=account.pk)).exists(),
        "top_up": f"{operation}?{back}" if user.has_perm("numbers.change_creditaccount") else "",
        "has_statement": user.has_perm("numbers.view_creditentry"),
    }


@dataclass(frozen=True, slots=True)
class Suspension:
    """That an organization is suspended, the event of it, and the page that lifts it."""

    event: Event | None
    event_url: str
    restore_url: str


def suspension_of(request: HttpRequest, organization: Organization) -> Suspension | None:
    """Return the suspension of the organization, or None if it is active."""
    if organization.status != Organization.Status.SUSPENDED:
        return None
    events = Event.objects.filter(subject_id=organization.pk, kind="suspended").order_by("-id")
    event = events.first() if request.user.has_perm("campaigns.view_event") else None
    may_restore = request.user.has_perm("campaigns.change_organization")
    operation = reverse("admin:campaigns_organization_operation", args=[organization.pk, "restore"])
    return Suspension(event, page_of(event) if event else "", operation if may_restore else "")


def _activity(request: HttpRequest, organization: Organization) -> list[tuple[str, Any]]:
    """Return when a key was last used, and when something was last ordered and refused."""
    moments: list[tuple[str, Any]] = []
    if request.user.has_perm("apikeys.view_apikey"):
        used = ApiKey.objects.of(organization.pk).aggregate(at=Max("last_used_at"))["at"]
        moments.append(("use of a key", used))
    if request.user.has_perm("numbers.view_order"):
        orders = Order.objects.filter(organization=organization).order_by("-id")
        moments.append(("order", orders.values_list("created_at", flat=True).first()))
    if request.user.has_perm("numbers.view_refusal"):
        refused = Refusal.objects.filter(organization_id=organization.pk).order_by("-id")
        moments.append(("refusal", refused.values_list("at", flat=True).first()))
    return moments
