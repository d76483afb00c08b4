"""Taking a ledger entry back by another one that names it, once and whole."""

from decimal import Decimal

import pytest
from django.db import IntegrityError

from config.errors import NotFound, ValidationFailed
from numbers import locks
from numbers.credit import reverse as credit_reverse
from numbers.credit.reverse import reverse_entry
from numbers.models import CreditEntry
from tests.support import db_assertions, factories
from tests.support.concurrency import Clients, at_once, gate_before

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def books_in_order(db):
    yield
    db_assertions.assert_in_order()


@pytest.fixture
def bought(api):
    assert api.order(factories.stock(*factories.line(0))).status_code == 200


def entry(organization, kind):
    return CreditEntry.objects.get(account_id=organization.pk, kind=kind)


def reverse(organization, row, note="entered twice"):
    return reverse_entry(
        entry_id=row.pk, organization_id=organization.pk, note=note, actor=factories.actor()
    )


def refusal(organization, row, **options):
    with pytest.raises(ValidationFailed) as refused:
        reverse(organization, row, **options)
    return refused.value.details


def test_reversal_names_its_entry_and_takes_all_of_it_back(cast):
    top_up = entry(cast.owner, "top_up")
    assert reverse(cast.owner, top_up).amount == 0
    reversal = entry(cast.owner, "reversal")
    assert (reversal.reverses, reversal.amount, reversal.balance_after) == (top_up, -100, 0)
    assert (reversal.note, reversal.actor) == ("entered twice", "command:tests")


def test_reversal_of_a_charge_returns_credit_only(cast, bought):
    reverse(cast.owner, entry(cast.owner, "charge"))
    assert db_assertions.balance(cast.owner) == Decimal("100.00")
    assert db_assertions.owners() == {"+14152000000": "Owner"}


def test_entry_is_reversed_at_most_once(cast, bought):
    charge = entry(cast.owner, "charge")
    reverse(cast.owner, charge)
    assert refusal(cast.owner, charge) == {"entry": "is reversed already, by entry 3"}


def test_reversal_is_not_reversed(cast, bought):
    reverse(cast.owner, entry(cast.owner, "charge"))
    details = refusal(cast.owner, entry(cast.owner, "reversal"))
    assert details == {"entry": "is a reversal: write a correction instead"}


def test_reversal_is_refused_when_credit_would_be_negative(cast, bought):
    assert refusal(cast.owner, entry(cast.owner, "top_up")) == {
        "entry": "of 100.00 can't be taken back: the balance is 99.00, and credit never goes below zero; "
        "1.00 USD are missing"
    }
    assert db_assertions.balance(cast.owner) == 99


def test_reversal_requires_a_note(cast):
    assert "note" in refusal(cast.owner, entry(cast.owner, "top_up"), note=" ")


def test_charge_of_nothing_is_not_reversed(api, cast):
    assert api.order(factories.stock(*factories.line(0), price="0.00")).status_code == 200
    assert "nothing to take back" in refusal(cast.owner, entry(cast.owner, "charge"))["entry"]


def test_entry_of_another_organization_is_not_found(cast):
    with pytest.raises(NotFound):
        reverse(cast.owner, entry(cast.stranger, "top_up"))


def test_concurrent_reversals_of_an_entry_reverse_it_once(cast, bought):
    charge = entry(cast.owner, "charge")

    def attempt():
        try:
            return reverse(cast.owner, charge).amount
        except ValidationFailed:
            return None

    assert sorted(map(str, at_once([attempt] * 4))) == ["100.00", "None", "None", "None"]


def test_database_refuses_a_second_reversal_without_locks(cast, bought, monkeypatch):
    """The negative control of the one above."""
    monkeypatch.setattr(locks, "LOCK_ACCOUNT", locks.LOCK_ACCOUNT.replace("FOR NO KEY UPDATE", ""))
    charge = entry(cast.owner, "charge")
    gate = gate_before(monkeypatch, credit_reverse, "enter")
    with Clients(1) as clients:
        late = clients.start(reverse, cast.owner, charge)
        gate.wait_for_someone()
        reverse(cast.owner, charge)
        gate.open()
        # Either index stops it: the entry's place in the ledger, or that it is reversed once.
        assert isinstance(late.exception(), IntegrityError)
    assert db_assertions.balance(cast.owner) == Decimal("100.00")


def test_customer_sees_both_directions_in_the_ledger(api, cast, bought):
    reverse(cast.owner, entry(cast.owner, "charge"))
    entries = api.get("/v1/credit/entries").json()["data"]
    assert [
        (one["entry"], one["kind"], one["reverses"], one["reversed_by"]) for one in entries
    ] == [
        (3, "reversal", 2, None),
        (2, "charge", None, 3),
        (1, "top_up", None, None),
    ]
