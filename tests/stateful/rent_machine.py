"""Rent against a small model: sales, releases, undo, locks, ends, notices, payments, renewals, stock.

The model predicts who owns what, each balance and each charged month. Dates are read from the
sales; where months begin is reckoned in Python, apart from SQL.
"""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from numbers.credit.ledger import top_up
from numbers.models import Assignment, CreditAccount, RentCharge
from numbers.ownership.release import end_quarantine, retire
from numbers.rent.notice import announce_price
from numbers.rent.run import renew_numbers
from tests.stateful.machine import TABLES
from tests.support import db_assertions, factories
from tests.support.api_client import Api
from tests.support.time_travel import let_pass

STEPS = 40
WHO = st.sampled_from(["A", "B"])
WHICH = st.integers(0, 20)
PRICES = [Decimal("1.00"), Decimal("2.50"), Decimal("0.25"), Decimal("4.00")]
SUSPEND, RELEASE, UNDO = timedelta(days=7), timedelta(days=30), timedelta(days=14)


def month_start(anchor: datetime, period: int) -> datetime:
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + period, 12)
    day = min(anchor.day, monthrange(year, month + 1)[1])
    return anchor.replace(year=year, month=month + 1, day=day)


@dataclass
class Rented:
    """One sale. Times are in time since the beginning; months are reckoned from the row's anchor."""

    id: UUID
    owner: str
    price: Decimal
    period: int = 1
    past_due: timedelta | None = None
    suspended: bool = False
    ends: bool = False
    locked: bool = False
    released: timedelta | None = None
    lost: bool = False
    notice: tuple[Decimal, timedelta] | None = None

    def anchor(self) -> datetime:
        at: datetime = Assignment.objects.values_list("created_at", flat=True).get(pk=self.id)
        return at.astimezone(UTC)

    def due_at(self) -> datetime:
        return month_start(self.anchor(), self.period)

    def is_due(self) -> bool:
        return self.due_at() <= timezone.now()


class RentService(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {TABLES} CASCADE")
            cursor.execute(
                "DELETE FROM campaigns_outboxentry"
                " WHERE type ~ '^(order|bulk_order|phone_number|credit)'"
            )
        self.now, self.sold, self.stocked = timedelta(), list[Rented](), 0
        self.credit = {"A": Decimal("12.00"), "B": Decimal("6.00")}
        self.organization = {
            who: factories.organization(who, credit=str(credit))
            for who, credit in self.credit.items()
        }
        self.api = {who: Api(factories.key(one)) for who, one in self.organization.items()}

    # --- what customers do --------------------------------------------------------------------

    @rule(who=WHO, price=st.sampled_from(PRICES))
    def buy(self, who: str, price: Decimal) -> None:
        (number,) = factories.stock(
            *factories.line(self.stocked), price="0.50", monthly_price=str(price)
        )
        self.stocked += 1
        answer = self.api[who].order([number])
        total = Decimal("0.50") + price
        assert (answer.status_code == 200) is (total <= self.credit[who])
        if answer.status_code == 200:
            self.credit[who] -= total
            self.sold.append(Rented(UUID(answer.json()["data"][0]["id"]), who, price))

    @rule(which=WHICH)
    def release(self, which: int) -> None:
        if one := self._owned(which):
            answer = self.api[one.owner].request("DELETE", f"/v1/phone-numbers/{one.id}")
            assert (answer.status_code == 200) is (not one.locked)
            if not one.locked:
                one.released = self.now

    @rule(which=WHICH)
    def undo(self, which: int) -> None:
        gone = [one for one in self.sold if one.released is not None]
        if gone:
            one = gone[which % len(gone)]
            path = f"/v1/phone-numbers/{one.id}/undo-release"
            answer = self.api[one.owner].post(path, b"")
            possible = not one.lost and self.now < (one.released or self.now) + UNDO
            overdue = one.past_due is not None and self.now - one.past_due >= RELEASE
            if possible and overdue and self._owed(one) > self.credit[one.owner]:
                assert answer.status_code == 402
                return
            assert (answer.status_code == 200) is possible
            if possible:
                one.released = None
                one.ends = one.ends and not one.is_due()
                while overdue and one.is_due():
                    self._charge(one)

    @rule(which=WHICH, locked=st.booleans())
    def lock(self, which: int, locked: bool) -> None:
        if one := self._owned(which):
            path = f"/v1/phone-numbers/{one.id}/lock"
            self.api[one.owner].request("PUT" if locked else "DELETE", path)
            one.locked = locked
            one.ends = one.ends and not locked

    @rule(which=WHICH, ends=st.booleans())
    def end_with_its_period(self, which: int, ends: bool) -> None:
        if one := self._owned(which):
            path = f"/v1/phone-numbers/{one.id}/billing"
            answer = self.api[one.owner].request("PATCH", path, {"release_at_period_end": ends})
            refused = ends and one.locked
            assert (answer.status_code == 409) is refused
            if not refused:
                one.ends = ends

    # --- what operators and time do -------------------------------------------------------------

    @rule(who=WHO, amount=st.integers(1, 6))
    def pay(self, who: str, amount: int) -> None:
        organization_id = self.organization[who].pk
        top_up(
            organization_id=organization_id,
            amount=Decimal(amount),
            note="more",
            actor=factories.actor(),
        )
        self.credit[who] += amount
        if any(one.past_due is not None for one in self._of(who)):
            self._renew(who)

    @rule(which=WHICH, change=st.sampled_from([end_quarantine, retire]))
    def take_back(self, which: int, change: Callable[..., list[int]]) -> None:
        """End the quarantine of a released number early, or retire it: no undo after that."""
        gone = [one for one in self.sold if one.released is not None]
        if gone:
            one = gone[which % len(gone)]
            ids = Assignment.objects.filter(pk=one.id).values_list("number_id", flat=True)
            change(number_ids=list(ids), actor=factories.actor(), reason="needed")
            one.lost = True

    @rule(which=WHICH, price=st.sampled_from(PRICES), days=st.integers(1, 60))
    def announce(self, which: int, price: Decimal, days: int) -> None:
        if one := self._owned(which):
            changed = announce_price(
                [one.id],
                organization_id=self.organization[one.owner].pk,
                monthly_price=price,
                begin=timezone.now() + timedelta(days=days),
                actor=factories.actor(),
                reason="as announced",
            )
            assert bool(changed) is (one.notice is not None or price != one.price)
            if changed:
                one.notice = (price, self.now + timedelta(days=days))

    @rule(days=st.sampled_from([1, 8, 20, 32, 45]))
    def time_passes(self, days: int) -> None:
        let_pass(timedelta(days=days))
        self.now += timedelta(days=days)

    @rule()
    def run_of_the_worker(self) -> None:
        for one in self.sold:
            if one.released is None and one.ends and one.is_due():
                one.released = self.now
        for who in self.credit:
            if any(self._is_tried(one) for one in self._of(who)):
                self._renew(who)
        for one in self.sold:
            if one.released is None and one.past_due is not None:
                overdue = self.now - one.past_due
                one.suspended = one.suspended or overdue >= SUSPEND
                if overdue >= RELEASE:
                    one.released, one.locked, one.ends = self.now, False, one.ends
        assert renew_numbers().failed == []

    def _renew(self, who: str) -> None:
        """Oldest first, as far as credit goes; what it does not cover is past due."""
        tried: set[tuple[UUID, int]] = set()
        while due := [
            one
            for one in self._of(who)
            if self._is_tried(one) and (one.id, one.period) not in tried
        ]:
            one = min(due, key=lambda one: (one.due_at(), one.id))
            tried.add((one.id, one.period))
            price = self._price_of(one)
            if price > self.credit[who]:
                one.past_due = self.now if one.past_due is None else one.past_due
                continue
            self._charge(one)

    def _charge(self, one: Rented) -> None:
        price = self._price_of(one)
        self.credit[one.owner] -= price
        if price != one.price or (one.notice and self._is_announced(one)):
            one.price, one.notice = price, None
        one.period += 1
        if not one.is_due():
            one.past_due, one.suspended = None, False

    def _owed(self, one: Rented) -> Decimal:
        """Return what the months that have begun cost, each at its price."""
        owed, later = Decimal(0), replace(one)
        while later.is_due():
            price = self._price_of(later)
            owed += price
            if later.notice and self._is_announced(later):
                later.price, later.notice = price, None
            later.period += 1
        return owed

    def _is_tried(self, one: Rented) -> bool:
        return one.is_due() and not one.ends

    def _price_of(self, one: Rented) -> Decimal:
        return one.notice[0] if one.notice and self._is_announced(one) else one.price

    def _is_announced(self, one: Rented) -> bool:
        assert one.notice
        begin = timezone.now() + (one.notice[1] - self.now)
        return begin <= one.due_at()

    def _of(self, who: str) -> list[Rented]:
        return [one for one in self.sold if one.owner == who and one.released is None]

    def _owned(self, which: int) -> Rented | None:
        owned = [one for one in self.sold if one.released is None]
        return owned[which % len(owned)] if owned else None

    # --- what must hold -------------------------------------------------------------------------

    @invariant()
    def database_is_what_the_model_says(self) -> None:
        if not hasattr(self, "sold"):
            return
        owned = set(Assignment.objects.filter(ended_at=None).values_list("id", flat=True))
        assert owned == {one.id for one in self.sold if one.released is None}
        balances = dict(CreditAccount.objects.values_list("organization__name", "balance"))
        assert balances == self.credit
        for one in self.sold:
            charges = RentCharge.objects.filter(assignment_id=one.id).order_by("period")
            assert list(charges.values_list("period", flat=True)) == list(range(1, one.period))
            if one.released is None:
                assert self._shown(one) == (one.suspended, one.past_due is not None)

    def _shown(self, one: Rented) -> tuple[bool, bool]:
        data: dict[str, Any] = self.api[one.owner].get(f"/v1/phone-numbers/{one.id}/billing").json()
        state = data["data"]["state"]
        return state == "suspended", state in ("suspended", "past_due")

    def teardown(self) -> None:
        if hasattr(self, "sold"):
            renew_numbers()
            db_assertions.assert_in_order()
