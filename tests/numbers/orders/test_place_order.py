"""A successful order: its response and its rows."""

import json
import re
import uuid
from decimal import Decimal

import pytest

from tests.support import db_assertions, factories

pytestmark = pytest.mark.django_db

FIELDS = [
    "id",
    "number",
    "number_type",
    "inbound_url",
    "status_url",
    "label",
    "campaign_id",
    "sms_enabled",
    "mms_enabled",
    "created_at",
    "updated_at",
]
ROUTING = {
    "inbound_url": "https://customer.example/inbound",
    "status_url": "https://customer.example/status",
    "label": "support-line",
}


def test_order_response_has_exactly_the_reference_fields(api, cast):
    campaign = factories.campaign(cast.owner)
    (number,) = factories.stock("+14155550123", mms_enabled=False)
    response = api.order([number], campaign_id=str(campaign.pk), **ROUTING)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    answer = response.json()
    assert list(answer) == ["success", "data", "meta"]
    assert answer["success"] is True
    (line,) = answer["data"]
    assert list(line) == FIELDS
    assert uuid.UUID(line["id"]).version == 7
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["created_at"])
    assert line["updated_at"] == line["created_at"]
    assert {field: line[field] for field in FIELDS[1:9]} == {
        "number": number,
        "number_type": "local",
        **ROUTING,
        "campaign_id": str(campaign.pk),
        "sms_enabled": True,
        "mms_enabled": False,
    }


@pytest.mark.parametrize("unset", [{}, dict.fromkeys([*ROUTING, "campaign_id"])])
def test_absent_or_null_routing_is_null_in_the_response(api, unset):
    (line,) = api.order(factories.stock(*factories.line(1)), **unset).json()["data"]
    assert {field: line[field] for field in (*ROUTING, "campaign_id")} == dict.fromkeys(
        [*ROUTING, "campaign_id"]
    )


def test_response_keeps_the_requested_order(api):
    numbers = factories.stock(*factories.line(0, 30))
    asked = numbers[::-2] + numbers[::2]
    assert [line["number"] for line in api.order(asked).json()["data"]] == asked


def test_hundred_numbers_of_every_type_are_one_order(api, cast):
    numbers = factories.stock(*factories.line(0, 98), "+18005550199", price="0.01")
    numbers += factories.stock("+172345", price="50.00", number_type="short_code")
    answer = api.order(numbers).json()
    assert [line["number"] for line in answer["data"]] == numbers
    assert [line["number_type"] for line in answer["data"]][-3:] == [
        "local",
        "toll_free",
        "short_code",
    ]
    assert db_assertions.charges(cast.owner) == [Decimal("50.99")]


def test_order_row_records_buyer_time_and_request(api, cast):
    campaign = factories.campaign(cast.owner)
    numbers = factories.stock(*factories.line(0, 3), price="2.50")
    response = api.order(numbers, campaign_id=str(campaign.pk), **ROUTING)
    order = db_assertions.row("SELECT * FROM numbers_order")
    key = db_assertions.row(
        "SELECT id, prefix FROM apikeys_apikey WHERE id = %s", order["api_key_id"]
    )
    assert response.json()["meta"] == {"order_id": str(order["id"])}
    assert key["prefix"] == cast.owner_key[:12]
    expected = {
        "organization_id": cast.owner.pk,
        "sandbox": False,
        "kind": "named",
        "status": "complete",
        "quantity": 3,
        "total": Decimal("7.50"),
        "currency": "USD",
        "campaign_id": campaign.pk,
        "actor": f"key:{key['prefix']}",
        "request_id": response["X-Request-Id"],
        **ROUTING,
    }
    assert {name: order[name] for name in expected} == expected
    assert order["created_at"] == order["finished_at"] is not None


def test_charge_is_one_ledger_entry_with_both_balances(api, cast):
    numbers = factories.stock(*factories.line(0, 3), price="2.50")
    response = api.order(numbers)
    entry = db_assertions.row("SELECT * FROM numbers_creditentry WHERE kind = 'charge'")
    expected = {
        "account_id": cast.owner.pk,
        "entry": 2,
        "amount": Decimal("-7.50"),
        "balance_before": Decimal("100.00"),
        "balance_after": Decimal("92.50"),
        "currency": "USD",
        "order_id": uuid.UUID(response.json()["meta"]["order_id"]),
        "actor": f"key:{cast.owner_key[:12]}",
        "request_id": response["X-Request-Id"],
    }
    assert {name: entry[name] for name in expected} == expected
    assert db_assertions.balance(cast.owner) == Decimal("92.50")


def test_each_number_has_an_owner_a_price_and_an_event(api, cast):
    numbers = factories.stock(*factories.line(0, 2), price="2.50")
    response = api.order(numbers, **ROUTING)
    ids = {line["number"]: uuid.UUID(line["id"]) for line in response.json()["data"]}
    order_id = uuid.UUID(response.json()["meta"]["order_id"])
    for number in numbers:
        phone = db_assertions.row(
            "SELECT id, status FROM numbers_phonenumber WHERE number = %s", number
        )
        assert phone["status"] == "assigned"
        owned = db_assertions.row(
            "SELECT * FROM numbers_assignment WHERE number_id = %s", phone["id"]
        )
        assert (owned["id"], owned["organization_id"], owned["order_id"]) == (
            ids[number],
            cast.owner.pk,
            order_id,
        )
        assert (owned["price"], owned["ended_at"]) == (Decimal("2.50"), None)
        assert {name: owned[name] for name in ROUTING} == ROUTING
        event = db_assertions.row(
            "SELECT * FROM numbers_numberevent WHERE number_id = %s", phone["id"]
        )
        assert (event["kind"], event["assignment_id"], event["order_id"]) == (
            "assigned",
            owned["id"],
            order_id,
        )
        assert (event["actor"], event["request_id"]) == (
            f"key:{cast.owner_key[:12]}",
            response["X-Request-Id"],
        )
        assert json.loads(event["before"]) == {"status": "available"}
        assert json.loads(event["after"]) == {
            "status": "assigned",
            "price": 2.5,
            "campaign_id": None,
        }
    db_assertions.assert_in_order()


def test_numbers_given_away_free_leave_a_charge_of_zero(api, cast):
    factories.stock("+14155550123", price="0.00")
    assert api.order(["+14155550123"]).status_code == 200
    assert (db_assertions.charges(cast.owner), db_assertions.balance(cast.owner)) == (
        [Decimal("0.00")],
        Decimal("100.00"),
    )


def test_order_may_cost_the_last_cent(api, cast):
    factories.stock(*factories.line(0, 2), price="50.00")
    assert api.order(factories.line(0, 2)).status_code == 200
    assert db_assertions.balance(cast.owner) == Decimal("0.00")


def test_organization_without_an_account_can_order_free_numbers(api):
    newcomer = factories.organization(credit=None)
    factories.stock("+14155550123", price="0.00")
    assert api.using(factories.key(newcomer)).order(["+14155550123"]).status_code == 200
    assert db_assertions.row(
        "SELECT balance, entries FROM numbers_creditaccount WHERE organization_id = %s", newcomer.pk
    ) == {
        "balance": Decimal("0.00"),
        "entries": 1,
    }


def test_number_is_sold_without_a_job_when_quarantine_has_passed(api):
    numbers = factories.stock(
        "+14155550123", status="quarantined", quarantined_until="2020-01-01T00:00Z"
    )
    assert api.order(numbers).status_code == 200
    assert db_assertions.row("SELECT status, quarantined_until FROM numbers_phonenumber") == {
        "status": "assigned",
        "quarantined_until": None,
    }


def test_any_key_of_the_organization_with_the_scope_may_order(api, cast):
    other = factories.key(cast.owner, "numbers:write")
    assert api.using(other).order(factories.stock(*factories.line(1))).status_code == 200
    assert db_assertions.owners() == {"+14152000001": "Owner"}
