"""What operators do to numbers, one or a hundred thousand: each a call of the function that the API uses.

A deed is done to a batch at a time and says of each number what came of it: ``done``, ``unchanged: why``
or ``refused: why``. It is safe to do again over numbers that it has been done to.
"""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from campaigns.models import Organization
from config.actors import Actor
from config.errors import ApiError
from numbers.inventory.pricing import move_price, set_capabilities
from numbers.inventory.reservations import reserve
from numbers.models import Assignment, NumberEvent, PhoneNumber
from numbers.orders.place import InsufficientInventory, OrderRequest, place_order
from numbers.orders.purchase import Buyer
from numbers.ownership.release import end_quarantine, release_many, retire
from numbers.ownership.routing import Routing

Outcomes = dict[int, str]
Kind = NumberEvent.Kind

DONE = "done"
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Order:
    """Who does it, why, and with what: the deed's parameters as JSON keeps them."""

    actor: Actor
    reason: str
    values: Mapping[str, Any]


class Deed(ABC):
    """``states``: numbers in other states stay as they are. ``tells``: the event that ends it for a number."""

    name: ClassVar[str]
    label: ClassVar[str]
    doing: ClassVar[str]
    permission: ClassVar[str] = "numbers.change_phonenumber"
    states: ClassVar[tuple[str, ...]]
    tells: ClassVar[str]
    batch: ClassVar[int] = 200

    @abstractmethod
    def do(self, ids: Sequence[int], order: Order) -> Outcomes:
        """What came of each number."""

    @abstractmethod
    def foretell(self, values: Mapping[str, Any]) -> str:
        """What will happen to a number in one of the ``states``, in words."""

    def do_again(self, ids: Sequence[int], order: Order) -> Outcomes:
        """Do it where an earlier try may have broken off: what its request has done already is done."""
        told = NumberEvent.objects.filter(number_id__in=ids, request_id=order.actor.request_id, kind=self.tells)
        done = dict.fromkeys(told.values_list("number_id", flat=True), DONE)
        rest = [number_id for number_id in ids if number_id not in done]
        return done | (self.do(rest, order) if rest else {})


class Release(Deed):
    name, label, doing = "release", "Release", "releasing"
    states = ("assigned",)
    tells = Kind.RELEASED

    def foretell(self, values: Mapping[str, Any]) -> str:
        return (
            "leaves its organization at once, its routing is cleared, "
            f"and it rests for {settings.NUMBER_QUARANTINE_DAYS} days"
        )

    def do(self, ids: Sequence[int], order: Order) -> Outcomes:
        owned: dict[UUID, dict[UUID, int]] = defaultdict(dict)
        for assignment in Assignment.objects.filter(number_id__in=ids, ended_at__isnull=True):
            owned[assignment.organization_id][assignment.pk] = assignment.number_id
        outcomes = dict.fromkeys(ids, "unchanged: nobody has it")
        for organization_id, numbers in owned.items():
            result = release_many(
                assignment_ids=list(numbers), organization_id=organization_id, actor=order.actor, reason=order.reason
            )
            outcomes.update({numbers[assignment_id]: DONE for assignment_id in result.released})
        return outcomes


class ReleaseAtOnce(Release):
    """Release, and end the quarantine that the release began."""

    name, label = "release-at-once", "Release without quarantine"
    tells = Kind.QUARANTINE_ENDED

    def foretell(self, values: Mapping[str, Any]) -> str:
        return "leaves its organization, its routing is cleared, and it can be sold again at once"

    def do(self, ids: Sequence[int], order: Order) -> Outcomes:
        outcomes = super().do(ids, order)
        # Of this request: also those that an earlier try has released and no more.
        released = NumberEvent.objects.filter(
            number_id__in=ids, request_id=order.actor.request_id, kind=Kind.RELEASED
        ).values_list("number_id", flat=True)
        ended = end_quarantine(number_ids=list(released), actor=order.actor, reason=order.reason)
        return outcomes | dict.fromkeys(ended, DONE)


class EndQuarantine(Deed):
    name, label, doing = "end-quarantine", "End quarantine early", "ending quarantines"
    states = ("quarantined",)
    tells = Kind.QUARANTINE_ENDED

    def foretell(self, values: Mapping[str, Any]) -> str:
        return "can be sold again at once: calls for its last owner reach the next one"

    def do(self, ids: Sequence[int], order: Order) -> Outcomes:
        ended = end_quarantine(number_ids=ids, actor=order.actor, reason=order.reason)
        return dict.fromkeys(ids, "unchanged: it is not in quarantine") | dict.fromkeys(ended, DONE)


class Retire(Deed):
    name, label, doing = "retire", "Retire", "retiring"
    states = ("available", "held", "quarantined")
    tells = Kind.RETIRED

    def foretell(self, values: Mapping[str, Any]) -> str:
        return "leaves the stock for good, and a hold on it ends"

    def do(self, ids: Sequence[int], order: Order) -> Outcomes:
        retired = set(retire(number_ids=ids, actor=order.actor, reason=order.reason))
        others = PhoneNumber.objects.filter(pk__in=[one for one in ids if one not in retired])
        sold = set(others.filter(status="assigned").values_list("pk", flat=True))
        outcomes = dict.fromkeys(ids, "unchanged: it is retired already")
        return outcomes | dict.fromkeys(sold, "refused: release it first") | dict.fromkeys(retired, DONE)


class MovePrice(Deed):
    name, label, doing = "price", "Move price", "moving prices"
    states = ("available", "held", "assigned", "quarantined", "retired")
    tells = Kind.PRICED

    def foretell(self, values: Mapping[str, Any]) -> str:
        return f"costs {values['price']} {settings.CURRENCY} from its next sale on"

    def do(self, ids: Sequence[int], order: Order) -> Outcomes:
        moved = move_price(number_ids=ids, price=Decimal(order.values["price"]), actor=order.actor, reason=order.reason)
        return dict.fromkeys(ids, "unchanged: it costs that already") | dict.fromkeys(moved, DONE)


class SetCapabilities(Deed):
    name, label, doing = "capabilities", "SMS and MMS", "switching SMS and MMS"
    states = MovePrice.states
    tells = Kind.CHANGED

    def foretell(self, values: Mapping[str, Any]) -> str:
        switched = {"SMS": values["sms_enabled"], "MMS": values["mms_enabled"]}
        told = [f"{name} {'on' if on else 'off'}" for name, on in switched.items() if on is not None]
        return f"has {' and '.join(told)}" if told else "stays as it is: switch one of the two"

    def do(self, ids: Sequence[int], order: Order) -> Outcomes:
        switch = {name: order.values[name] for name in ("sms_enabled", "mms_enabled")}
        changed = set_capabilities(number_ids=ids, actor=order.actor, reason=order.reason, **switch)
        return dict.fromkeys(ids, "unchanged: it is so already") | dict.fromkeys(changed, DONE)


class ForOrganization(Deed):
    """Deeds that give available numbers to an organization; all of a batch that can be had, at once."""

    states = ("available", "held")

    def do(self, ids: Sequence[int], order: Order) -> Outcomes:
        buyer = buyer_for(order.values["organization_id"], order)
        if isinstance(buyer, str):
            return dict.fromkeys(ids, f"refused: {buyer}")
        rows = PhoneNumber.objects.filter(_free_for(buyer), pk__in=ids)
        free = dict(rows.values_list("number", "pk"))
        outcomes = dict.fromkeys(ids, "refused: it is not available to this organization")
        while free:
            try:
                self.give(sorted(free), buyer, order)
            except InsufficientInventory as taken:  # meanwhile
                for number in (taken.data or {})["unavailable"]:
                    del free[number]
            except ApiError as refusal:
                return outcomes | dict.fromkeys(free.values(), f"refused: {_words(refusal)}")
            else:
                return outcomes | dict.fromkeys(free.values(), DONE)
        return outcomes

    @abstractmethod
    def give(self, numbers: list[str], buyer: Buyer, order: Order) -> None:
        """All of them or none. Raises ApiError."""


class Hold(ForOrganization):
    name, label, doing = "hold", "Hold for an organization", "holding"
    tells = Kind.HELD

    def foretell(self, values: Mapping[str, Any]) -> str:
        name = Organization.objects.get(pk=values["organization_id"])
        return f"can be ordered by {name} only, for {values['days']} days"

    def give(self, numbers: list[str], buyer: Buyer, order: Order) -> None:
        seconds = int(order.values["days"]) * DAY_SECONDS
        reserve(numbers, ttl_seconds=seconds, buyer=buyer, reason=order.reason)


class Assign(ForOrganization):
    name, label, doing = "assign", "Assign to an organization", "assigning"
    permission = "numbers.add_order"
    tells = Kind.ASSIGNED
    batch = 1_000  # what one order can hold

    def foretell(self, values: Mapping[str, Any]) -> str:
        name = Organization.objects.get(pk=values["organization_id"])
        return f"is ordered for {name} and charged to its credit, in orders of up to {self.batch:,}"

    def give(self, numbers: list[str], buyer: Buyer, order: Order) -> None:
        campaign = order.values.get("campaign_id")
        routing = Routing(campaign_id=UUID(campaign) if campaign else None)
        place_order(OrderRequest(numbers, routing), buyer=buyer)


def buyer_for(organization_id: str, order: Order) -> Buyer | str:
    """The organization as a buyer; or why it can't be one now."""
    organization = Organization.objects.get(pk=organization_id)
    if organization.status != Organization.Status.ACTIVE:
        return f"{organization} is suspended"
    return Buyer(organization.pk, organization.is_sandbox, order.actor, reason=order.reason)


def _free_for(buyer: Buyer) -> Q:
    """As numbers.inventory.availability has it, without a lock: the function behind looks again."""
    no_hold = Q(held_until__isnull=True) | Q(held_until__lte=Now()) | Q(held_for=buyer.organization_id)
    rested = Q(status="quarantined", quarantined_until__lte=Now())
    return Q(sandbox=buyer.is_sandbox) & (Q(status="available") & no_hold | rested)


def _words(refusal: ApiError) -> str:
    data = refusal.data or {}
    if "shortfall" in data:
        return f"{refusal.message}, short of {data['shortfall']} {data['currency']}"
    return "; ".join(f"{field} {sentence}" for field, sentence in (refusal.details or {}).items()) or refusal.message


DEEDS: dict[str, Deed] = {
    deed.name: deed
    for deed in (
        *(Release(), ReleaseAtOnce(), EndQuarantine(), Retire()),
        *(Hold(), Assign(), MovePrice(), SetCapabilities()),
    )
}
