"""The operator's systems against themselves and customers, with threads and real commits."""

from functools import partial

import pytest

from campaigns.models import Organization
from numbers import locks
from numbers.credit import onboarding, payments
from numbers.models import CreditAccount, CreditEntry, PhoneNumber
from tests.support import db_assertions, factories
from tests.support.api_client import Api
from tests.support.concurrency import Clients, at_once, gate_before, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)
ORGANIZATIONS = "/v1/platform/organizations"


@pytest.fixture(autouse=True)
def books_in_order(db):
    yield
    db_assertions.assert_in_order()


def pay(secret, organization, reference="invoice-1", amount="5.00"):
    body = {"amount": amount, "reference": reference, "note": "a race"}
    return Api(secret).post(f"{ORGANIZATIONS}/{organization.pk}/credit", body)


def open_one(secret, **body):
    return Api(secret).post(ORGANIZATIONS, {"name": "Acme", "external_id": "crm-1", **body})


def balance(organization):
    return str(CreditAccount.objects.get(pk=organization.pk).balance)


def test_same_payment_at_once_is_entered_once(cast):
    keys = [factories.platform_key() for _ in range(4)]
    answers = at_once([partial(pay, key, cast.owner) for key in keys])
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["data"]["entry"] for answer in answers}) == 1
    assert balance(cast.owner) == "105.00"


def test_different_payments_at_once_all_count(cast):
    key = factories.platform_key()
    answers = at_once([partial(pay, key, cast.owner, f"invoice-{n}") for n in range(4)])
    assert {answer.status_code for answer in answers} == {201}
    assert balance(cast.owner) == "120.00"


def test_one_reference_with_two_amounts_at_once_is_one_payment(cast):
    key = factories.platform_key()
    answers = at_once([partial(pay, key, cast.owner, amount=f"{n}.00") for n in (5, 6)])
    assert sorted(answer.status_code for answer in answers) == [201, 409]


@pytest.fixture
def overtaken(monkeypatch):
    """Enter the same payment between the look-up and the entry of the first."""

    def race(secret, organization, *, locked):
        gate = gate_before(monkeypatch, payments, "_check")
        with Clients(2) as clients:
            one = clients.start(pay, secret, organization)
            gate.wait_for_someone()
            two = clients.start(pay, secret, organization)
            if locked:
                wait_until_blocked()
            else:
                two.exception()
            gate.open()
            return one.result().status_code, two.result().status_code

    return race


def test_second_payment_waits_with_the_lock(cast, overtaken):
    assert overtaken(factories.platform_key(), cast.owner, locked=True) == (201, 200)
    assert balance(cast.owner) == "105.00"


def test_database_refuses_the_second_payment_without_the_lock(cast, overtaken, monkeypatch):
    """The negative control: what the lock prevents happens, and the unique index stops it."""
    unlocked = locks.LOCK_ACCOUNT.replace("FOR NO KEY UPDATE", "")
    monkeypatch.setattr(locks, "LOCK_ACCOUNT", unlocked)
    first, second = overtaken(factories.platform_key(), cast.owner, locked=False)
    assert (first, second) == (500, 201)
    assert CreditEntry.objects.filter(reference="invoice-1").count() == 1


def test_same_organization_at_once_is_opened_once(db):
    keys = [factories.platform_key() for _ in range(4)]
    answers = at_once([partial(open_one, key) for key in keys])
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["data"]["id"] for answer in answers}) == 1
    assert Organization.objects.count() == 1


def test_opening_that_is_overtaken_gives_the_first(db, monkeypatch):
    """The second commits between the look-up and the insert of the first, under another name."""
    gate = gate_before(monkeypatch, onboarding, "create_organization")
    secret = factories.platform_key()
    with Clients(1) as clients:
        slow = clients.start(open_one, secret)
        gate.wait_for_someone()
        fast = open_one(secret, name="Faster")
        gate.open()
        assert (fast.status_code, slow.result().status_code) == (201, 200)
        assert slow.result().json() == fast.json()


def test_suspension_and_orders_at_once_leave_the_books_in_order(cast):
    numbers = factories.stock(*factories.line(0, 4))
    secret = factories.platform_key()
    suspend = partial(
        Api(secret).request,
        "PATCH",
        f"{ORGANIZATIONS}/{cast.owner.pk}",
        {"status": "SUSPENDED"},
    )
    orders = [partial(Api(cast.owner_key).order, [number]) for number in numbers]
    answers = at_once([*orders, suspend])
    assert answers[-1].status_code == 200
    assert {answer.status_code for answer in answers[:-1]} <= {200, 401}
    assert Api(cast.owner_key).get("/v1/credit").status_code == 401


def add(secret, *numbers):
    lines = [{"number": number, "price": "1.00"} for number in numbers]
    return Api(secret).post("/v1/platform/phone-numbers", {"numbers": lines})


def test_same_numbers_at_once_in_any_order_are_added_once(db):
    """They are written in the order of their index, so that none waits for another in a circle."""
    numbers, secret = factories.line(0, 50), factories.platform_key()
    answers = at_once(
        [partial(add, secret, *numbers), partial(add, secret, *reversed(numbers))] * 2
    )
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]
    assert PhoneNumber.objects.count() == 50


def test_retirement_and_an_order_at_once_never_both_succeed(cast):
    (number,) = factories.stock(*factories.line(0))
    retire = partial(
        Api(factories.platform_key()).post, f"/v1/platform/phone-numbers/{number}/retire", {}
    )
    retired, ordered = at_once([retire, partial(Api(cast.owner_key).order, [number])])
    assert (retired.status_code, ordered.status_code) in [(200, 409), (409, 200)]
