"""The whole service against a small model in memory: thousands of random steps.

Hypothesis chooses the steps and, where the two disagree, finds the shortest way there. The model
predicts every answer; after each step the database must be what the model says, and at the end of
each run ``verify_inventory``'s proofs must hold.
"""

import io
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from apikeys.lifecycle import change_key, rotate_key
from apikeys.limits.spending_limits import SpendingLimit
from apikeys.models import ApiKey, KeyBudget
from campaigns.models import Campaign
from campaigns.registry.states import StatusConflict
from campaigns.review import approve_campaign, expire_campaign, reject_campaign
from config.errors import ValidationFailed
from numbers.credit.ledger import top_up
from numbers.imports.layout import Options
from numbers.imports.reader import Source
from numbers.imports.run import import_numbers
from numbers.models import Assignment, CreditAccount, Order
from numbers.orders.backorders import fill_pending_orders
from tests.stateful.model import PRICE, Desk, NumberState, Pending
from tests.support import db_assertions, factories
from tests.support.api_client import Api
from tests.support.time_travel import let_pass

STEPS = 80
WHO = st.sampled_from(["A", "B"])
AREAS = ["415", "212"]
FIRST_STOCK = 12
TABLES = (
    "numbers_phonenumber, numbers_assignment, numbers_numberevent, numbers_order, "
    "numbers_creditaccount, numbers_creditentry, numbers_reservation, numbers_idempotencyrecord, "
    "numbers_stockbatch, campaigns_event, campaigns_organization, apikeys_ratewindow"
)
picks = st.lists(st.integers(0, 40), min_size=1, max_size=4, unique=True)


class Service(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {TABLES} CASCADE")
            # Keys and campaigns keep their history, and so their events.
            cursor.execute(
                "DELETE FROM campaigns_outboxentry"
                " WHERE type ~ '^(order|bulk_order|phone_number|credit)'"
            )
        self.desk = Desk()
        self.api: dict[str, Api] = {}
        self.campaign: dict[str, Campaign] = {}
        self.organization: dict[str, Any] = {}
        self.answered: tuple[str, dict[str, Any], bytes, str] | None = None
        self.orders = 0
        for who in ("A", "B"):
            self.organization[who] = factories.organization(who, credit="12.00")
            self.api[who] = Api(factories.key(self.organization[who]))
            self.campaign[who] = factories.campaign(self.organization[who])
            self.desk.credit[who] = Decimal("12.00")
            self.desk.limits[who], self.desk.spent[who] = None, Decimal(0)
            self.desk.campaigns[who] = "ACTIVE"
        self._stock("415", FIRST_STOCK)
        self._stock("212", 3)

    # --- what customers do --------------------------------------------------------------------

    @rule(who=WHO, area=st.sampled_from(AREAS), quantity=st.integers(1, 20))
    def search(self, who: str, area: str, quantity: int) -> None:
        shown = self._post(who, "search", {"area_code": area, "quantity": quantity}).json()["data"]
        numbers = {one["number"] for one in shown}
        possible = self.desk.available(None, area)
        assert numbers <= possible
        assert len(numbers) == len(shown) == min(quantity, len(possible))

    @rule(who=WHO, pick=picks, with_campaign=st.booleans(), dry_run=st.booleans())
    def order(self, who: str, pick: list[int], with_campaign: bool, dry_run: bool) -> None:
        numbers = self._numbers(pick)
        body: dict[str, Any] = {"numbers": numbers}
        if with_campaign:
            body["campaign_id"] = str(self.campaign[who].pk)
        expected = self.desk.refusal(who, numbers, with_campaign=with_campaign)
        self.orders += 1
        key = f"order-{self.orders}"
        query = "?dry_run=true" if dry_run else ""
        answer = self._post(who, f"orders{query}", body, key=key)
        assert answer.json().get("error", {}).get("code") == expected
        if expected == "INSUFFICIENT_INVENTORY":
            self._check_refusal(who, numbers, answer.json()["data"])
        if expected is None and not dry_run:
            assert [one["number"] for one in answer.json()["data"]] == numbers
            self.desk.assign(who, set(numbers))
            self.answered = (who, body, answer.content, key)

    def _check_refusal(self, who: str, numbers: list[str], data: dict[str, Any]) -> None:
        available = self.desk.available(who)
        assert data["unavailable"] == [one for one in numbers if one not in available]
        assert data["already_yours"] == [one for one in numbers if one in self.desk.owned(who)]
        assert set(data["alternatives"].values()) <= available - set(numbers)

    @rule()
    def retry(self) -> None:
        # No precondition: whom the service gives which number is chance, and hypothesis must not
        # depend on it.
        if self.answered is None:
            return
        who, body, content, key = self.answered
        answer = self._post(who, "orders", body, key=key)
        assert (answer.content, answer["Idempotent-Replayed"]) == (content, "true")

    @rule(who=WHO, area=st.sampled_from(AREAS), more=st.integers(1, 4), with_campaign=st.booleans())
    def order_more_than_there_is(self, who: str, area: str, more: int, with_campaign: bool) -> None:
        """What waits, and for what, is where it gets interesting."""
        self._order_quantity(who, area, len(self.desk.available(who, area)) + more, with_campaign)

    @rule(
        who=WHO,
        area=st.sampled_from(AREAS),
        quantity=st.integers(1, 6),
        with_campaign=st.booleans(),
    )
    def order_quantity(self, who: str, area: str, quantity: int, with_campaign: bool) -> None:
        self._order_quantity(who, area, quantity, with_campaign)

    def _order_quantity(self, who: str, area: str, quantity: int, with_campaign: bool) -> None:
        order = Pending(who, area, quantity, with_campaign)
        body: dict[str, Any] = {
            "area_code": area,
            "quantity": quantity,
            "max_price_per_number": str(PRICE),
        }
        if with_campaign:
            body["campaign_id"] = str(self.campaign[who].pk)
        expected = self.desk.next_step_of(order, is_new=True)
        answer = self._post(who, "bulk", body).json()
        if expected in ("pending", "complete"):
            assert answer["data"]["status"] == expected
            self.desk.orders[answer["data"]["order_id"]] = order
            self._learn(answer["data"]["order_id"], expected)
        else:
            assert answer["error"]["code"] == expected

    @rule(who=WHO)
    def cancel_newest(self, who: str) -> None:
        pending = [
            key
            for key, one in self.desk.orders.items()
            if (one.organization, one.status) == (who, "pending")
        ]
        if pending:
            answer = self.api[who].request("DELETE", f"/v1/phone-numbers/bulk/{pending[-1]}")
            assert answer.json()["data"]["status"] == "cancelled"
            self.desk.orders[pending[-1]].status = "cancelled"

    @rule(who=WHO, pick=picks)
    def hold(self, who: str, pick: list[int]) -> None:
        numbers = self._numbers(pick)
        refused = bool(set(numbers) - self.desk.available(who))
        answer = self._post(who, "reservations", {"numbers": numbers, "ttl_seconds": 1800})
        assert answer.status_code == (409 if refused else 201)
        if not refused:
            self.desk.hold(who, numbers, timedelta(seconds=1800))

    @rule(who=WHO)
    def release_the_newest_hold(self, who: str) -> None:
        reservations = self.api[who].get("/v1/phone-numbers/reservations?limit=1").json()["data"]
        if reservations:
            answer = self.api[who].request(
                "DELETE", f"/v1/phone-numbers/reservations/{reservations[0]['id']}"
            )
            assert answer.status_code == 200
            self.desk.release_hold(reservations[0]["held_numbers"])
            if reservations[0]["status"] == "active":
                self._expect_filling()

    @rule(who=WHO, which=st.integers(0, 20))
    def release(self, who: str, which: int) -> None:
        owned = self.api[who].get("/v1/phone-numbers?limit=100").json()["data"]
        if owned:
            one = owned[which % len(owned)]
            answer = self.api[who].request("DELETE", f"/v1/phone-numbers/{one['id']}")
            assert (answer.status_code == 200) is self.desk.release(one["number"])

    @rule(who=WHO, most=st.integers(1, 4))
    def release_several(self, who: str, most: int) -> None:
        owned = self.api[who].get(f"/v1/phone-numbers?limit={most}").json()["data"]
        if owned:
            answer = self._post(who, "bulk/release", {"ids": [one["id"] for one in owned]}).json()[
                "data"
            ]
            released = [one["id"] for one in owned if self.desk.release(one["number"])]
            assert answer["released"] == released
            assert len(answer["released"]) + len(answer["locked"]) == len(owned)

    @rule(who=WHO, which=st.integers(0, 20), method=st.sampled_from(["PUT", "DELETE"]))
    def lock_or_unlock(self, who: str, which: int, method: str) -> None:
        owned = self.api[who].get("/v1/phone-numbers?limit=100").json()["data"]
        if owned:
            one = owned[which % len(owned)]
            path = f"/v1/phone-numbers/{one['id']}/lock"
            answer = self.api[who].request(method, path).json()["data"]
            self.desk.lock(one["number"], locked=method == "PUT")
            assert answer["locked"] is (method == "PUT")

    @rule(who=WHO, which=st.integers(0, 20))
    def undo_a_release(self, who: str, which: int) -> None:
        """Of any number that it ever owned, in whatever state that is now."""
        once = Assignment.objects.filter(organization__name=who).order_by("-id")
        owned = list(once.values_list("id", "number__number"))
        if not owned:
            return
        assignment_id, number = owned[which % len(owned)]
        path = f"/v1/phone-numbers/{assignment_id}/undo-release"
        latest = Assignment.objects.filter(number__number=number).latest("created_at").pk
        # A number that it has owned twice: the first time is over for good.
        expected = (
            self.desk.undo_release(who, number)
            if assignment_id == latest
            else "UNDO_EXPIRED or NUMBER_NOT_AVAILABLE"
        )
        code = self.api[who].post(path, b"").json().get("error", {}).get("code")
        assert (code is None) == (expected is None)
        assert code is None or code in str(expected)

    # --- what operators, commands and time do ---------------------------------------------------

    @rule(
        who=WHO,
        decision=st.sampled_from(
            [approve_campaign, approve_campaign, expire_campaign, reject_campaign]
        ),
    )
    def review_campaign(self, who: str, decision: Callable[..., Campaign]) -> None:
        try:
            campaign = decision(
                campaign_id=self.campaign[who].pk, actor=factories.actor(), reason="as it is"
            )
        except (ValidationFailed, StatusConflict):
            assert self.desk.campaigns[who] != "ACTIVE"
        else:
            self.desk.campaigns[who] = campaign.status

    @rule(who=WHO, amount=st.integers(1, 12))
    def top_up(self, who: str, amount: int) -> None:
        top_up(
            organization_id=self.organization[who].pk,
            amount=Decimal(amount),
            note="more",
            actor=factories.actor(),
        )
        self.desk.credit[who] += amount

    @rule(who=WHO, more=st.one_of(st.none(), st.integers(-2, 6)))
    def limit_the_key(self, who: str, more: int | None) -> None:
        """To so much more than it has spent, or not at all."""
        limit = None if more is None else max(Decimal(0), self.desk.spent[who] + more)
        key = ApiKey.objects.get(organization=self.organization[who])
        change_key(
            key_id=key.pk,
            organization_id=key.organization_id,
            changes={"spending_limit": None if limit is None else SpendingLimit(limit, "total")},
            actor=factories.actor(),
        )
        self.desk.limits[who] = limit
        self._expect_filling()

    @rule(area=st.sampled_from(AREAS), count=st.integers(1, 8))
    def add_stock(self, area: str, count: int) -> None:
        self._stock(area, count)
        self._expect_filling()

    @rule(area=st.sampled_from(AREAS), count=st.integers(1, 4))
    def import_a_file(self, area: str, count: int) -> None:
        """New numbers, one that is there already, and a line that is nonsense."""
        numbers = factories.line(self._next(area), count, area_code=area)
        lines = [
            "number,price",
            *(f"{number},{PRICE}" for number in [*numbers, next(iter(self.desk.numbers))]),
            "x,1",
        ]
        file = io.BytesIO("\n".join(lines).encode())
        done = import_numbers(Source(file, "stock.csv"), options=Options(), actor=factories.actor())
        assert (done.created, done.unchanged, done.rejected) == (count, 1, 1)
        self.desk.numbers |= {number: NumberState() for number in numbers}
        self._expect_filling()

    @rule(who=WHO)
    def rotate_the_key(self, who: str) -> None:
        key = ApiKey.objects.get(organization=self.organization[who])
        old = self.api[who]
        _, secret = rotate_key(
            key_id=key.pk, organization_id=key.organization_id, actor=factories.actor()
        )
        self.api[who] = Api(secret)
        assert old.get("/v1/phone-numbers").status_code == 401

    @rule(
        span=st.sampled_from(
            [timedelta(minutes=20), timedelta(hours=1), timedelta(days=44), timedelta(days=46)]
        )
    )
    def time_passes(self, span: timedelta) -> None:
        let_pass(span)
        self.desk.now += span
        if span > timedelta(hours=23):
            self.answered = None  # a key is honoured for 24 hours
        self._expect_filling()

    # --- what must hold -------------------------------------------------------------------------

    @invariant()
    def the_database_is_what_the_model_says(self) -> None:
        if not hasattr(self, "desk"):
            return
        owners = dict(
            Assignment.objects.filter(ended_at=None).values_list(
                "number__number", "organization__name"
            )
        )
        assert owners == {
            number: one.owner for number, one in self.desk.numbers.items() if one.owner
        }
        balances = dict(CreditAccount.objects.values_list("organization__name", "balance"))
        assert balances == self.desk.credit
        for budget in KeyBudget.objects.select_related("key__organization"):
            assert budget.spent == self.desk.spent[budget.key.organization.name]
        orders = Order.objects.filter(kind="quantity").values_list("id", "status")
        assert {str(key): status for key, status in orders} == {
            key: one.status for key, one in self.desk.orders.items()
        }

    def teardown(self) -> None:
        if hasattr(self, "desk"):
            db_assertions.assert_in_order()

    # --- how ------------------------------------------------------------------------------------

    def _post(self, who: str, path: str, body: dict[str, Any], *, key: str | None = None) -> Any:
        headers = {"Idempotency-Key": key} if key else None
        return self.api[who].post(f"/v1/phone-numbers/{path}", body, headers=headers)

    def _numbers(self, pick: list[int]) -> list[str]:
        universe = [*self.desk.numbers, "+19995550100"]
        return list(dict.fromkeys(universe[one % len(universe)] for one in pick))

    def _stock(self, area: str, count: int) -> None:
        for number in factories.stock(
            *factories.line(self._next(area), count, area_code=area), price=str(PRICE)
        ):
            self.desk.numbers[number] = NumberState()

    def _next(self, area: str) -> int:
        return sum(number.startswith(f"+1{area}") for number in self.desk.numbers)

    def _expect_filling(self) -> None:
        """Each pending order, oldest first, must have come to what the model says."""
        fill_pending_orders()
        for order_id, order in self.desk.orders.items():
            if order.status != "pending":
                continue
            expected = self.desk.next_step_of(order)
            if expected not in ("pending", "complete"):
                order.status, order.reason = "failed", expected
                assert Order.objects.get(pk=order_id).failure_reason == expected
            else:
                self._learn(order_id, expected)

    def _learn(self, order_id: str, status: str) -> None:
        order = self.desk.orders[order_id]
        order.status = status
        if status == "complete":
            assigned = Assignment.objects.filter(order_id=order_id).values_list(
                "number__number", flat=True
            )
            assert len(assigned) == order.quantity
            self.desk.assign(order.organization, set(assigned))


def taking(*steps: str) -> type[Service]:
    """Return the machine that takes these steps only."""
    kept = {"begin", "the_database_is_what_the_model_says", "teardown", *steps}
    assert kept <= vars(Service).keys()
    others = {name for name in vars(Service) if not name.startswith("_")} - kept
    return type("Taking", (Service,), dict.fromkeys(others - {"TestCase"}))


def run(
    runs: int,
    *,
    phases: tuple[Phase, ...] = (Phase.generate, Phase.shrink),
    machine: type[RuleBasedStateMachine] = Service,
    steps: int = STEPS,
) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            phases=phases,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
