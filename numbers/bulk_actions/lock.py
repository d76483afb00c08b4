"""Bulk actions that lock numbers of customers against release, and unlock them."""

from collections.abc import Mapping, Sequence
from typing import Any

from numbers.bulk_actions.base import (
    DONE,
    NO_OWNER,
    BulkAction,
    Instruction,
    Outcomes,
    open_assignments,
)
from numbers.models import Assignment, NumberEvent, PhoneNumber
from numbers.ownership.lock import set_locks

Kind = NumberEvent.Kind


class Lock(BulkAction):
    name, label, doing = "lock", "Lock against release", "locking"
    states = ("assigned",)
    event_kind = Kind.LOCKED

    def describe_effect(self, values: Mapping[str, Any]) -> str:
        return (
            "can't be released, by its owner or by an operator, until it is unlocked; only rent that "
            "stays unpaid releases it all the same"
        )

    def is_offered_for(self, number: PhoneNumber) -> bool:
        return not _is_locked(number)

    def do(self, ids: Sequence[int], instruction: Instruction) -> Outcomes:
        outcomes = dict.fromkeys(ids, NO_OWNER)
        for organization_id, numbers in open_assignments(ids).items():
            changed = set_locks(
                list(numbers),
                Kind(self.event_kind),
                organization_id=organization_id,
                actor=instruction.actor,
                reason=instruction.reason,
            )
            unchanged = f"unchanged: it is already {self.event_kind}"
            outcomes |= dict.fromkeys(numbers.values(), unchanged)
            outcomes |= {numbers[one]: DONE for one in changed}
        return outcomes


class Unlock(Lock):
    name, label, doing = "unlock", "Unlock", "unlocking"
    event_kind = Kind.UNLOCKED

    def describe_effect(self, values: Mapping[str, Any]) -> str:
        return "can be released again, by its owner too"

    def is_offered_for(self, number: PhoneNumber) -> bool:
        return _is_locked(number)


def _is_locked(number: PhoneNumber) -> bool:
    owned = Assignment.objects.filter(number=number, ended_at__isnull=True)
    return owned.filter(locked_at__isnull=False).exists()
