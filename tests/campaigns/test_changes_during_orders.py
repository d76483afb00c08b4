"""Changes to what an order depends on, before or during it: one waits for the other."""

from decimal import Decimal

import pytest
from django.utils import timezone

from apikeys.lifecycle import revoke_key
from apikeys.models import ApiKey
from campaigns.models import Brand, Campaign, Organization
from numbers.credit import ledger
from numbers.models import PhoneNumber
from numbers.orders import place
from tests.support import db_assertions, factories
from tests.support.concurrency import (
    Clients,
    gate_after,
    gate_before,
    uncommitted,
    wait_until_blocked,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def number(db):
    (number,) = factories.stock(*factories.line(0), price="10.00")
    yield number
    db_assertions.assert_in_order(recorded=False)


@pytest.fixture
def campaign(cast):
    return factories.campaign(cast.owner)


def expire(campaign):
    Campaign.objects.filter(pk=campaign.pk).update(status="EXPIRED")


def unverify(campaign):
    Brand.objects.filter(pk=campaign.brand_id).update(identity_status="UNVERIFIED")


SUSPENSIONS = {"CAMPAIGN_NOT_ACTIVE": expire, "BRAND_NOT_VERIFIED": unverify}


@pytest.mark.parametrize("code", SUSPENSIONS)
def test_suspension_waits_for_the_order_between_check_and_write(
    api, number, campaign, monkeypatch, code
):
    gate = gate_before(monkeypatch, place, "purchase_statement")
    with Clients(2) as clients:
        order = clients.start(api.order, [number], campaign_id=str(campaign.pk))
        gate.wait_for_someone()
        suspension = clients.start(SUSPENSIONS[code], campaign)
        wait_until_blocked()
        gate.open()
        assert order.result().status_code == 200
        suspension.result()
    assert api.order([number], campaign_id=str(campaign.pk)).json()["error"]["code"] == code


@pytest.mark.parametrize("code", SUSPENSIONS)
def test_order_waits_and_is_refused_when_a_suspension_commits(api, number, campaign, code):
    with Clients(1) as clients:
        with uncommitted(lambda: SUSPENSIONS[code](campaign)):
            order = clients.start(api.order, [number], campaign_id=str(campaign.pk))
            wait_until_blocked()
        assert order.result().json()["error"]["code"] == code
    assert db_assertions.written() == db_assertions.NOTHING


def test_order_succeeds_when_a_suspension_rolls_back(api, number, campaign):
    with Clients(1) as clients:
        with uncommitted(lambda: expire(campaign), commit=False):
            order = clients.start(api.order, [number], campaign_id=str(campaign.pk))
            wait_until_blocked()
        assert order.result().status_code == 200


def test_revocation_does_not_wait_for_the_order_of_its_key(api, cast, number, monkeypatch):
    other = factories.stock(*factories.line(10))
    key = ApiKey.objects.get(prefix=cast.owner_key[:12])
    gate = gate_before(monkeypatch, place, "purchase_statement")
    with Clients(1) as clients:
        order = clients.start(api.order, [number])
        gate.wait_for_someone()
        revoke_key(key_id=key.pk, organization_id=cast.owner.pk, actor=factories.actor())
        assert api.using(cast.owner_key).order(other).status_code == 401
        gate.open()
        assert order.result().status_code == 200  # it came in with a good key
    assert api.order(other).status_code == 401


def test_suspension_does_not_wait_for_the_running_order(api, cast, number, monkeypatch):
    gate = gate_before(monkeypatch, place, "purchase_statement")
    with Clients(1) as clients:
        order = clients.start(api.order, [number])
        gate.wait_for_someone()
        Organization.objects.filter(pk=cast.owner.pk).update(status="SUSPENDED")
        gate.open()
        assert order.result().status_code == 200
    assert api.order(factories.line(10)).status_code == 401


@pytest.mark.parametrize(
    ("change", "status", "was"),
    [
        ({"status": "retired"}, 409, "available"),
        ({"status": "quarantined", "quarantined_until": "2999-01-01T00:00Z"}, 409, "available"),
        ({"price": Decimal("99.00")}, 200, "available"),
        ({"price": Decimal("101.00")}, 402, "available"),
        ({"sandbox": True}, 409, "available"),
        ({"status": "available"}, 200, "retired"),
    ],
)
def test_order_judges_a_number_after_an_earlier_change_commits(
    api, cast, number, change, status, was
):
    PhoneNumber.objects.filter(number=number).update(status=was)
    with Clients(1) as clients:
        with uncommitted(lambda: PhoneNumber.objects.filter(number=number).update(**change)):
            order = clients.start(api.order, [number])
            wait_until_blocked()
        assert order.result().status_code == status
    charged = [change.get("price", Decimal("10.00"))] if status == 200 else []
    assert db_assertions.charges(cast.owner) == charged


def test_top_up_counts_once_it_has_committed(api, cast, number, monkeypatch):
    PhoneNumber.objects.filter(number=number).update(price="120.00")
    gate = gate_after(monkeypatch, ledger, "lock_account")
    with Clients(2) as clients:
        more = {
            "organization_id": cast.owner.pk,
            "amount": Decimal("20.00"),
            "note": "",
            "actor": factories.actor(),
        }
        clients.start(ledger.top_up, **more)
        gate.wait_for_someone()
        order = clients.start(api.order, [number])
        wait_until_blocked()
        gate.open()
        assert order.result().status_code == 200
    assert db_assertions.balance(cast.owner) == 0


def test_ownership_begins_after_the_previous_one_ended(api, cast, number):
    """PostgreSQL's now() is the start of a transaction: ownership dated by it would overlap the one before."""
    factories.own(cast.stranger, number)
    with Clients(1) as clients:
        with uncommitted():
            db_assertions.rows(
                "SELECT 1 FROM numbers_phonenumber WHERE number = %s FOR NO KEY UPDATE", number
            )
            order = clients.start(api.order, [number])
            wait_until_blocked()
            factories.release(number, until=timezone.now())
        assert order.result().status_code == 200
    ((before,), (since,)) = db_assertions.rows(
        "SELECT coalesce(ended_at, created_at) FROM numbers_assignment ORDER BY id"
    )
    assert since >= before
