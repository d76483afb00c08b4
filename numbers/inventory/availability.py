"""The rule whether a number may be sold: in Python for a locked row, in SQL for queries."""

from datetime import datetime
from uuid import UUID

# For a query whose phone numbers are called n. Parameters: %(sandbox)s, %(organization_id)s.
AVAILABLE = """
    n.sandbox = %(sandbox)s
    AND (n.status = 'available' AND (n.held_until IS NULL OR n.held_until <= now()
                                     OR n.held_for_id = %(organization_id)s)
         OR n.status = 'quarantined' AND n.quarantined_until <= now())
"""


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
