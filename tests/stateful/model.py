"""The whole desk as a few dictionaries: the expected state after each step, without a database."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

QUARANTINE = timedelta(days=45)
UNDO = timedelta(days=14)
PRICE = Decimal("1.00")


@dataclass
class NumberState:
    """``until`` is when the quarantine or the hold ends, in time since the beginning."""

    status: str = "available"
    owner: str | None = None
    held_by: str | None = None
    until: timedelta = timedelta()
    # Of a number in quarantine: who released it, when.
    last_owner: str | None = None
    since: timedelta = timedelta()
    locked: bool = False


@dataclass
class Pending:
    organization: str
    area_code: str
    quantity: int
    with_campaign: bool
    status: str = "pending"
    reason: str = ""


@dataclass
class Desk:
    """Every rule of the contract that numbers, holds, orders and credit obey, the slow and obvious way."""

    now: timedelta = timedelta()
    numbers: dict[str, NumberState] = field(default_factory=dict)
    credit: dict[str, Decimal] = field(default_factory=dict)
    # What an organization's key may spend in total, and what it has spent.
    limits: dict[str, Decimal | None] = field(default_factory=dict)
    spent: dict[str, Decimal] = field(default_factory=dict)
    campaigns: dict[str, str] = field(default_factory=dict)
    orders: dict[str, Pending] = field(default_factory=dict)

    def available(self, organization: str | None, area_code: str = "") -> set[str]:
        """What ``organization`` could order now; with None, what a search may show."""
        return {
            number
            for number, state in self.numbers.items()
            if number.startswith(f"+1{area_code}") and self._is_available(state, organization)
        }

    def _is_available(self, state: NumberState, organization: str | None) -> bool:
        if state.status == "quarantined":
            return state.until <= self.now
        if state.status != "available":
            return False
        return state.held_by is None or state.until <= self.now or state.held_by == organization

    def owned(self, organization: str) -> set[str]:
        return {number for number, state in self.numbers.items() if state.owner == organization}

    def held(self, organization: str) -> set[str]:
        return {
            number
            for number, state in self.numbers.items()
            if state.held_by == organization
            and state.status == "available"
            and state.until > self.now
        }

    def refusal(self, organization: str, numbers: list[str], *, with_campaign: bool) -> str | None:
        """The code with which an order of these is refused, None where it goes through."""
        if with_campaign and self.campaigns[organization] != "ACTIVE":
            return "CAMPAIGN_NOT_ACTIVE"
        if set(numbers) - self.available(organization):
            return "INSUFFICIENT_INVENTORY"
        if self._is_beyond_the_limit(organization, len(numbers)):
            return "SPENDING_LIMIT_EXCEEDED"
        if PRICE * len(numbers) > self.credit[organization]:
            return "INSUFFICIENT_CREDIT"
        return None

    def _is_beyond_the_limit(self, organization: str, count: int) -> bool:
        limit = self.limits[organization]
        left = None if limit is None else max(Decimal(0), limit - self.spent[organization])
        return left is not None and PRICE * count > left

    def assign(self, organization: str, numbers: set[str]) -> None:
        assert numbers <= self.available(organization), (
            "numbers were assigned that were not available"
        )
        for number in numbers:
            self.numbers[number] = NumberState("assigned", owner=organization)
        self.credit[organization] -= PRICE * len(numbers)
        self.spent[organization] += PRICE * len(numbers)

    def hold(self, organization: str, numbers: list[str], ttl: timedelta) -> None:
        for number in numbers:
            self.numbers[number] = NumberState(
                "available", held_by=organization, until=self.now + ttl
            )

    def release_hold(self, numbers: list[str]) -> None:
        for number in numbers:
            self.numbers[number] = NumberState()

    def lock(self, number: str, *, locked: bool) -> None:
        self.numbers[number] = replace(self.numbers[number], locked=locked)

    def release(self, number: str) -> bool:
        """Release an owned number; give whether it was, which a lock prevents."""
        if self.numbers[number].locked:
            return False
        self.numbers[number] = NumberState(
            "quarantined",
            until=self.now + QUARANTINE,
            last_owner=self.numbers[number].owner,
            since=self.now,
        )
        return True

    def undo_release(self, organization: str, number: str) -> str | None:
        """Undo the release of a number that the organization once owned; gives the code of a refusal."""
        state = self.numbers[number]
        if state.owner == organization:
            return None
        if (state.status, state.last_owner) != ("quarantined", organization):
            return "UNDO_EXPIRED or NUMBER_NOT_AVAILABLE"
        if self.now >= state.since + UNDO:
            return "UNDO_EXPIRED"
        self.numbers[number] = NumberState("assigned", owner=organization)
        return None

    def next_step_of(self, order: Pending, *, is_new: bool = False) -> str:
        """What trying to fill an order comes to: a status, or a reason to fail."""
        if order.with_campaign and self.campaigns[order.organization] != "ACTIVE":
            return "CAMPAIGN_NOT_ACTIVE"
        if len(self.available(order.organization, order.area_code)) < order.quantity:
            return "pending"
        if self._is_beyond_the_limit(order.organization, order.quantity):
            return "SPENDING_LIMIT_EXCEEDED" if is_new else "pending"
        if PRICE * order.quantity > self.credit[order.organization]:
            return "INSUFFICIENT_CREDIT"
        return "complete"
