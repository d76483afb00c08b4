"""``/v1/platform/organizations/{id}/credit``: each payment of the billing is entered once."""

from uuid import uuid4

import pytest

from numbers.models import CreditAccount, CreditEntry
from tests.support import db_assertions, factories
from tests.support.api_client import Api, error_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def billing(db):
    return Api(factories.platform_key("platform:credit"))


def pay(billing, organization, amount="25.00", reference="invoice-1", headers=None, **body):
    path = f"/v1/platform/organizations/{getattr(organization, 'pk', organization)}/credit"
    return billing.post(path, {"amount": amount, "reference": reference, **body}, headers=headers)


def balance(organization):
    return str(CreditAccount.objects.get(pk=organization.pk).balance)


def test_payment_is_entered_with_its_reference(billing, cast, api):
    response = pay(billing, cast.owner, note="bank transfer")
    assert response.status_code == 201
    entry = response.json()["data"]
    expected = {
        "kind": "top_up",
        "amount": "25.00",
        "balance_before": "100.00",
        "balance_after": "125.00",
        "reference": "invoice-1",
        "note": "bank transfer",
        "actor": billing.secret[:12],
        "request_id": response["X-Request-Id"],
    }
    assert expected.items() <= entry.items()
    assert balance(cast.owner) == "125.00"
    shown = api.get("/v1/credit/entries").json()["data"][0]
    assert shown == {**entry, "actor": "operator"}
    db_assertions.assert_in_order()


def test_same_reference_moves_no_money_again(billing, cast):
    first, again = pay(billing, cast.owner), pay(billing, cast.owner, note="again")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json()
    assert balance(cast.owner) == "125.00"


def test_reference_that_only_looks_like_another_is_refused(billing, cast):
    assert pay(billing, cast.owner, reference="r 1").status_code == 201
    for unlike in (" r 1", "r 1 ", "\u2003r 1", "r\u00a01", "r\u200b1", "r 1\u202e"):
        refused = pay(billing, cast.owner, reference=unlike)
        assert list(error_of(refused, 422, "VALIDATION_FAILED")["details"]) == ["reference"]
    assert balance(cast.owner) == "125.00"


def test_same_reference_with_another_amount_is_a_conflict(billing, cast):
    pay(billing, cast.owner)
    refused = pay(billing, cast.owner, "25.01")
    error_of(refused, 409, "CONFLICT")
    assert refused["x-should-retry"] == "false"
    assert balance(cast.owner) == "125.00"


def test_two_organizations_may_have_the_same_reference(billing, cast):
    assert pay(billing, cast.owner).status_code == 201
    assert pay(billing, cast.stranger).status_code == 201


def test_amount_below_zero_is_a_correction(billing, cast):
    response = pay(billing, cast.owner, "-40.00", note="paid twice")
    entry = response.json()["data"]
    assert (entry["kind"], entry["balance_after"]) == ("correction", "60.00")


def test_correction_needs_a_note(billing, cast):
    refused = pay(billing, cast.owner, "-40.00")
    assert list(error_of(refused, 422, "VALIDATION_FAILED")["details"]) == ["note"]


def test_credit_never_goes_below_zero(billing, cast):
    refused = pay(billing, cast.owner, "-100.01", note="too much")
    assert list(error_of(refused, 422, "VALIDATION_FAILED")["details"]) == ["amount"]
    assert balance(cast.owner) == "100.00"
    assert pay(billing, cast.owner, "-100.00", note="all of it").status_code == 201


def test_refused_reference_can_be_used_afterwards(billing, cast):
    assert pay(billing, cast.owner, "-100.01", note="too much").status_code == 422
    assert pay(billing, cast.owner).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"amount": None}, "amount"),
        ({"amount": 25}, "amount"),
        ({"amount": "0.00"}, "amount"),
        ({"amount": "1.001"}, "amount"),
        ({"amount": "1e3"}, "amount"),
        ({"amount": "1000000000.00"}, "amount"),
        ({"reference": None}, "reference"),
        ({"reference": " "}, "reference"),
        ({"reference": "x" * 256}, "reference"),
        ({"note": "x" * 257}, "note"),
        ({"currency": "USD"}, "currency"),
    ],
)
def test_bad_field_is_named_and_no_money_moves(billing, cast, body, field):
    refused = pay(billing, cast.owner, **body)
    assert list(error_of(refused, 422, "VALIDATION_FAILED")["details"]) == [field]
    assert balance(cast.owner) == "100.00"


def test_unknown_organization_is_404(billing):
    error_of(pay(billing, uuid4()), 404, "NOT_FOUND")
    assert not CreditEntry.objects.exists()


def test_suspended_organization_can_pay(billing, cast):
    type(cast.owner).objects.filter(pk=cast.owner.pk).update(status="SUSPENDED")
    assert pay(billing, cast.owner).status_code == 201


def test_replay_of_a_key_moves_no_money(billing, cast):
    headers = {"Idempotency-Key": "pay-1"}
    first, again = (pay(billing, cast.owner, headers=headers) for _ in range(2))
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert balance(cast.owner) == "125.00"


def test_key_of_a_retry_belongs_to_one_organization(billing, cast):
    headers = {"Idempotency-Key": "pay-1"}
    pay(billing, cast.owner, headers=headers)
    error_of(pay(billing, cast.stranger, headers=headers), 422, "IDEMPOTENCY_KEY_REUSED")


def test_crash_after_the_entry_leaves_nothing(billing, cast, monkeypatch):
    def crash(*arguments, **options):
        raise RuntimeError("the power went out")

    with monkeypatch.context() as patch:
        patch.setattr("numbers.api.platform.credit.platform_entry_json", crash)
        assert pay(billing, cast.owner).status_code == 500
    assert balance(cast.owner) == "100.00"
    assert pay(billing, cast.owner).status_code == 201
