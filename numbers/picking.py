"""Taking any numbers that match: what nobody else is taking, rather than waiting for it."""

from numbers.assigning import Buyer
from numbers.criteria import Criteria
from numbers.locks import LockedNumber, lock_unlocked_numbers
from numbers.searching import candidate_ids


def pick_available(criteria: Criteria, *, quantity: int, buyer: Buyer) -> list[LockedNumber] | None:
    """``quantity`` available numbers, locked for this transaction; None where there are not as many.

    Numbers that somebody has locked are passed over; the others are judged once they are ours, since
    they may have been sold after they were found.
    """
    depth = quantity * 2 + 50
    while True:
        ids = candidate_ids(criteria, quantity=depth, sandbox=buyer.is_sandbox, held_by=buyer.organization_id)
        if len(ids) < quantity:
            return None
        rows = lock_unlocked_numbers(ids, quantity)
        at = max((row.at for row in rows), default=None)
        free = [
            row for row in rows if at and row.is_available(to=buyer.organization_id, sandbox=buyer.is_sandbox, at=at)
        ]
        if len(free) == quantity:
            return free
        if len(ids) < depth:
            return None
        depth *= 8
