"""Change what owners pay each month, from a date on."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone

from config.counts import money
from config.errors import ValidationFailed
from numbers.bulk_actions.base import (
    DONE,
    NO_OWNER,
    BulkAction,
    Instruction,
    Outcomes,
    open_assignments,
)
from numbers.models import NumberEvent
from numbers.rent.notice import announce_price

SAME = "unchanged: its owner pays that already, or will"


class AnnounceRent(BulkAction):
    name = "rent"
    label = "Change monthly price of sold numbers"
    doing = "announcing monthly prices"
    states = ("assigned",)
    event_kind = NumberEvent.Kind.RENT_CHANGED

    def describe_effect(self, values: Mapping[str, Any]) -> str:
        begin = datetime.fromisoformat(values["begin"])
        return (
            f"costs its owner {money(values['monthly_price'], settings.CURRENCY)} for each month that "
            f"begins on {begin:%Y-%m-%d} or later"
        )

    def check(self, ids: Sequence[int], values: Mapping[str, Any]) -> None:
        if datetime.fromisoformat(values["begin"]) <= timezone.now():
            raise ValidationFailed(
                details={"begin": "must be in the future: owners are given notice"}
            )

    def do(self, ids: Sequence[int], instruction: Instruction) -> Outcomes:
        outcomes = dict.fromkeys(ids, NO_OWNER)
        for organization_id, numbers in open_assignments(ids).items():
            outcomes |= dict.fromkeys(numbers.values(), SAME)
            changed = announce_price(
                list(numbers),
                organization_id=organization_id,
                monthly_price=Decimal(instruction.values["monthly_price"]),
                begin=datetime.fromisoformat(instruction.values["begin"]),
                actor=instruction.actor,
                reason=instruction.reason,
            )
            outcomes |= dict.fromkeys((numbers[one] for one in changed), DONE)
        return outcomes
