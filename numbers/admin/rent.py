"""Rent on the desk: the billing of a number, of an organization, and the figures of all."""

from typing import Any

from django.conf import settings

from campaigns.models import Organization
from config.admin.changelist import rows_of
from config.admin.related_tables import Cell, Related, link, related
from config.counts import counted, money
from numbers.models import Assignment, PhoneNumber, RentCharge
from numbers.rent.billing import BillingState, rent_of, state_of
from numbers.reports.dashboard import DAYS, Figures
from numbers.reports.rent import standing

# Rents of one organization that its page reads.
MOST_COUNTED = 10_000

STATES = {
    BillingState.ACTIVE: "paid",
    BillingState.PAST_DUE: "past due",
    BillingState.SUSPENDED: "suspended",
    BillingState.ENDING: "released when its period ends",
}


def billing_of(number: PhoneNumber) -> list[Related]:
    """Return what its owner pays each month and the months that were charged, if it has rent."""
    owned = Assignment.objects.filter(number=number, ended_at__isnull=True).first()
    rent = rent_of(owned) if owned else None
    if owned is None or rent is None:
        return []
    facts: list[tuple[str, Any]] = [
        ("state", STATES[state_of(rent)]),
        ("each month", money(rent.monthly_price, settings.CURRENCY)),
        ("paid until", rent.next_charge_at),
    ]
    if rent.next_monthly_price is not None:
        facts.append(
            (
                "by notice",
                f"{money(rent.next_monthly_price, settings.CURRENCY)} for months from "
                f"{rent.next_monthly_price_from:%Y-%m-%d} on",
            )
        )
    if rent.past_due_since is not None:
        facts.append(("past due since", rent.past_due_since))
    if rent.suspended_at is not None:
        facts.append(("suspended since", rent.suspended_at))
    table = [[Cell(name), Cell(value)] for name, value in facts]
    return [Related("Billing", ("", ""), table, empty=""), _months_of(owned)]


def _months_of(assignment: Assignment) -> Related:
    charges = RentCharge.objects.filter(assignment=assignment).select_related("entry")
    return related(
        "Months charged",
        of=charges.order_by("-period"),
        headings=("month from", "amount", "charged", "ledger entry"),
        cells=lambda row: (
            row.begins_at,
            row.amount,
            row.created_at,
            link(row.entry, row.entry.entry) if row.entry else Cell("none: it cost nothing"),
        ),
        empty="Only the first month, with the order.",
    )


def rent_of_organization(organization: Organization) -> Related:
    """Return the figures of an organization's rent; of a very large one, of its first rents."""
    figures = standing(organization.pk, most=MOST_COUNTED)
    many = "+" if figures["rented"] == MOST_COUNTED else ""
    currency = settings.CURRENCY
    due = f"{money(figures['due_amount'])}{many} {currency}, {counted(figures['due'], 'number')}"
    unpaid = (
        f"{money(figures['arrears'])}{many} {currency}, {counted(figures['in_arrears'], 'number')}"
    )
    rows = [
        ("numbers with rent", Cell(f"{figures['rented']:,}{many}")),
        ("each month together", Cell(f"{money(figures['monthly'])}{many} {currency}")),
        ("due in the next 30 days", Cell(due)),
        ("past due", Cell(unpaid, _rented("past_due", organization))),
        (
            "suspended of these",
            Cell(f"{figures['suspended']:,}{many}", _rented("suspended", organization)),
        ),
    ]
    table = [[Cell(name), value] for name, value in rows] if figures["rented"] else []
    return Related("Rent", ("", ""), table, empty="None of its numbers has a monthly price.")


def _rented(state: str, organization: Organization) -> str:
    return rows_of("numbers_phonenumber", rent=state, organization=organization.pk)


def rent_panel(figures: Figures) -> dict[str, Any]:
    return {
        "figures": figures.panels.get("rent"),
        "currency": settings.CURRENCY,
        "days": DAYS,
        "ledger": rows_of("numbers_creditentry", kind__in="charge,rent"),
        "unpaid": rows_of("numbers_phonenumber", rent="past_due"),
    }
