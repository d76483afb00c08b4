"""Customers, operators and the worker at once over one small stock, in shuffled order.

No answer may be a failure of ours, nothing may deadlock, and afterwards every proof must hold.
"""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from itertools import count
from typing import Any

import pytest
from django.db import DatabaseError

from campaigns.models import Campaign
from numbers import locks
from numbers.credit.ledger import top_up
from numbers.inventory.add import add_numbers
from numbers.inventory.pricing import move_price
from numbers.models import PhoneNumber
from numbers.orders import picking
from numbers.orders.backorders import fill_pending_orders
from numbers.ownership.release import end_quarantine, retire
from numbers.verification.run import verify_inventory
from tests.support import db_assertions, factories
from tests.support.api_client import Api
from tests.support.concurrency import at_once
from tests.support.phone_numbers import BULK, BULK_RELEASE, NUMBERS, RESERVATIONS, SEARCH

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

CUSTOMERS, STEPS, STOCK = 10, 40, 40
NUMBERS_IN_STOCK = factories.line(0, STOCK)


@dataclass
class Customer:
    """A program that does what customers' programs do, in an order of its own."""

    api: Api
    campaign: str
    draw: random.Random
    answers: Counter = field(default_factory=Counter)

    def live(self) -> Counter:
        steps = [self.order, self.order_any, self.hold, self.release_hold, self.release]
        steps += [self.release_all, self.route, self.attach, self.search_and_order]
        steps += [self.cancel, self.dry_run]
        for _ in range(STEPS):
            step = self.draw.choice(steps)
            response = step()
            if response is not None:
                code = response.json().get("error", {}).get("code", "")
                self.answers[step.__name__, response.status_code, code] += 1
        return self.answers

    def some(self) -> list[str]:
        return self.draw.sample(NUMBERS_IN_STOCK, self.draw.randint(1, 6))

    def routing(self) -> dict[str, Any]:
        return self.draw.choice([{}, {"campaign_id": self.campaign}, {"label": "x"}])

    def ids(self, path: str, name: str = "id") -> list[str]:
        rows = [row[name] for row in self.api.get(f"{path}?limit=100").json()["data"]]
        self.draw.shuffle(rows)
        return rows

    def order(self) -> Any:
        headers = self.draw.choice([None, {"Idempotency-Key": str(self.draw.random())}])
        return self.api.order(self.some(), headers=headers, **self.routing())

    def dry_run(self) -> Any:
        return self.api.order(self.some(), query="?dry_run=true", **self.routing())

    def order_any(self) -> Any:
        body = {
            "quantity": self.draw.randint(1, 15),
            "pattern": "+1415",
            "max_price_per_number": "2.00",
        }
        return self.api.post(BULK, body | self.routing())

    def shown(self) -> list[str]:
        found = self.api.post(SEARCH, {"area_code": "415", "quantity": 3}).json()["data"]
        return [one["number"] for one in found]

    def search_and_order(self) -> Any:
        shown = self.shown()
        return self.api.order(shown) if shown else None

    def hold(self) -> Any:
        numbers = self.draw.choice([self.shown(), self.some()])
        return (
            self.api.post(RESERVATIONS, {"numbers": numbers, "ttl_seconds": 60})
            if numbers
            else None
        )

    def release_hold(self) -> Any:
        ids = self.ids(RESERVATIONS)
        return self.api.request("DELETE", f"{RESERVATIONS}/{ids[0]}") if ids else None

    def release(self) -> Any:
        ids = self.ids(NUMBERS)
        return self.api.request("DELETE", f"{NUMBERS}/{ids[0]}") if ids else None

    def release_all(self) -> Any:
        ids = self.ids(NUMBERS)
        return self.api.post(BULK_RELEASE, {"ids": ids}) if ids else None

    def route(self) -> Any:
        ids = self.ids(NUMBERS)
        body = {"label": str(self.draw.random()), "inbound_url": "https://customer.example/in"}
        return (
            self.api.request("PATCH", f"{NUMBERS}/{ids[0]}", body | self.routing()) if ids else None
        )

    def attach(self) -> Any:
        ids = self.ids(NUMBERS)
        method = self.draw.choice(["POST", "DELETE"])
        body = {"campaign_id": self.campaign} if method == "POST" else b""
        return self.api.request(method, f"{NUMBERS}/{ids[0]}/campaign", body) if ids else None

    def cancel(self) -> Any:
        pending = [
            str(one)
            for (one,) in db_assertions.rows(
                "SELECT id FROM numbers_order WHERE status = 'pending'"
            )
        ]
        return (
            self.api.request("DELETE", f"{BULK}/{self.draw.choice(pending)}") if pending else None
        )


def operate(draw: random.Random, organizations: list[Any], fresh: Iterator[int]) -> None:
    """Act as operators do. ``fresh`` yields the positions of numbers that are not in stock."""
    ids = list(PhoneNumber.objects.values_list("id", flat=True))
    actor = factories.actor()
    for step in range(STEPS):
        some = draw.sample(ids, 5)
        end_quarantine(number_ids=some, actor=actor, reason="early")
        move_price(
            number_ids=draw.sample(ids, 5), price=Decimal(step % 3), actor=actor, reason="demand"
        )
        top_up(
            organization_id=draw.choice(organizations).pk,
            amount=Decimal("5.00"),
            note="",
            actor=actor,
        )
        if step % 10 == 0:
            retire(number_ids=some[:1], actor=actor, reason="worn out")
            add_numbers(numbers=factories.line(next(fresh), 3), price=Decimal("1.00"), actor=actor)
        status = draw.choice(["ACTIVE", "ACTIVE", "EXPIRED"])
        Campaign.objects.filter(
            pk=draw.choice(list(Campaign.objects.values_list("pk", flat=True)))
        ).update(status=status)


def work_off() -> None:
    for _ in range(STEPS):
        fill_pending_orders()


@pytest.fixture
def load(settings):
    """Run it all, and count the responses by step and status."""
    settings.NUMBER_QUARANTINE_DAYS = 0
    settings.RATE_LIMIT_PER_MINUTE = 1_000_000
    factories.stock(*NUMBERS_IN_STOCK)
    organizations = [factories.organization(credit="60.00") for _ in range(CUSTOMERS)]
    customers = [
        Customer(Api(factories.key(one)), str(factories.campaign(one).pk), random.Random(at))
        for at, one in enumerate(organizations)
    ]

    fresh = count(1000, 3)

    def load() -> Counter:
        operator = partial(operate, random.Random(0), organizations, fresh)
        answers = at_once([*(customer.live for customer in customers), operator, work_off])
        return sum(answers[:CUSTOMERS], Counter())

    return load


MUST_GO_THROUGH = {
    "order",
    "order_any",
    "hold",
    "release_hold",
    "release",
    "release_all",
    "route",
    "attach",
}
OURS_TO_REFUSE = {200, 201, 202, 402, 404, 409}


def test_mixed_load_keeps_every_promise_without_deadlock(load, caplog):
    answers = load()
    while missing := MUST_GO_THROUGH - {step for step, status, _ in answers if status < 300}:
        assert answers.total() < 10 * CUSTOMERS * STEPS, missing  # chance, not a fault
        answers = load()  # they count on
    assert {status for _, status, _ in answers} <= OURS_TO_REFUSE, answers
    assert [
        record.getMessage() for record in caplog.records if "tried again" in record.getMessage()
    ] == []
    fill_pending_orders()
    db_assertions.assert_in_order()


def test_same_load_breaks_a_promise_without_locks(load, monkeypatch):
    """The negative control: were it to pass as well, the load would show nothing."""
    names = ("LOCK_ACCOUNT", "LOCK_ASSIGNMENTS", "LOCK_NUMBERS", "LOCK_NUMBERS_BY_ID")
    for module, name in (*((locks, name) for name in names), (picking, "LOCK_FOUND")):
        unlocked = (
            getattr(module, name)
            .replace("FOR NO KEY UPDATE SKIP LOCKED", "")
            .replace("FOR NO KEY UPDATE", "")
        )
        assert "FOR " not in unlocked
        monkeypatch.setattr(module, name, unlocked)
    try:
        answers = load()
    except DatabaseError:
        return  # the operator or the worker met a constraint
    assert not {status for _, status, _ in answers} <= OURS_TO_REFUSE or not all(
        finding.holds for finding in verify_inventory()
    )
