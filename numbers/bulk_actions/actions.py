"""Bulk actions that operators run on numbers.

Each calls the function behind the API, one batch at a time, and returns an outcome for every
number: `done`, `unchanged: reason` or `refused: reason`. Running one again is safe.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings

from campaigns.eligibility import problem_with
from campaigns.models import Campaign, Organization
from config.counts import counted, money
from config.errors import ApiError, ValidationFailed
from numbers.bulk_actions.base import (
    DONE,
    BulkAction,
    Instruction,
    Outcomes,
    words_of_price,
)
from numbers.bulk_actions.lock import Lock, Unlock
from numbers.bulk_actions.release import Release, ReleaseAtOnce
from numbers.bulk_actions.rent import AnnounceRent
from numbers.bulk_actions.undo import EndHold, MoveHold, Restore, UndoRelease
from numbers.inventory.availability import available_to
from numbers.inventory.pricing import move_price, set_capabilities
from numbers.inventory.reservations import reserve
from numbers.models import NumberEvent, PhoneNumber
from numbers.orders.place import InsufficientInventory, OrderRequest, place_order
from numbers.orders.purchase import Buyer
from numbers.ownership.release import end_quarantine, retire
from numbers.ownership.routing import Routing

Kind = NumberEvent.Kind

DAY_SECONDS = 86_400
_LOOKED_AT = 20_000  # numbers that a form's check reads


class EndQuarantine(BulkAction):
    name, label, doing = "end-quarantine", "End quarantine early", "ending quarantines"
    states = ("quarantined",)
    event_kind = Kind.QUARANTINE_ENDED

    def describe_effect(self, values: Mapping[str, Any]) -> str:
        return "can be sold again at once: calls for its last owner reach the next owner"

    def do(self, ids: Sequence[int], instruction: Instruction) -> Outcomes:
        ended = end_quarantine(number_ids=ids, actor=instruction.actor, reason=instruction.reason)
        return dict.fromkeys(ids, "unchanged: it is not in quarantine") | dict.fromkeys(ended, DONE)


class Retire(BulkAction):
    name, label, doing = "retire", "Retire", "retiring"
    states = ("available", "held", "quarantined")
    event_kind = Kind.RETIRED

    def describe_effect(self, values: Mapping[str, Any]) -> str:
        return "leaves the stock until it is returned to it, and a hold on it ends"

    def do(self, ids: Sequence[int], instruction: Instruction) -> Outcomes:
        retired = set(retire(number_ids=ids, actor=instruction.actor, reason=instruction.reason))
        others = PhoneNumber.objects.filter(pk__in=[one for one in ids if one not in retired])
        sold = set(others.filter(status="assigned").values_list("pk", flat=True))
        outcomes = dict.fromkeys(ids, "unchanged: it is already retired")
        return (
            outcomes
            | dict.fromkeys(sold, "refused: release it first")
            | dict.fromkeys(retired, DONE)
        )


class MovePrice(BulkAction):
    name, label, doing = "price", "Change price", "changing prices"
    states = ("available", "held", "assigned", "quarantined", "retired")
    event_kind = Kind.PRICED

    def describe_effect(self, values: Mapping[str, Any]) -> str:
        return f"costs {money(values['price'], settings.CURRENCY)} from its next sale on"

    def do(self, ids: Sequence[int], instruction: Instruction) -> Outcomes:
        price = Decimal(instruction.values["price"])
        moved = move_price(
            number_ids=ids, price=price, actor=instruction.actor, reason=instruction.reason
        )
        return dict.fromkeys(ids, "unchanged: it already costs that") | dict.fromkeys(moved, DONE)


class MoveMonthlyPrice(BulkAction):
    name, label, doing = "monthly-price", "Change monthly price", "changing monthly prices"
    states = MovePrice.states
    event_kind = Kind.PRICED

    def describe_effect(self, values: Mapping[str, Any]) -> str:
        price = values["monthly_price"]
        return (
            f"costs {money(price, settings.CURRENCY)} each month from its next sale on; "
            "an owner keeps the price of the sale"
        )

    def do(self, ids: Sequence[int], instruction: Instruction) -> Outcomes:
        moved = move_price(
            number_ids=ids,
            monthly_price=Decimal(instruction.values["monthly_price"]),
            actor=instruction.actor,
            reason=instruction.reason,
        )
        return dict.fromkeys(ids, "unchanged: it already costs that") | dict.fromkeys(moved, DONE)


class SetCapabilities(BulkAction):
    name, label, doing = "capabilities", "SMS and MMS", "switching SMS and MMS"
    states = MovePrice.states
    event_kind = Kind.CHANGED

    def describe_effect(self, values: Mapping[str, Any]) -> str:
        switched = {"SMS": values["sms_enabled"], "MMS": values["mms_enabled"]}
        changes = [
            f"{name} {'on' if on else 'off'}" for name, on in switched.items() if on is not None
        ]
        return (
            f"has {' and '.join(changes)}" if changes else "stays as it is: switch one of the two"
        )

    def do(self, ids: Sequence[int], instruction: Instruction) -> Outcomes:
        switch = {name: instruction.values[name] for name in ("sms_enabled", "mms_enabled")}
        changed = set_capabilities(
            number_ids=ids, actor=instruction.actor, reason=instruction.reason, **switch
        )
        return dict.fromkeys(ids, "unchanged: it is already so") | dict.fromkeys(changed, DONE)


class OrganizationAction(BulkAction):
    """An action that assigns or holds the available numbers of a batch, all at once."""

    states = ("available", "held")
    provisos = {"held": "if the hold is this organization's"}

    def check(self, ids: Sequence[int], values: Mapping[str, Any]) -> None:
        organization = Organization.objects.get(pk=values["organization_id"])
        if problem := _why_no_buyer(organization):
            raise ValidationFailed(details={"organization": problem})
        if ids and not _any_is(ids, sandbox=organization.is_sandbox):
            mine, others = ("sandbox", "live") if organization.is_sandbox else ("live", "sandbox")
            these, numbers = (
                ("this is a", "number") if len(ids) == 1 else ("all of these are", "numbers")
            )
            raise ValidationFailed(
                details={
                    "organization": f"{organization} is a {mine} organization, and {these} "
                    f"{others} {numbers}: choose a {others} organization"
                }
            )

    def do(self, ids: Sequence[int], instruction: Instruction) -> Outcomes:
        buyer = buyer_for(instruction.values["organization_id"], instruction)
        if isinstance(buyer, str):
            return dict.fromkeys(ids, f"refused: {buyer}")
        # The called function checks again under its lock.
        is_free = available_to(buyer.organization_id, sandbox=buyer.is_sandbox)
        rows = PhoneNumber.objects.filter(is_free, pk__in=ids)
        free = dict(rows.values_list("number", "pk"))
        outcomes = dict.fromkeys(ids, "refused: it is not available to this organization")
        while free:
            try:
                self.give(sorted(free), buyer, instruction)
            except InsufficientInventory as taken:  # since they were read
                for number in (taken.data or {})["unavailable"]:
                    del free[number]
            except ApiError as refusal:
                return outcomes | dict.fromkeys(free.values(), f"refused: {_words(refusal)}")
            else:
                return outcomes | dict.fromkeys(free.values(), DONE)
        return outcomes

    @abstractmethod
    def give(self, numbers: list[str], buyer: Buyer, instruction: Instruction) -> None:
        """Give all numbers to the buyer, or none. Raise ApiError if it is refused."""


class Hold(OrganizationAction):
    name, label, doing = "hold", "Hold for an organization", "holding"
    event_kind = Kind.HELD

    def describe_effect(self, values: Mapping[str, Any]) -> str:
        name = Organization.objects.get(pk=values["organization_id"])
        return f"can be ordered by {name} only, for {counted(int(values['days']), 'day')}"

    def give(self, numbers: list[str], buyer: Buyer, instruction: Instruction) -> None:
        seconds = int(instruction.values["days"]) * DAY_SECONDS
        reserve(numbers, ttl_seconds=seconds, buyer=buyer, reason=instruction.reason)


class Assign(OrganizationAction):
    name, label, doing = "assign", "Assign to an organization", "assigning"
    permission = "numbers.add_order"
    event_kind = Kind.ASSIGNED
    batch = 1_000  # the largest order

    def check(self, ids: Sequence[int], values: Mapping[str, Any]) -> None:
        super().check(ids, values)
        if campaign_id := values.get("campaign_id"):
            _require_campaign(campaign_id, organization_id=values["organization_id"])

    def describe_effect(self, values: Mapping[str, Any]) -> str:
        name = Organization.objects.get(pk=values["organization_id"])
        return f"is ordered for {name} and charged to its credit, in orders of up to {self.batch:,}"

    def describe_number(self, number: PhoneNumber) -> str:
        return f"That charges {words_of_price(number)}."

    def give(self, numbers: list[str], buyer: Buyer, instruction: Instruction) -> None:
        campaign = instruction.values.get("campaign_id")
        routing = Routing(campaign_id=UUID(campaign) if campaign else None)
        place_order(OrderRequest(numbers, routing), buyer=buyer)


def buyer_for(organization_id: str, instruction: Instruction) -> Buyer | str:
    """Return the organization as a buyer, or a phrase why it cannot be one now."""
    organization = Organization.objects.get(pk=organization_id)
    return _why_no_buyer(organization) or Buyer(
        organization.pk, organization.is_sandbox, instruction.actor, reason=instruction.reason
    )


def _why_no_buyer(organization: Organization) -> str:
    is_active = organization.status == Organization.Status.ACTIVE
    return "" if is_active else f"{organization} is suspended"


def _any_is(ids: Sequence[int], *, sandbox: bool) -> bool:
    """Return whether a number is of this inventory. Of many only the first are looked at."""
    first = list(ids[:_LOOKED_AT])
    is_all = len(ids) == len(first)  # the job reports the others
    return not is_all or PhoneNumber.objects.filter(pk__in=first, sandbox=sandbox).exists()


def _require_campaign(campaign_id: str, *, organization_id: str) -> None:
    campaign = (
        Campaign.objects.of(UUID(organization_id))
        .select_related("brand")
        .filter(pk=campaign_id)
        .first()
    )
    if campaign is None:
        raise ValidationFailed(
            details={"campaign": "was not found among the campaigns of this organization"}
        )
    if problem := problem_with(campaign):
        raise ValidationFailed(details={"campaign": problem})


def _words(refusal: ApiError) -> str:
    data = refusal.data or {}
    if "shortfall" in data:
        return f"{refusal.message}, short of {money(data['shortfall'], data['currency'])}"
    return (
        "; ".join(f"{field} {sentence}" for field, sentence in (refusal.details or {}).items())
        or refusal.message
    )


BULK_ACTIONS: dict[str, BulkAction] = {
    action.name: action
    for action in (
        *(
            Release(),
            ReleaseAtOnce(),
            UndoRelease(),
            Lock(),
            Unlock(),
            EndQuarantine(),
            Retire(),
            Restore(),
        ),
        *(
            Hold(),
            MoveHold(),
            EndHold(),
            Assign(),
            MovePrice(),
            MoveMonthlyPrice(),
            AnnounceRent(),
            SetCapabilities(),
        ),
    )
}
