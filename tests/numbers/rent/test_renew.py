"""Renewals: each month that fell due is charged once, oldest first, as far as credit goes."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command

from numbers.credit.ledger import top_up
from numbers.models import CreditEntry, NumberEvent, Rent, RentCharge
from numbers.rent import renew
from numbers.rent.run import renew_numbers
from tests.support import db_assertions, factories
from tests.support.rents import A_MONTH, THREE_MONTHS, charged, rent_of_ledger, rented, states
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def events(*types: str) -> list[str]:
    """The types of what the outbox has, without that of orders."""
    wanted = types or ("phone_number.%",)
    rows = db_assertions.rows(
        "SELECT type FROM campaigns_outboxentry WHERE type LIKE ANY(%s) ORDER BY id", list(wanted)
    )
    return [one for (one,) in rows]


@pytest.fixture
def owner(cast):
    return cast.owner


def test_sale_begins_the_rent_with_a_paid_month(owner):
    (number,) = rented(owner, "2.50")
    rent = Rent.objects.get()
    assert (rent.pk, rent.first_period, rent.next_period) == (number.pk, 1, 1)
    assert (rent.anchor, rent.is_open) == (number.created_at, True)
    assert renew_numbers().renewed.charged == 0
    db_assertions.assert_in_order()


def test_sale_without_a_monthly_price_has_no_rent(owner):
    factories.own(owner, *factories.stock(*factories.line(0)))
    assert not Rent.objects.exists()
    let_pass(A_MONTH)
    assert renew_numbers().in_words() == "nothing is due"
    assert not RentCharge.objects.exists()


def test_month_that_fell_due_is_charged_once(owner):
    numbers = rented(owner, "2.50", "0.75", ago=A_MONTH)
    assert renew_numbers().renewed.charged == 2
    assert renew_numbers().renewed.charged == 0
    assert rent_of_ledger(owner) == [Decimal("3.25")]
    assert [charged(one) for one in numbers] == [[1], [1]]
    assert events("phone_number.renewed") == ["phone_number.renewed"]
    entry = CreditEntry.objects.get(kind="rent")
    assert (entry.order_id, entry.note) == (None, "a month of 2 numbers")
    assert entry.actor == "system:renew_numbers"
    db_assertions.assert_in_order()


def test_worker_that_was_away_charges_each_month_once(owner):
    (number,) = rented(owner, "2.50", ago=THREE_MONTHS)
    assert renew_numbers().renewed.charged == 3
    assert charged(number) == [1, 2, 3]
    assert sum(rent_of_ledger(owner)) == Decimal("7.50")
    db_assertions.assert_in_order()


def test_worker_that_was_away_for_three_days_charges_once(owner):
    (number,) = rented(owner, "2.50", ago=timedelta(days=31) + 3 * DAY)
    renew_numbers()
    let_pass(3 * DAY)
    renew_numbers()
    assert charged(number) == [1]


def test_run_goes_on_through_many_batches(owner, monkeypatch):
    monkeypatch.setattr(renew, "BATCH", 2)
    numbers = rented(owner, *["1.00"] * 5, ago=THREE_MONTHS)
    assert renew_numbers().renewed.charged == 15
    assert {tuple(charged(one)) for one in numbers} == {(1, 2, 3)}
    db_assertions.assert_in_order()


def test_credit_pays_the_oldest_first_and_the_rest_is_past_due():
    owner = factories.organization(credit="11.00")
    numbers = rented(owner, "2.00")
    let_pass(DAY)
    numbers += rented(owner, "3.00", start=1)
    let_pass(DAY)
    numbers += rented(owner, "1.50", start=2, ago=A_MONTH)  # 4.50 of 11.00 are left
    run = renew_numbers()
    assert (run.renewed.charged, run.renewed.past_due) == (2, 1)
    assert states(numbers) == ["active", "past_due", "active"]
    assert db_assertions.balance(owner) == Decimal("1.00")
    assert NumberEvent.objects.get(kind="past_due").assignment_id == numbers[1].pk
    db_assertions.assert_in_order()


def test_past_due_is_announced_once(owner):
    factories.organization()
    poor = factories.organization(credit="2.00")
    rented(poor, "2.00", ago=A_MONTH)
    renew_numbers()
    renew_numbers()
    assert events("phone_number.past_due") == ["phone_number.past_due"]
    assert not RentCharge.objects.exists()
    db_assertions.assert_in_order()


def test_unpaid_number_is_suspended_then_released(settings):
    poor = factories.organization(credit="2.00")
    numbers = rented(poor, "2.00", ago=A_MONTH)
    renew_numbers()
    let_pass(6 * DAY)
    renew_numbers()
    assert states(numbers) == ["past_due"]
    let_pass(2 * DAY)
    assert renew_numbers().suspended == 1
    assert states(numbers) == ["suspended"]
    let_pass(20 * DAY)
    renew_numbers()
    assert states(numbers) == ["suspended"]
    let_pass(3 * DAY)
    assert renew_numbers().released == 1
    assert states(numbers) == ["released"]
    assert events("phone_number.suspended", "phone_number.released") == [
        "phone_number.suspended",
        "phone_number.released",
    ]
    assert db_assertions.owners() == {}
    db_assertions.assert_in_order()


def test_unpaid_number_is_released_although_it_is_locked():
    poor = factories.organization(credit="2.00")
    (number,) = rented(poor, "2.00", ago=A_MONTH)
    db_assertions.run("UPDATE numbers_assignment SET locked_at = now()")
    renew_numbers()
    let_pass(31 * DAY)
    run = renew_numbers()
    assert (run.suspended, run.released) == (1, 1)
    released = NumberEvent.objects.get(kind="released")
    assert released.reason == "its rent was not paid for 30 days"
    number.refresh_from_db()
    assert number.locked_at is None


def test_absence_of_the_worker_costs_no_number():
    poor = factories.organization(credit="2.00")
    numbers = rented(poor, "2.00", ago=THREE_MONTHS)
    run = renew_numbers()
    assert (run.renewed.past_due, run.suspended, run.released) == (1, 0, 0)
    assert states(numbers) == ["past_due"]


def test_next_run_pays_what_new_credit_covers():
    poor = factories.organization(credit="2.00")
    numbers = rented(poor, "2.00", ago=A_MONTH)
    renew_numbers()
    let_pass(8 * DAY)
    renew_numbers()
    top_up(organization_id=poor.pk, amount=Decimal("2.00"), note="", actor=factories.actor())
    run = renew_numbers()
    assert (run.renewed.charged, run.renewed.resumed) == (1, 1)
    assert states(numbers) == ["active"]
    assert events("phone_number.resumed") == ["phone_number.resumed"]
    db_assertions.assert_in_order()


def test_number_stays_suspended_until_all_its_months_are_paid():
    poor = factories.organization(credit="2.00")
    numbers = rented(poor, "2.00", ago=THREE_MONTHS)
    renew_numbers()
    let_pass(8 * DAY)
    renew_numbers()
    top_up(organization_id=poor.pk, amount=Decimal("4.00"), note="", actor=factories.actor())
    assert renew_numbers().renewed.charged == 2
    assert states(numbers) == ["suspended"]
    top_up(organization_id=poor.pk, amount=Decimal("2.00"), note="", actor=factories.actor())
    assert renew_numbers().renewed.resumed == 1
    assert states(numbers) == ["active"]
    db_assertions.assert_in_order()


@pytest.mark.django_db(transaction=True)
def test_top_up_pays_at_once_in_a_transaction_of_its_own():
    poor = factories.organization(credit="2.00")
    numbers = rented(poor, "2.00", ago=A_MONTH)
    renew_numbers()
    assert states(numbers) == ["past_due"]
    call_command("add_credit", poor.name, "5.00")
    assert states(numbers) == ["active"]
    assert db_assertions.balance(poor) == Decimal("3.00")
    assert CreditEntry.objects.latest("id").kind == "rent"
    db_assertions.assert_in_order()


@pytest.mark.django_db(transaction=True)
def test_top_up_stands_if_paying_fails(monkeypatch):
    poor = factories.organization(credit="2.00")
    numbers = rented(poor, "2.00", ago=A_MONTH)
    renew_numbers()

    def fail(*arguments, **options):
        raise RuntimeError("planted")

    with monkeypatch.context() as patch:
        patch.setattr("numbers.rent.run.renew_organization", fail)
        top_up(organization_id=poor.pk, amount=Decimal("5.00"), note="", actor=factories.actor())
    assert db_assertions.balance(poor) == Decimal("5.00")
    assert renew_numbers().renewed.charged == 1
    assert states(numbers) == ["active"]


def test_sandbox_renews_free(cast):
    numbers = rented(cast.sandbox, "2.50", ago=THREE_MONTHS)
    assert renew_numbers().renewed.charged == 3
    assert charged(numbers[0]) == [1, 2, 3]
    assert {str(one.amount) for one in RentCharge.objects.all()} == {"0.00"}
    assert not CreditEntry.objects.filter(account_id=cast.sandbox.pk).exists()
    assert states(numbers) == ["active"]
    db_assertions.assert_in_order()


def test_suspended_organization_pays_on(owner):
    rented(owner, "2.50", ago=A_MONTH)
    type(owner).objects.filter(pk=owner.pk).update(status="SUSPENDED")
    assert renew_numbers().renewed.charged == 1


def test_released_number_is_not_charged(api, owner):
    (number,) = rented(owner, "2.50")
    api.request("DELETE", f"/v1/phone-numbers/{number.pk}")
    let_pass(A_MONTH)
    assert renew_numbers().renewed.charged == 0
    assert Rent.objects.get().is_open is False
    db_assertions.assert_in_order()


def test_undo_within_the_paid_month_charges_nothing(api, owner):
    (number,) = rented(owner, "2.50")
    before = Rent.objects.values().get()
    api.request("DELETE", f"/v1/phone-numbers/{number.pk}")
    passed = let_pass(2 * DAY)
    assert api.post(f"/v1/phone-numbers/{number.pk}/undo-release", {}).status_code == 200
    assert renew_numbers().renewed.charged == 0
    after = Rent.objects.values().get()
    assert after["anchor"] == before["anchor"] - passed
    assert (after["next_period"], after["is_open"]) == (1, True)
    db_assertions.assert_in_order()


def test_undo_after_the_paid_month_owes_the_missed_one(api, owner):
    (number,) = rented(owner, "2.50", ago=timedelta(days=25))
    api.request("DELETE", f"/v1/phone-numbers/{number.pk}")
    let_pass(10 * DAY)
    assert api.post(f"/v1/phone-numbers/{number.pk}/undo-release", {}).status_code == 200
    assert renew_numbers().renewed.charged == 1
    assert charged(number) == [1]
    db_assertions.assert_in_order()


def test_failure_of_one_organization_leaves_the_others(owner, monkeypatch):
    other = factories.organization(credit="10.00")
    rented(owner, "2.50")
    rented(other, "2.50", start=1, ago=A_MONTH)
    real = renew.renew_organization

    def fail(organization_id, **options):
        if organization_id == owner.pk:
            raise RuntimeError("planted")
        return real(organization_id, **options)

    monkeypatch.setattr("numbers.rent.run.renew_organization", fail)
    run = renew_numbers()
    assert (run.renewed.charged, run.failed) == (1, [owner.pk])


def test_low_credit_is_announced_when_rent_crosses_it(owner):
    rented(owner, "1.00", "1.00", ago=A_MONTH)  # 98.00 are left
    db_assertions.run("UPDATE numbers_creditaccount SET alert_below = 97")
    renew_numbers()
    assert events("credit.%") == ["credit.low"]


def test_command_runs_once_and_says_what_it_did(owner, capsys):
    rented(owner, "2.50", ago=A_MONTH)
    call_command("renew_numbers")
    assert capsys.readouterr().out.strip() == "1 months charged"
    assert CreditEntry.objects.get(kind="rent").actor == "system:renew_numbers"
