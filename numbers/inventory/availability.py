"""Rules for whether a number may be sold and which state it is in: in SQL, as Q and in Python.

A state differs from a status, since quarantines and holds end by themselves: a number whose
quarantine or hold is over is available. tests/numbers/inventory/test_availability.py holds the forms against each
other.
"""

from datetime import datetime
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from numbers.models import PhoneNumber

# For a query whose phone numbers are called n. Parameters: %(sandbox)s, %(organization_id)s.
AVAILABLE = """
    n.sandbox = %(sandbox)s
    AND (n.status = 'available' AND (n.held_until IS NULL OR n.held_until <= now()
                                     OR n.held_for_id = %(organization_id)s)
         OR n.status = 'quarantined' AND n.quarantined_until <= now())
"""

# The same rule in terms of the columns of the shelves' indexes. Their queries name the sandbox.
# For a buyer (%(held_by)s, which may be null), and for a search, which excludes held numbers.
ON_OFFER_TO_BUYER = """
    n.status IN ('available', 'quarantined')
    AND (n.held_until IS NULL OR n.held_until <= now() OR n.held_for_id = %(held_by)s)
    AND (n.quarantined_until IS NULL OR n.quarantined_until <= now())
"""
ON_OFFER = """
    n.status IN ('available', 'quarantined')
    AND (n.held_until IS NULL OR n.held_until <= now())
    AND (n.quarantined_until IS NULL OR n.quarantined_until <= now())
"""

# The state of a row of numbers_phonenumber, as an expression.
STATE = """
    CASE WHEN status = 'available' AND held_until > now() THEN 'held'
         WHEN status = 'quarantined' AND quarantined_until <= now() THEN 'available'
         ELSE status END
"""

# The rows in each state.
STATES = {
    "available": Q(status="available") & (Q(held_until__isnull=True) | Q(held_until__lte=Now()))
    | Q(status="quarantined", quarantined_until__lte=Now()),
    "held": Q(status="available", held_until__gt=Now()),
    # By what it is not: PostgreSQL would read the whole index of sold numbers' digits, since it
    # knows that each assigned number is in there.
    "assigned": ~Q(status__in=["available", "quarantined", "retired"]),
    "quarantined": Q(status="quarantined", quarantined_until__gt=Now()),
    "retired": Q(status="retired"),
}


def is_available(
    *,
    status: str,
    quarantined_until: datetime | None,
    held_for_id: UUID | None,
    held_until: datetime | None,
    to: UUID,
    at: datetime,
) -> bool:
    """Return whether a number in this state may be sold to, or held for, `to` at the time `at`."""
    if status == "available":
        return held_until is None or held_until <= at or held_for_id == to
    return status == "quarantined" and quarantined_until is not None and quarantined_until <= at


def available_to(organization_id: UUID, *, sandbox: bool) -> Q:
    """Return the rule for ``organization_id`` as Q."""
    no_hold = Q(held_until__isnull=True) | Q(held_until__lte=Now()) | Q(held_for=organization_id)
    quarantine_over = Q(status="quarantined", quarantined_until__lte=Now())
    return Q(sandbox=sandbox) & (Q(status="available") & no_hold | quarantine_over)


def state_of(number: PhoneNumber, at: datetime | None = None) -> tuple[str, datetime | None]:
    """Return which of the STATES a number is in, and until when, if that ends by itself."""
    at = at or timezone.now()
    if number.status == "available" and number.held_until is not None and number.held_until > at:
        return "held", number.held_until
    if number.status == "quarantined" and number.quarantined_until is not None:
        is_over = number.quarantined_until <= at
        return ("available", None) if is_over else ("quarantined", number.quarantined_until)
    return number.status, None
