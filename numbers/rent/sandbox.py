"""Numbers of a sandbox whose rent is in a state that a test asks for.

Sandboxes renew free, so that nothing there is ever past due. ``GET .../billing`` of these answers
as if they were the sandbox's own:

============  ============================================
+15005550015  ``past_due``: the credit did not cover a month
+15005550016  ``suspended``: not paid for a week
+15005550017  ``ending``: released when its period ends
============  ============================================
"""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from config.db.fields import new_id
from numbers.models import Assignment, PhoneNumber
from numbers.rent.billing import BillingJson, BillingState, as_billing

_MONTH, _DAY = timedelta(days=30), timedelta(days=1)
# The state, and how long ago its period ended.
STATES: dict[str, tuple[BillingState, timedelta]] = {
    "+15005550015": (BillingState.PAST_DUE, 3 * _DAY),
    "+15005550016": (BillingState.SUSPENDED, 9 * _DAY),
    "+15005550017": (BillingState.ENDING, -9 * _DAY),
}
PRICE, MONTHLY_PRICE = Decimal("1.00"), Decimal("2.50")


def forced_billing(reference: UUID | str, *, is_sandbox: bool) -> BillingJson | None:
    """Return the billing that a magic number forces, None without a magic number."""
    if not is_sandbox or not isinstance(reference, str) or reference not in STATES:
        return None
    state, since = STATES[reference]
    number = PhoneNumber(number=reference)
    assignment = Assignment(id=new_id(), number=number, price=PRICE)
    end = timezone.now() - since
    is_ending = state is BillingState.ENDING
    return as_billing(
        assignment,
        monthly_price=MONTHLY_PRICE,
        period_start=end - _MONTH,
        period_end=end,
        next_charge_at=None if is_ending else end,
        state=state,
        release_at_period_end=is_ending,
    )
