"""The balance, and the ledger that explains it."""

from decimal import Decimal

import pytest

from apikeys.scopes import Scope
from numbers.credit.ledger import correct, top_up
from tests.support import factories
from tests.support.api_client import Api, error_of
from tests.support.pagination import needs_scope, refuses_what_is_no_page, walk

CREDIT, ENTRIES = "/v1/credit", "/v1/credit/entries"

pytestmark = pytest.mark.django_db


def balance(api) -> dict:
    response = api.get(CREDIT)
    assert response.status_code == 200, response.content
    return response.json()["data"]


def test_balance_is_shown_before_and_after_an_order(api):
    numbers = factories.stock(*factories.line(1, 2), price="2.50")
    assert balance(api) == {"balance": "100.00", "currency": "USD", "entries": 1}
    api.order(numbers)
    assert balance(api) == {"balance": "95.00", "currency": "USD", "entries": 2}


def test_organization_without_an_account_has_zero_credit(db):
    organization = factories.organization(credit=None)
    api = Api(factories.key(organization))
    assert balance(api) == {"balance": "0.00", "currency": "USD", "entries": 0}
    assert api.get(ENTRIES).json() == {"success": True, "data": [], "meta": {"next_cursor": None}}


def test_sandbox_pays_nothing_for_its_orders(api, cast):
    sandbox = api.using(cast.sandbox_key)
    assert sandbox.order(factories.stock(*factories.line(1), sandbox=True)).status_code == 200
    assert balance(sandbox) == {"balance": "0.00", "currency": "USD", "entries": 0}
    assert sandbox.get(ENTRIES).json()["data"] == []


def test_ledger_is_newest_first_with_continuous_balances(api, cast):
    response = api.order(factories.stock(*factories.line(1, 3)))
    operator = factories.Actor("operator", "alice", "01JTBQH2FZ8K1RXC0WJ4Z9P3VM")
    correct(
        organization_id=cast.owner.pk, amount=Decimal("-7.00"), note="sold twice", actor=operator
    )
    entries = api.get(ENTRIES).json()["data"]
    assert [
        (one["entry"], one["kind"], one["amount"], one["balance_after"]) for one in entries
    ] == [
        (3, "correction", "-7.00", "90.00"),
        (2, "charge", "-3.00", "97.00"),
        (1, "top_up", "100.00", "100.00"),
    ]
    assert entries[1] == {
        "entry": 2,
        "kind": "charge",
        "amount": "-3.00",
        "balance_before": "100.00",
        "balance_after": "97.00",
        "currency": "USD",
        "order_id": response.json()["meta"]["order_id"],
        "reverses": None,
        "reversed_by": None,
        "note": None,
        "reference": None,
        "actor": cast.owner_key[:12],
        "request_id": response["X-Request-Id"],
        "created_at": response.json()["data"][0]["created_at"],
    }
    assert [(one["actor"], one["note"], one["order_id"]) for one in entries[::2]] == [
        ("operator", "sold twice", None),
        ("system", "to begin with", None),
    ]
    assert b"alice" not in api.get(ENTRIES).content


def test_pages_make_up_the_ledger_when_charges_come_between_them(api, cast):
    def add():
        top_up(
            organization_id=cast.owner.pk, amount=Decimal("1.00"), note="", actor=factories.actor()
        )

    for _ in range(6):
        add()
    assert [one["entry"] for one in walk(api, ENTRIES, between=add)] == [7, 6, 5, 4, 3, 2, 1]


def test_cursor_reveals_no_count_of_foreign_entries(api, cast):
    """It is made of the number within the account, and masked."""
    for organization in (cast.owner, cast.stranger):
        top_up(
            organization_id=organization.pk,
            amount=Decimal("1.00"),
            note="",
            actor=factories.actor(),
        )
    cursors = [
        one.get(f"{ENTRIES}?limit=1").json()["meta"]["next_cursor"]
        for one in (api, api.using(cast.stranger_key))
    ]
    assert cursors[0] != cursors[1]
    response = api.using(cast.stranger_key).get(f"{ENTRIES}?cursor={cursors[0]}")
    assert list(error_of(response, 422, "VALIDATION_FAILED")["details"]) == ["cursor"]


def test_invalid_page_is_refused(api):
    refuses_what_is_no_page(api, ENTRIES)
    assert list(
        error_of(api.get(f"{CREDIT}?currency=EUR"), 422, "VALIDATION_FAILED")["details"]
    ) == ["currency"]


def test_stranger_sees_only_its_own_credit(api, cast):
    api.order(factories.stock(*factories.line(1)))
    stranger = api.using(cast.stranger_key)
    assert balance(stranger)["balance"] == "100.00"
    assert [one["kind"] for one in stranger.get(ENTRIES).json()["data"]] == ["top_up"]


def test_endpoints_require_a_key_and_credit_read(api, cast):
    has = api.using(factories.key(cast.owner, Scope.CREDIT_READ))
    lacks = api.using(factories.key(cast.owner, Scope.NUMBERS_READ))
    needs_scope(api, CREDIT, has, lacks)
    needs_scope(api, ENTRIES, has, lacks)


def test_each_endpoint_costs_two_statements(api, cast, django_assert_num_queries):
    api.get(CREDIT)
    for _ in range(2):
        for path in (CREDIT, ENTRIES):
            with django_assert_num_queries(2):
                assert api.get(path).status_code == 200
        for _ in range(5):
            top_up(
                organization_id=cast.owner.pk,
                amount=Decimal("1.00"),
                note="",
                actor=factories.actor(),
            )


@pytest.mark.parametrize("path", [CREDIT, ENTRIES])
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_endpoints_are_read_only(api, path, method):
    error_of(api.request(method, path, {"amount": "1.00"}), 405, "METHOD_NOT_ALLOWED")
