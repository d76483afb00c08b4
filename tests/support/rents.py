"""Rented numbers for tests: sold, then aged."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from campaigns.models import Organization
from numbers.models import Assignment, CreditEntry, Rent, RentCharge
from numbers.rent.billing import state_of
from tests.support import factories
from tests.support.time_travel import let_pass

# Longer than any month, shorter than any two.
A_MONTH = timedelta(days=32)
# Longer than any three months, shorter than any four.
THREE_MONTHS = timedelta(days=100)


def rented(
    organization: Organization,
    *prices: str,
    start: int = 0,
    ago: timedelta = timedelta(),
    **fields: Any,
) -> list[Assignment]:
    """Sell a number for each monthly price, for 0.00 and the first month; ``ago`` is when."""
    lines = factories.line(start, len(prices))
    for number, monthly_price in zip(lines, prices, strict=True):
        factories.stock(
            number,
            price="0.00",
            monthly_price=monthly_price,
            sandbox=organization.is_sandbox,
            **fields,
        )
        factories.own(organization, number)
    if ago:
        let_pass(ago)
    found = Assignment.objects.filter(number__number__in=lines, ended_at=None)
    return list(found.select_related("number").order_by("number__number"))


def states(assignments: Sequence[Assignment]) -> list[str]:
    """Return the state of each number's rent, `released` if it is no longer owned."""
    found = Rent.objects.in_bulk([one.pk for one in assignments])
    return [
        state_of(found[one.pk]).value if found[one.pk].is_open else "released"
        for one in assignments
    ]


def charged(assignment: Assignment) -> list[int]:
    """Return the months that were charged, in order."""
    charges = RentCharge.objects.filter(assignment=assignment).order_by("id")
    return list(charges.values_list("period", flat=True))


def rent_of_ledger(organization: Organization) -> list[Decimal]:
    """Return what the ledger entries of rent took, oldest first."""
    entries = CreditEntry.objects.filter(account_id=organization.pk, kind="rent").order_by("id")
    return [-entry.amount for entry in entries]
