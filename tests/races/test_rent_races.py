"""Renewals beside each other, orders, payments, releases and kills: none doubled, none skipped."""

from collections import Counter
from decimal import Decimal

import pytest
from django.db import IntegrityError

from numbers.credit.ledger import top_up
from numbers.models import RentCharge
from numbers.ownership.release import release_many
from numbers.rent import renew
from numbers.rent.billing import set_release_at_period_end
from numbers.rent.run import renew_numbers
from tests.support import db_assertions, factories
from tests.support.concurrency import (
    Clients,
    at_once,
    gate_before,
    wait_until_blocked,
    wait_until_idle,
)
from tests.support.rents import A_MONTH, THREE_MONTHS, charged, rented, states
from tests.support.worker_processes import WorkerProcess, holding, silence_everything

pytestmark = pytest.mark.django_db(transaction=True)

MONTHS = [1, 2, 3]


@pytest.fixture(autouse=True)
def books_in_order(db):
    yield
    db_assertions.assert_in_order()


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(renew, "BATCH", 3)


def test_workers_at_once_charge_each_month_once(cast, small_batches):
    numbers = rented(cast.owner, *["0.50"] * 20, ago=THREE_MONTHS)
    runs = at_once([renew_numbers] * 4)
    assert sum(run.renewed.charged for run in runs) == 60
    assert [charged(one) for one in numbers] == [MONTHS] * 20


def test_second_worker_waits_for_the_first(cast, monkeypatch):
    (number,) = rented(cast.owner, "1.00", ago=A_MONTH)
    gate = gate_before(monkeypatch, renew, "_share")
    with Clients(2) as clients:
        first = clients.start(renew_numbers)
        gate.wait_for_someone()
        second = clients.start(renew_numbers)
        wait_until_blocked()
        gate.open()
        assert first.result().renewed.charged == 1
        assert second.result().renewed.charged == 0
    assert charged(number) == [1]


def test_constraint_refuses_a_second_charge_without_locks(cast, monkeypatch):
    """The negative control: without the locks only the database stands in the way."""
    (number,) = rented(cast.owner, "1.00", ago=A_MONTH)
    for name in ("LOCK_ACCOUNT", "_DUE"):
        statement = getattr(renew, name)
        unlocked = statement.replace("FOR NO KEY UPDATE OF r SKIP LOCKED", "").replace(
            "FOR NO KEY UPDATE", ""
        )
        assert unlocked != statement
        monkeypatch.setattr(renew, name, unlocked)
    gate = gate_before(monkeypatch, renew, "_share")
    actor = factories.actor()
    with Clients(2) as clients:
        first = clients.start(renew.renew_organization, cast.owner.pk, actor=actor)
        gate.wait_for_someone()
        second = clients.start(renew.renew_organization, cast.owner.pk, actor=actor)
        assert second.result().charged == 1
        gate.open()
        assert isinstance(first.exception(), IntegrityError)
    assert charged(number) == [1]


def test_orders_go_on_beside_renewals(api, cast, small_batches):
    rented(cast.owner, *["0.50"] * 20, ago=THREE_MONTHS)
    for_sale = factories.stock(*factories.line(500, 12), price="0.10", monthly_price="0.20")
    orders = [lambda one=one: api.order([one]).status_code for one in for_sale]
    with Clients(8) as clients:
        renewals = [clients.start(renew_numbers) for _ in range(2)]
        answers = [clients.start(order) for order in orders]
        assert Counter(answer.result() for answer in answers) == {200: 12}
        assert sum(one.result().renewed.charged for one in renewals) == 60
    assert RentCharge.objects.count() == 60


def test_credit_never_falls_below_zero_beside_orders(api, cast, small_batches):
    poor = factories.organization(credit="12.00")
    numbers = rented(poor, *["1.00"] * 10, ago=A_MONTH)  # 2.00 are left
    seller = api.using(factories.key(poor))
    for_sale = factories.stock(*factories.line(500, 3), price="1.00")
    works = [lambda one=one: seller.order([one]).status_code for one in for_sale]
    results = at_once([renew_numbers, *works])
    sold = results[1:].count(200)
    assert sold + RentCharge.objects.count() == 2
    assert db_assertions.balance(poor) == 0
    assert Counter(states(numbers))["past_due"] == 10 - RentCharge.objects.count()


def test_payment_beside_a_renewal_loses_no_month(cast, small_batches):
    poor = factories.organization(credit="10.00")
    numbers = rented(poor, *["1.00"] * 10, ago=A_MONTH)

    def pay():
        top_up(organization_id=poor.pk, amount=Decimal("5.00"), note="", actor=factories.actor())

    at_once([renew_numbers, pay, renew_numbers, pay])
    renew_numbers()
    assert [charged(one) for one in numbers] == [[1]] * 10
    assert set(states(numbers)) == {"active"}
    assert db_assertions.balance(poor) == 0


def test_release_beside_a_renewal_is_charged_or_not(cast, small_batches):
    numbers = rented(cast.owner, *["0.50"] * 12, ago=A_MONTH)
    ids = [one.pk for one in numbers]

    def release():
        return release_many(
            assignment_ids=ids, organization_id=cast.owner.pk, actor=factories.actor()
        )

    at_once([renew_numbers, release, renew_numbers])
    assert set(states(numbers)) == {"released"}
    assert RentCharge.objects.count() <= 12
    before = RentCharge.objects.count()
    assert renew_numbers().renewed.charged == 0
    assert RentCharge.objects.count() == before


def test_end_of_a_period_beside_a_renewal_is_one_of_both(cast):
    for place in range(6):
        (number,) = rented(cast.owner, "0.50", start=place, ago=A_MONTH)

        def end(number=number):
            set_release_at_period_end(
                assignment_id=number.pk,
                organization_id=cast.owner.pk,
                wanted=True,
                actor=factories.actor(),
            )

        at_once([renew_numbers, end])
        renew_numbers()
        assert (charged(number), states([number])) in (([1], ["ending"]), ([], ["released"]))


@pytest.mark.slow
def test_kills_in_the_middle_of_runs_double_and_skip_nothing(cast):
    numbers = rented(cast.owner, *["0.50"] * 7, ago=THREE_MONTHS)
    seen = 0
    for calls in ("1", "2", "4"):
        with holding():
            worker = WorkerProcess(hold_at="renewal", HOLD_CALLS=calls)
            try:
                wait_until_blocked()
            finally:
                worker.kill()
        wait_until_idle()
        worker.close()
        silence_everything()
        done = RentCharge.objects.count()
        assert done == seen + 2 * (int(calls) - 1)
        seen = done
    assert seen == 8
    renew_numbers()
    assert [charged(one) for one in numbers] == [MONTHS] * 7
