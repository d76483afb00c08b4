"""``/v1/platform/phone-numbers``: the stock in the hands of the operator's systems."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from campaigns.models import Organization
from config.api.envelope import timestamp
from numbers.models import IdempotencyRecord, NumberEvent, PhoneNumber, Reservation, StockBatch
from tests.support import db_assertions, factories
from tests.support.api_client import Api, error_of
from tests.support.phone_numbers import MISSING, RESERVATIONS
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db
STOCK = "/v1/platform/phone-numbers"
NUMBER, OTHER = "+14155550123", "+14155550124"


@pytest.fixture
def stock(db):
    return Api(factories.platform_key("platform:inventory:write"))


def add(stock, *numbers, headers=None):
    lines = [{"number": one, "price": "1.00"} if isinstance(one, str) else one for one in numbers]
    return stock.post(STOCK, {"numbers": lines}, headers=headers)


def post(stock, action, number=NUMBER, **body):
    return stock.post(f"{STOCK}/{number}/{action}", body)


def patch(stock, number=NUMBER, **body):
    return stock.request("PATCH", f"{STOCK}/{number}", body)


def shown(stock, query="", number=NUMBER):
    response = stock.get(f"{STOCK}/{number}{query}")
    assert response.status_code == 200, response.content
    return response.json()["data"]


# --- adding --------------------------------------------------------------------------------------


def test_numbers_are_added_each_with_its_own_price(stock, api):
    response = add(
        stock,
        {"number": NUMBER, "price": "2.50", "mms_enabled": False, "number_type": "local"},
        {"number": OTHER, "price": "0.00", "sms_enabled": None},
    )
    assert response.status_code == 201
    made = response.json()["data"]
    assert (made["count"], StockBatch.objects.get().pk.hex) == (
        2,
        made["batch_id"].replace("-", ""),
    )
    rows = PhoneNumber.objects.order_by("number").values_list("price", "sms_enabled", "mms_enabled")
    assert [(str(price), *rest) for price, *rest in rows] == [
        ("2.50", True, False),
        ("0.00", True, True),
    ]
    assert api.order([NUMBER, OTHER]).status_code == 200
    db_assertions.assert_in_order()


def test_monthly_prices_are_added_shown_and_changed(stock):
    add(stock, {"number": NUMBER, "price": "2.50", "monthly_price": "0.75"}, OTHER)
    assert (shown(stock)["price"], shown(stock)["monthly_price"]) == ("2.50", "0.75")
    assert str(PhoneNumber.objects.get(number=OTHER).monthly_price) == "0.00"
    changed = patch(stock, monthly_price="1.25", reason="as agreed").json()["data"]
    assert (changed["price"], changed["monthly_price"]) == ("2.50", "1.25")
    event = NumberEvent.objects.get()
    assert (event.before, event.after) == ({"monthly_price": "0.75"}, {"monthly_price": "1.25"})
    assert patch(stock, monthly_price="1.25").json()["data"] == changed
    db_assertions.assert_in_order()


def test_thousand_numbers_are_added_at_once_and_no_more(stock):
    assert add(stock, *factories.line(0, 1_000)).status_code == 201
    refused = add(stock, *factories.line(2_000, 1_001))
    assert list(error_of(refused, 422, "VALIDATION_FAILED")["details"]) == ["numbers"]
    assert PhoneNumber.objects.count() == 1_000


def test_every_bad_number_is_named_and_none_is_added(stock):
    factories.stock(OTHER)
    refused = add(
        stock,
        NUMBER,
        {"number": "+1415555"},
        {"number": NUMBER, "price": "-1.00"},
        {"number": 7, "price": "1.00", "colour": "red"},
        "not a number",
    )
    body = {"numbers": [NUMBER, {"number": NUMBER}]}
    assert set(error_of(refused, 422, "VALIDATION_FAILED")["details"]) == {
        "numbers[1].price",
        "numbers[2].price",
        "numbers[3].number",
        "numbers[3].colour",
        "numbers[4].number",
    }
    named = error_of(stock.post(STOCK, body), 422, "VALIDATION_FAILED")["details"]
    assert set(named) == {"numbers[0]", "numbers[1].price"}
    assert PhoneNumber.objects.count() == 1


def test_impossible_repeated_or_known_number_is_named(stock):
    factories.stock(OTHER)
    refused = add(stock, NUMBER, "+19115550123", NUMBER)
    assert set(error_of(refused, 422, "VALIDATION_FAILED")["details"]) == {
        "numbers[1].number",
        "numbers[2].number",
    }
    refused = add(stock, NUMBER, OTHER)
    details = error_of(refused, 422, "VALIDATION_FAILED")["details"]
    assert details == {"numbers[1].number": "is in stock already"}
    assert not PhoneNumber.objects.filter(number=NUMBER).exists()
    assert not StockBatch.objects.filter(actor__startswith="key:").exists()


def test_type_that_the_number_has_not_is_named(stock):
    refused = add(stock, {"number": NUMBER, "price": "1.00", "number_type": "toll_free"})
    details = error_of(refused, 422, "VALIDATION_FAILED")["details"]
    assert list(details) == ["numbers[0].number"]


@pytest.mark.parametrize("numbers", [None, [], {}, "x"])
def test_list_that_is_none_is_named(stock, numbers):
    refused = stock.post(STOCK, {"numbers": numbers})
    assert list(error_of(refused, 422, "VALIDATION_FAILED")["details"]) == ["numbers"]


def test_repeated_addition_with_its_key_is_answered_again(stock):
    headers = {"Idempotency-Key": "stock-1"}
    first, again = (add(stock, NUMBER, headers=headers) for _ in range(2))
    assert (first.status_code, again.content) == (201, first.content)
    assert IdempotencyRecord.objects.count() == 1


# --- reading -------------------------------------------------------------------------------------


def test_number_shows_its_owner_and_timeline(stock, cast, api):
    add(stock, NUMBER)
    bought = api.order([NUMBER]).json()["data"][0]
    number = shown(stock)
    assert (number["state"], number["price"]) == ("assigned", "1.00")
    assert number["owner"]["organization_id"] == str(cast.owner.pk)
    assert number["owner"]["assignment_id"] == bought["id"]
    assert [entry["kind"] for entry in number["timeline"]] == ["assigned", "stocked"]
    assert number["timeline"][1]["actor"] == f"key:{stock.secret[:12]}"
    assert number["owner_at"] is None


def test_owner_at_a_time_is_shown_after_its_release(stock, cast, api):
    add(stock, NUMBER)
    bought = api.order([NUMBER]).json()["data"][0]
    at = datetime.now(UTC)
    assert api.request("DELETE", f"/v1/phone-numbers/{bought['id']}").status_code == 200
    number = shown(stock, f"?at={at:%Y-%m-%dT%H:%M:%S.%fZ}")
    assert (number["state"], number["owner"]) == ("quarantined", None)
    assert number["owner_at"]["organization_name"] == "Owner"
    before = shown(stock, f"?at={at - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}")
    assert before["owner_at"] is None


def test_undone_release_ends_a_period_of_the_owner(stock, cast, api):
    add(stock, NUMBER)
    bought = api.order([NUMBER]).json()["data"][0]
    path = f"/v1/phone-numbers/{bought['id']}"
    moments = [datetime.now(UTC)]
    for method, action in (("DELETE", ""), ("POST", "/undo-release"), ("DELETE", "")):
        let_pass(timedelta(days=1))
        moments = [at - timedelta(days=1) for at in moments]
        assert api.request(method, f"{path}{action}").status_code == 200
        moments.append(datetime.now(UTC))
    owners = [shown(stock, f"?at={at:%Y-%m-%dT%H:%M:%S.%fZ}")["owner_at"] for at in moments]
    assert [owner is not None for owner in owners] == [True, False, True, False]
    events = NumberEvent.objects.order_by("id").values_list("at", flat=True)
    assigned, released, undone, again = (timestamp(at) for at in events)
    assert (owners[0]["since"], owners[0]["until"]) == (assigned, released)
    assert (owners[2]["since"], owners[2]["until"]) == (undone, again)


def test_timeline_writes_money_and_times_as_elsewhere(stock, cast, api):
    add(stock, {"number": NUMBER, "price": "0.60"})
    bought = api.order([NUMBER]).json()["data"][0]
    assert api.request("DELETE", f"/v1/phone-numbers/{bought['id']}").status_code == 200
    released, assigned, _ = shown(stock)["timeline"]
    assert assigned["after"]["price"] == "0.60"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", released["after"]["quarantined_until"])


def test_owner_is_found_at_the_time_that_its_sale_shows(stock, cast, api):
    add(stock, NUMBER)
    bought = api.order([NUMBER]).json()["data"][0]
    assert shown(stock, f"?at={bought['created_at']}")["owner_at"]["organization_name"] == "Owner"


@pytest.mark.parametrize("at", ["yesterday", "2026-04-26", "", "2999-01-01T00:00:00Z"])
def test_time_that_is_none_is_named(stock, at):
    add(stock, NUMBER)
    refused = stock.get(f"{STOCK}/{NUMBER}?at={at}")
    assert list(error_of(refused, 422, "VALIDATION_FAILED")["details"]) == ["at"]


@pytest.mark.parametrize("number", ["+14155559999", MISSING])
def test_unknown_number_is_404_everywhere(stock, cast, number):
    hold = {"organization_id": str(cast.owner.pk), "ttl_seconds": 60}
    for response in (
        stock.get(f"{STOCK}/{number}"),
        patch(stock, number, price="1.00"),
        post(stock, "retire", number),
        post(stock, "hold", number, **hold),
    ):
        error_of(response, 404, "NOT_FOUND")


# --- changing ------------------------------------------------------------------------------------


def test_price_and_capabilities_change_together(stock):
    add(stock, NUMBER)
    response = patch(stock, price="3.00", mms_enabled=False, reason="sought after")
    number = response.json()["data"]
    assert (number["price"], number["sms_enabled"], number["mms_enabled"]) == ("3.00", True, False)
    events = NumberEvent.objects.filter(request_id=response["X-Request-Id"])
    assert {event.kind for event in events} == {"priced", "changed"}
    assert {event.actor for event in events} == {f"key:{stock.secret[:12]}"}
    assert {event.reason for event in events} == {"sought after"}


def test_change_without_fields_changes_nothing(stock):
    add(stock, NUMBER)
    before = shown(stock)
    assert patch(stock).json()["data"] == before
    assert patch(stock, price="1.00", sms_enabled=True).json()["data"] == before


@pytest.mark.parametrize("field", ["number_type", "status", "sandbox"])
def test_field_that_can_not_change_is_refused(stock, field):
    add(stock, NUMBER)
    refused = patch(stock, **{field: "1.00", "price": "9.00"})
    assert list(error_of(refused, 400, "INVALID_INPUT")["details"]) == [field]
    assert shown(stock)["price"] == "1.00"


@pytest.mark.parametrize(
    ("body", "field"),
    [({"price": "x"}, "price"), ({"sms_enabled": 1}, "sms_enabled"), ({"reason": ""}, "reason")],
)
def test_bad_change_is_named(stock, body, field):
    add(stock, NUMBER)
    assert list(error_of(patch(stock, **body), 422, "VALIDATION_FAILED")["details"]) == [field]


def test_number_is_retired_once(stock):
    add(stock, NUMBER)
    for _ in range(2):
        response = post(stock, "retire", reason="ported out")
        assert response.json()["data"]["state"] == "retired"
    assert NumberEvent.objects.get().reason == "ported out"


def test_owned_number_is_not_retired(stock, api):
    add(stock, NUMBER)
    api.order([NUMBER])
    error_of(post(stock, "retire"), 409, "CONFLICT")
    assert shown(stock)["state"] == "assigned"


def test_held_number_can_be_ordered_by_its_organization_alone(stock, cast, api):
    add(stock, NUMBER)
    held = post(stock, "hold", organization_id=str(cast.owner.pk), ttl_seconds=86_400)
    assert held.json()["data"]["state"] == "held"
    stranger = api.using(cast.stranger_key)
    error_of(stranger.order([NUMBER]), 409, "INSUFFICIENT_INVENTORY")
    assert api.order([NUMBER]).status_code == 200


def test_second_hold_makes_it_longer_and_never_shorter(stock, cast):
    add(stock, NUMBER)
    ends = [
        post(stock, "hold", organization_id=str(cast.owner.pk), ttl_seconds=seconds).json()["data"][
            "state_until"
        ]
        for seconds in (3_600, 7_200, 60)
    ]
    assert ends[0] < ends[1] == ends[2]


def test_hold_of_the_operator_costs_the_customer_no_time(stock, cast, api):
    add(stock, NUMBER)
    for _ in range(2):
        body = {"organization_id": str(cast.owner.pk), "ttl_seconds": 3600}
        assert post(stock, "hold", **body).status_code == 200
    held = {"numbers": [NUMBER], "ttl_seconds": 60}
    assert api.post(RESERVATIONS, held).status_code == 201
    let_pass(timedelta(hours=2))
    assert api.post(RESERVATIONS, {"numbers": [NUMBER], "ttl_seconds": 1800}).status_code == 201


def test_hold_of_what_is_not_available_is_refused(stock, cast, api):
    add(stock, NUMBER)
    mine = {"organization_id": str(cast.owner.pk), "ttl_seconds": 60}
    post(stock, "hold", **mine)
    theirs = {**mine, "organization_id": str(cast.stranger.pk)}
    error_of(post(stock, "hold", **theirs), 409, "NUMBER_NOT_AVAILABLE")
    sandbox = {**mine, "organization_id": str(cast.sandbox.pk)}
    assert "sandboxes" in error_of(post(stock, "hold", **sandbox), 409, "CONFLICT")["message"]
    api.order([NUMBER])
    error_of(post(stock, "hold", **mine), 409, "NUMBER_NOT_AVAILABLE")


def test_hold_with_a_key_is_made_once(stock, cast):
    add(stock, NUMBER)
    body = {"organization_id": str(cast.owner.pk), "ttl_seconds": 600}
    first, again, other = (
        stock.post(
            f"{STOCK}/{NUMBER}/hold", {**body, **more}, headers={"Idempotency-Key": "hold-1"}
        )
        for more in ({}, {}, {"ttl_seconds": 700})
    )
    assert (first.status_code, again.content) == (200, first.content)
    assert again["Idempotent-Replayed"] == "true"
    error_of(other, 422, "IDEMPOTENCY_KEY_REUSED")
    assert Reservation.objects.count() == 1


def test_reservation_ends_when_the_operator_retires_its_numbers(stock, cast, api):
    both = [NUMBER, "+14155550124"]
    for number in both:
        add(stock, number)
    held = api.post(RESERVATIONS, {"numbers": both, "ttl_seconds": 600}).json()["data"]

    def status():
        return api.get(f"{RESERVATIONS}/{held['id']}").json()["data"]["status"]

    for number, after in zip(both, ("active", "released"), strict=True):
        assert stock.post(f"{STOCK}/{number}/retire", {"reason": "ported"}).status_code == 200
        assert status() == after


def test_owner_reads_in_its_log_what_the_operator_changed(stock, cast, api):
    add(stock, NUMBER)
    api.order([NUMBER])
    for change in ({"mms_enabled": False}, {"price": "9.00"}):
        stock.request("PATCH", f"{STOCK}/{NUMBER}", change)
    rows = api.get("/v1/audit-log").json()["data"]
    changes = [one["after"] for one in rows if one["action"] == "phone_number.changed"]
    assert changes == [{"mms_enabled": False}]


def test_every_bad_number_is_named_at_once(stock):
    add(stock, NUMBER)
    numbers = [
        *({"number": NUMBER, "price": "1"}, {"number": "+14155550124", "price": "1"}),
        *({"number": "+14155550124", "price": "1"}, {"number": "a", "price": "1"}),
    ]
    details = error_of(stock.post(STOCK, {"numbers": numbers}), 422, "VALIDATION_FAILED")["details"]
    assert list(details) == ["numbers[0].number", "numbers[2].number", "numbers[3].number"]
    numbers = [5, {"number": NUMBER, "price": "x"}, {"number": "a", "price": "1"}]
    details = error_of(stock.post(STOCK, {"numbers": numbers}), 422, "VALIDATION_FAILED")["details"]
    assert set(details) == {"numbers[0]", "numbers[1].price", "numbers[2].number"}


@pytest.mark.parametrize("ending", ["0001", "0006", "0010", "9999"])
def test_number_that_forces_an_outcome_is_never_in_stock(stock, ending):
    body = {"numbers": [{"number": f"+1500555{ending}", "price": "1"}]}
    error = error_of(stock.post(STOCK, body), 422, "VALIDATION_FAILED")
    assert "sandbox" in error["details"]["numbers[0].number"]


def test_hold_for_a_suspended_or_unknown_organization_is_refused(stock, cast):
    add(stock, NUMBER)
    Organization.objects.filter(pk=cast.owner.pk).update(status="SUSPENDED")
    body = {"organization_id": str(cast.owner.pk), "ttl_seconds": 60}
    error_of(post(stock, "hold", **body), 409, "CONFLICT")
    error_of(post(stock, "hold", organization_id=str(uuid4()), ttl_seconds=60), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"organization_id": "x", "ttl_seconds": 60}, "organization_id"),
        ({"organization_id": None, "ttl_seconds": 60}, "organization_id"),
        ({"organization_id": str(uuid4()), "ttl_seconds": 59}, "ttl_seconds"),
        ({"organization_id": str(uuid4()), "ttl_seconds": 31_622_401}, "ttl_seconds"),
        ({"organization_id": str(uuid4())}, "ttl_seconds"),
    ],
)
def test_bad_hold_is_named(stock, body, field):
    add(stock, NUMBER)
    assert list(error_of(post(stock, "hold", **body), 422, "VALIDATION_FAILED")["details"]) == [
        field
    ]
