"""The billing of a number as its owner sees it, and its release at the end of the period."""

from datetime import timedelta
from decimal import Decimal

import pytest

from config.api.envelope import timestamp
from numbers.models import CreditAccount, CreditEntry, NumberEvent, Rent
from numbers.ownership.undo_release import undo_release
from numbers.rent.run import renew_numbers
from tests.support import db_assertions, factories
from tests.support.api_client import Api, error_of
from tests.support.rents import A_MONTH, charged, rented, states
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db

BILLING = [
    *("id", "number", "price", "monthly_price", "currency", "period_start", "period_end"),
    *("next_charge_at", "next_monthly_price", "next_monthly_price_from", "state"),
    "release_at_period_end",
]


def billing(api, number, **options):
    return api.get(f"/v1/phone-numbers/{number.pk}/billing", **options)


def shown(api, number):
    return billing(api, number).json()["data"]


def change(api, number, body):
    return api.request("PATCH", f"/v1/phone-numbers/{number.pk}/billing", body)


def test_billing_shows_prices_and_the_paid_month(api, cast):
    (number,) = rented(cast.owner, "2.50")
    data = shown(api, number)
    assert list(data) == BILLING
    rent = Rent.objects.get()
    assert data["period_start"] == timestamp(number.created_at)
    assert data["period_end"] == data["next_charge_at"] == timestamp(rent.next_charge_at)
    assert (data["price"], data["monthly_price"], data["state"]) == ("0.00", "2.50", "active")
    assert (data["currency"], data["release_at_period_end"]) == ("USD", False)


def test_number_without_rent_has_no_period(api, cast):
    factories.own(cast.owner, *factories.stock(*factories.line(0)))
    data = api.get(f"/v1/phone-numbers/{factories.line(0)[0]}/billing".replace("+", "%2B")).json()
    data = data["data"]
    assert (data["price"], data["monthly_price"], data["state"]) == ("1.00", "0.00", "active")
    assert {data[name] for name in ("period_start", "period_end", "next_charge_at")} == {None}


def test_billing_of_another_organization_is_not_found(api, cast):
    (number,) = rented(cast.stranger, "2.50")
    error_of(billing(api, number), 404, "NOT_FOUND")
    error_of(change(api, number, {"release_at_period_end": True}), 404, "NOT_FOUND")


def test_past_due_and_suspended_are_shown():
    poor = factories.organization(credit="2.00")
    api = Api(factories.key(poor))
    (number,) = rented(poor, "2.00", ago=A_MONTH)
    renew_numbers()
    data = shown(api, number)
    assert data["state"] == "past_due"
    assert data["next_charge_at"] == data["period_end"]
    let_pass(timedelta(days=8))
    renew_numbers()
    assert shown(api, number)["state"] == "suspended"


def test_number_ends_with_its_period(api, cast):
    (number,) = rented(cast.owner, "2.50", ago=timedelta(days=20))
    data = change(api, number, {"release_at_period_end": True}).json()["data"]
    assert (data["state"], data["next_charge_at"]) == ("ending", None)
    assert renew_numbers().released == 0
    let_pass(timedelta(days=12))
    assert renew_numbers().released == 1
    assert charged(number) == []
    assert states([number]) == ["released"]
    released = NumberEvent.objects.get(kind="released")
    assert released.actor == "system:renew_numbers"
    db_assertions.assert_in_order()


def test_end_can_be_taken_back(api, cast):
    (number,) = rented(cast.owner, "2.50", ago=timedelta(days=20))
    for wanted in (True, True, False, False):
        assert change(api, number, {"release_at_period_end": wanted}).status_code == 200
    assert NumberEvent.objects.filter(kind="rent_changed").count() == 2
    let_pass(timedelta(days=12))
    assert renew_numbers().renewed.charged == 1


def test_number_without_rent_can_not_end_with_a_period(api, cast):
    factories.own(cast.owner, *factories.stock(*factories.line(0)))
    (number,) = cast.owner.assignments.all()
    refused = change(api, number, {"release_at_period_end": True})
    assert list(error_of(refused, 422, "VALIDATION_FAILED")["details"]) == ["release_at_period_end"]
    assert change(api, number, {"release_at_period_end": False}).status_code == 200
    assert change(api, number, {}).json()["data"]["state"] == "active"


def test_locked_number_does_not_end(api, cast):
    (number,) = rented(cast.owner, "2.50", ago=timedelta(days=20))
    change(api, number, {"release_at_period_end": True})
    api.request("PUT", f"/v1/phone-numbers/{number.pk}/lock")
    assert shown(api, number)["state"] == "active"
    refused = change(api, number, {"release_at_period_end": True})
    error_of(refused, 409, "NUMBER_LOCKED")
    let_pass(timedelta(days=12))
    assert renew_numbers().renewed.charged == 1
    db_assertions.assert_in_order()


@pytest.mark.parametrize("value", ["true", 1, []])
def test_bad_value_is_named(api, cast, value):
    (number,) = rented(cast.owner, "2.50")
    refused = change(api, number, {"release_at_period_end": value})
    assert list(error_of(refused, 422, "VALIDATION_FAILED")["details"]) == ["release_at_period_end"]


def test_price_is_not_changed_by_its_owner(api, cast):
    (number,) = rented(cast.owner, "2.50")
    refused = change(api, number, {"monthly_price": "0.01"})
    assert list(error_of(refused, 400, "INVALID_INPUT")["details"]) == ["monthly_price"]


def test_undo_of_an_end_takes_the_end_back(api, cast):
    (number,) = rented(cast.owner, "2.50", ago=timedelta(days=20))
    change(api, number, {"release_at_period_end": True})
    let_pass(timedelta(days=12))
    renew_numbers()
    assert api.post(f"/v1/phone-numbers/{number.pk}/undo-release", {}).status_code == 200
    run = renew_numbers()
    assert (run.renewed.charged, run.released) == (1, 0)
    assert shown(api, number)["release_at_period_end"] is False
    db_assertions.assert_in_order()


def test_undo_before_the_end_leaves_the_end(api, cast):
    (number,) = rented(cast.owner, "2.50", ago=timedelta(days=20))
    change(api, number, {"release_at_period_end": True})
    api.request("DELETE", f"/v1/phone-numbers/{number.pk}")
    assert api.post(f"/v1/phone-numbers/{number.pk}/undo-release", {}).status_code == 200
    assert shown(api, number)["state"] == "ending"


@pytest.fixture
def unpaid():
    """A number that was released since two months were not paid, and another that is due."""
    poor = factories.organization(credit="5.00")
    number, _ = rented(poor, "2.50", "2.50", ago=A_MONTH)
    for days in (0, 31):
        let_pass(timedelta(days=days))
        assert renew_numbers().renewed.charged == 0
    return number


def top_up(organization, amount):
    options = {"note": "paid", "actor": factories.actor()}
    factories.top_up(organization_id=organization.pk, amount=Decimal(amount), **options)


def test_undo_of_an_unpaid_release_is_paid_first(unpaid):
    path, own = f"/v1/phone-numbers/{unpaid.pk}/undo-release", unpaid.organization
    api = Api(factories.key(own))
    top_up(own, "4.99")
    refused = api.post(path, {})
    error_of(refused, 402, "INSUFFICIENT_CREDIT")
    data = {"required": "5.00", "balance": "4.99", "shortfall": "0.01", "currency": "USD"}
    assert refused.json()["data"] == data
    assert states([unpaid]) == ["released"]
    top_up(own, "0.01")
    done = api.post(path, {})
    assert (done.status_code, api.post(path, {}).status_code) == (200, 200)
    paid = CreditEntry.objects.filter(account_id=own.pk, kind="rent").latest("id")
    assert (paid.actor, paid.request_id) == ("system:renew_numbers", done["X-Request-Id"])
    assert (states([unpaid]), charged(unpaid)) == (["active"], [1, 2])
    assert CreditAccount.objects.get(pk=own.pk).balance == 0
    db_assertions.assert_in_order()


def test_operators_undo_gives_the_whole_time_to_pay(unpaid):
    actor = factories.actor()
    undo_release(assignment_id=unpaid.pk, organization_id=unpaid.organization_id, actor=actor)
    run = renew_numbers()
    assert (run.released, run.renewed.charged) == (0, 0)
    assert states([unpaid]) == ["suspended"]
    let_pass(timedelta(days=31))
    assert renew_numbers().released == 1
    db_assertions.assert_in_order()


def test_own_release_is_undone_without_a_charge(api, cast):
    (number,) = rented(cast.owner, "2.50", ago=timedelta(days=20))
    before = CreditAccount.objects.get(pk=cast.owner.pk).balance
    api.request("DELETE", f"/v1/phone-numbers/{number.pk}")
    assert api.post(f"/v1/phone-numbers/{number.pk}/undo-release", {}).status_code == 200
    assert CreditAccount.objects.get(pk=cast.owner.pk).balance == before


@pytest.mark.parametrize(
    ("number", "state"),
    [("+15005550015", "past_due"), ("+15005550016", "suspended"), ("+15005550017", "ending")],
)
def test_magic_number_of_a_sandbox_shows_its_state(api, cast, number, state):
    sandbox = api.using(cast.sandbox_key)
    path = f"/v1/phone-numbers/{number}/billing".replace("+", "%2B")
    data = sandbox.get(path).json()["data"]
    assert list(data) == BILLING
    assert (data["number"], data["state"]) == (number, state)
    error_of(api.get(path), 404, "NOT_FOUND")


def test_suspended_number_carries_no_messages(api, cast):
    poor = factories.organization(credit="2.00")
    (number,) = rented(poor, "2.00", ago=A_MONTH)
    gateway = api.using(factories.platform_key())
    path = f"/v1/platform/routes/{number.number.number}".replace("+", "%2B")

    def suspended():
        return gateway.get(path).json()["data"]["suspended"]

    renew_numbers()
    assert suspended() is False
    let_pass(timedelta(days=8))
    renew_numbers()
    assert suspended() is True


def test_history_of_the_owner_names_the_states():
    poor = factories.organization(credit="2.00")
    (number,) = rented(poor, "2.00", ago=A_MONTH)
    renew_numbers()
    events = Api(factories.key(poor)).get(f"/v1/phone-numbers/{number.pk}/events").json()["data"]
    assert events[0]["kind"] == "past_due"
    assert events[0]["after"] == {"billing_state": "past_due"}


@pytest.mark.parametrize("how", ["lock", "undo"])
def test_end_that_is_taken_back_stands_in_the_history(api, cast, how):
    (number,) = rented(cast.owner, "2.50", ago=timedelta(days=20))
    change(api, number, {"release_at_period_end": True})
    if how == "lock":
        api.request("PUT", f"/v1/phone-numbers/{number.pk}/lock")
    else:
        let_pass(timedelta(days=12))
        renew_numbers()
        api.post(f"/v1/phone-numbers/{number.pk}/undo-release", {})
    event = NumberEvent.objects.filter(assignment_id=number.pk).latest("id")
    assert event.before["release_at_period_end"] is True
    assert event.after["release_at_period_end"] is False
    again = change(api, number, {"release_at_period_end": False})
    assert again.status_code == 200
    assert NumberEvent.objects.filter(assignment_id=number.pk).latest("id") == event
