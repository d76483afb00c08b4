"""What every bulk action is: its name, its states, and an outcome for every number."""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings

from config.actors import Actor
from config.counts import money
from numbers.models import Assignment, NumberEvent, PhoneNumber

Outcomes = dict[int, str]
DONE = "done"
NO_OWNER = "unchanged: it has no owner"


@dataclass(frozen=True, slots=True)
class Instruction:
    """Who runs the action, why, and its parameters as they are stored in JSON."""

    actor: Actor
    reason: str
    values: Mapping[str, Any]


def open_assignments(number_ids: Sequence[int]) -> dict[UUID, dict[UUID, int]]:
    """Return the numbers' open assignments, each with its number, by organization."""
    owned: dict[UUID, dict[UUID, int]] = defaultdict(dict)
    for assignment in Assignment.objects.filter(number_id__in=number_ids, ended_at__isnull=True):
        owned[assignment.organization_id][assignment.pk] = assignment.number_id
    return owned


def words_of_price(number: PhoneNumber) -> str:
    """Return what a sale of the number charges, such as "2.00 USD and 0.50 USD each month"."""
    monthly = f" and {money(number.monthly_price, settings.CURRENCY)} each month"
    return f"{money(number.price, settings.CURRENCY)}{monthly if number.monthly_price else ''}"


class BulkAction(ABC):
    """One kind of bulk action.

    `states`: numbers in other states stay unchanged. `event_kind`: the last event that the action
    records for a number. `batch`: the most numbers that it changes in one call.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    doing: ClassVar[str]
    permission: ClassVar[str] = "numbers.change_phonenumber"
    states: ClassVar[tuple[str, ...]]
    event_kind: ClassVar[str]
    batch: ClassVar[int] = 200
    # What the preview adds for numbers in some of the states.
    provisos: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def do(self, ids: Sequence[int], instruction: Instruction) -> Outcomes:
        """Apply the action to the numbers and return an outcome for each."""

    @abstractmethod
    def describe_effect(self, values: Mapping[str, Any]) -> str:
        """Describe in a phrase what the action will do to a number in one of its `states`."""

    def check(self, ids: Sequence[int], values: Mapping[str, Any]) -> None:
        """Raise ValidationFailed for values with which the action would refuse every number.

        The function behind the action checks again. This one spares the operator a job.
        """
        return None

    def is_offered_for(self, number: PhoneNumber) -> bool:
        """Return whether the page of one number, in one of the `states`, offers the action."""
        return True

    def describe_number(self, number: PhoneNumber) -> str:
        """Return further sentences about this number, with figures, for the page of one."""
        return ""

    def do_again(self, ids: Sequence[int], instruction: Instruction) -> Outcomes:
        """Apply the action to numbers that an interrupted attempt of this request left."""
        events = NumberEvent.objects.filter(
            number_id__in=ids, request_id=instruction.actor.request_id, kind=self.event_kind
        )
        done = dict.fromkeys(events.values_list("number_id", flat=True), DONE)
        remaining = [number_id for number_id in ids if number_id not in done]
        return done | (self.do(remaining, instruction) if remaining else {})
