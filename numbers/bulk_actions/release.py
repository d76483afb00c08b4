"""Bulk actions that end ownerships."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from config.counts import counted
from numbers.bulk_actions.base import (
    DONE,
    NO_OWNER,
    BulkAction,
    Instruction,
    Outcomes,
    open_assignments,
)
from numbers.models import NumberEvent
from numbers.ownership.release import NumberLocked, end_quarantine, release_many

Kind = NumberEvent.Kind


class Release(BulkAction):
    name, label, doing = "release", "Release", "releasing"
    states = ("assigned",)
    event_kind = Kind.RELEASED

    def describe_effect(self, values: Mapping[str, Any]) -> str:
        return (
            "leaves its organization at once, its routing is cleared, "
            f"and it is in quarantine for {counted(settings.NUMBER_QUARANTINE_DAYS, 'day')}"
        )

    def do(self, ids: Sequence[int], instruction: Instruction) -> Outcomes:
        outcomes = dict.fromkeys(ids, NO_OWNER)
        for organization_id, numbers in open_assignments(ids).items():
            result = release_many(
                assignment_ids=list(numbers),
                organization_id=organization_id,
                actor=instruction.actor,
                reason=instruction.reason,
            )
            locked = f"refused: {NumberLocked.message}"
            outcomes |= {numbers[one]: locked for one in result.locked}
            outcomes |= {numbers[one]: DONE for one in result.released}
        return outcomes


class ReleaseAtOnce(Release):
    """Release, and end the quarantine that the release began."""

    name, label = "release-at-once", "Release without quarantine"
    event_kind = Kind.QUARANTINE_ENDED

    def describe_effect(self, values: Mapping[str, Any]) -> str:
        return "leaves its organization, its routing is cleared, and it can be sold again at once"

    def do(self, ids: Sequence[int], instruction: Instruction) -> Outcomes:
        outcomes = super().do(ids, instruction)
        # All that this request released, including by an attempt that broke off right after.
        released = NumberEvent.objects.filter(
            number_id__in=ids, request_id=instruction.actor.request_id, kind=Kind.RELEASED
        ).values_list("number_id", flat=True)
        ended = end_quarantine(
            number_ids=list(released), actor=instruction.actor, reason=instruction.reason
        )
        return outcomes | dict.fromkeys(ended, DONE)
