"""Sandbox numbers that force each outcome, and are unavailable to a live key."""

import re

import pytest

from numbers.models import IdempotencyRecord, NumberEvent, Order, Reservation
from numbers.orders import sandbox as orders_sandbox
from tests.support import factories
from tests.support.api_client import error_of, refused

HOLDS = "/v1/phone-numbers/reservations"
UNAVAILABLE, HELD, YOURS = "+15005550001", "+15005550002", "+15005550003"
NO_CREDIT, RATE_LIMITED, GOES_WELL, IN_PROGRESS = (
    "+15005550004",
    "+15005550005",
    "+15005550006",
    "+15005550007",
)
BUG, AWAY, NOT_ACTIVE, NOT_VERIFIED = "+15005550008", "+15005550009", "+15005550010", "+15005550011"

ROWS = re.findall(r"(?m)^(\+1500555\d{4}) +(\d{3})(?:, \d{3}| ([A-Z_]+))", orders_sandbox.__doc__)
OF_HOLDS = {UNAVAILABLE, HELD, YOURS, RATE_LIMITED, GOES_WELL, BUG, AWAY}

pytestmark = pytest.mark.django_db


@pytest.fixture
def sandbox(api, cast):
    return api.using(cast.sandbox_key)


def hold(api, *numbers: str):
    return api.post(HOLDS, {"numbers": list(numbers)})


def test_documented_table_is_complete():
    assert len(ROWS) == 12
    assert {number for number, _, code in ROWS if code} == orders_sandbox.REFUSALS.keys()


@pytest.mark.parametrize(("number", "status", "code"), ROWS)
@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_each_number_of_the_table_answers_an_order_as_documented(
    sandbox, number, status, code, query
):
    response = sandbox.order([number], query=query)
    assert response.status_code == int(status), response.content
    if code:
        error_of(response, int(status), code)
    assert response["RateLimit-Limit"]


@pytest.mark.parametrize(("number", "status", "code"), ROWS)
def test_each_number_applies_to_reservations_where_possible(sandbox, number, status, code):
    response = hold(sandbox, number)
    if number == GOES_WELL:
        assert response.status_code == 201
    elif number in OF_HOLDS:
        error_of(response, int(status), code)
    else:
        error_of(response, 409, "INSUFFICIENT_INVENTORY")


@pytest.mark.parametrize(("number", "status", "code"), ROWS)
def test_magic_number_is_unavailable_to_a_live_key(api, number, status, code):
    unknown = "+15005559999"
    for order in (
        api.order,
        lambda numbers: api.order(numbers, query="?dry_run=true"),
        lambda numbers: hold(api, *numbers),
    ):
        magical, ordinary = order([number]), order([unknown])
        assert magical.status_code == ordinary.status_code == 409
        bodies = [
            answer.content.replace(answer["X-Request-Id"].encode(), b"")
            for answer in (magical, ordinary)
        ]
        assert bodies[0].replace(number.encode(), unknown.encode()) == bodies[1]


def test_forced_response_writes_nothing(sandbox):
    for number, _, _ in ROWS:
        sandbox.order([number])
        hold(sandbox, number)
    for model in (Order, NumberEvent, Reservation, IdempotencyRecord):
        assert not model.objects.exists()


# --- what a program needs to go on ---------------------------------------------------------------


@pytest.mark.parametrize("number", [UNAVAILABLE, HELD])
@pytest.mark.parametrize("order", ["order", "hold"])
def test_unavailable_number_has_a_test_alternative(sandbox, number, order):
    (near,) = factories.stock(*factories.line(1), sandbox=True)
    response = sandbox.order([number, near]) if order == "order" else hold(sandbox, number, near)
    body = response.json()
    assert body["error"]["message"] == "insufficient inventory: requested 2, available 1"
    assert response["x-should-retry"] == "false"
    assert body["data"] == {
        "available_count": 1,
        "unavailable": [number],
        "already_yours": [],
        "alternatives": {},
    }
    (other,) = factories.stock(*factories.line(2), sandbox=True)
    again = sandbox.order([number, near]) if order == "order" else hold(sandbox, number, near)
    assert again.json()["data"]["alternatives"] == {number: other}


def test_number_already_owned_is_reported_as_yours(sandbox):
    factories.stock(*factories.line(1), sandbox=True)
    response = sandbox.order([YOURS])
    assert response["x-should-retry"] == "false"
    assert response.json()["data"] == {
        "available_count": 0,
        "unavailable": [YOURS],
        "already_yours": [YOURS],
        "alternatives": {},
    }


def test_insufficient_credit_has_the_arithmetic(sandbox):
    refused(
        sandbox.order([NO_CREDIT, *factories.line(1)]),
        402,
        "INSUFFICIENT_CREDIT",
        "insufficient credit",
        data={"required": "2.00", "balance": "0.00", "shortfall": "2.00", "currency": "USD"},
    )


@pytest.mark.parametrize("number", [RATE_LIMITED, IN_PROGRESS, AWAY])
def test_temporary_refusal_has_retry_after(sandbox, number):
    assert sandbox.order([number])["Retry-After"] == "1"


def test_forced_error_is_500_and_not_logged_as_unforeseen(sandbox, caplog):
    refused(sandbox.order([BUG]), 500, "INTERNAL_ERROR", "internal error")
    assert "unforeseen" not in caplog.text


def test_campaigns_state_is_forced_without_a_campaign(sandbox):
    assert sandbox.order([NOT_ACTIVE])["x-should-retry"] == "false"
    assert sandbox.order([NOT_VERIFIED])["x-should-retry"] == "false"


# --- what is decided before, and which of several decides ----------------------------------------


def test_body_is_validated_first(sandbox):
    error = error_of(sandbox.order([AWAY], labl="x"), 422, "VALIDATION_FAILED")
    assert list(error["details"]) == ["labl"]
    error_of(
        sandbox.order([AWAY], headers={"Idempotency-Key": "with blanks"}), 422, "VALIDATION_FAILED"
    )
    error_of(sandbox.post(HOLDS, {"numbers": [AWAY], "ttl_seconds": 1}), 422, "VALIDATION_FAILED")


def test_first_refusing_number_decides(sandbox):
    error_of(
        sandbox.order([GOES_WELL, *factories.line(1), NO_CREDIT, AWAY]), 402, "INSUFFICIENT_CREDIT"
    )
    error_of(sandbox.order([AWAY, NO_CREDIT]), 503, "SERVICE_UNAVAILABLE")


def test_success_number_is_unavailable_beside_others(sandbox):
    near = factories.stock(*factories.line(1), sandbox=True)
    response = sandbox.order([GOES_WELL, *near])
    assert response.json()["data"]["unavailable"] == [GOES_WELL]
    assert not Order.objects.exists()


# --- the number that goes well -------------------------------------------------------------------


def test_successful_order_looks_like_any_other_and_is_repeatable(sandbox, cast):
    (number,) = factories.stock(*factories.line(1), sandbox=True)
    body = {"label": "support", "inbound_url": "https://customer.example/in"}
    real, forced, again = (
        sandbox.order([one], **body).json() for one in (number, GOES_WELL, GOES_WELL)
    )
    changing = {"id", "number", "created_at", "updated_at"}
    (of_real,), (of_forced,) = real["data"], forced["data"]
    assert list(of_forced) == list(of_real)
    assert {name: of_forced[name] for name in of_forced.keys() - changing} == {
        name: of_real[name] for name in of_real.keys() - changing
    }
    assert of_forced["number"] == GOES_WELL
    assert forced["meta"].keys() == real["meta"].keys()
    assert again["meta"] != forced["meta"]
    assert error_of(sandbox.get(f"/v1/phone-numbers/{of_forced['id']}"), 404, "NOT_FOUND")


def test_successful_dry_run_looks_like_any_other(sandbox):
    assert sandbox.order([GOES_WELL], query="?dry_run=true").json()["data"] == {
        "numbers": [{"number": GOES_WELL, "price": "1.00", "monthly_price": "0.00"}],
        "total": "1.00",
        "currency": "USD",
        "balance_after": "0.00",
    }


def test_successful_hold_looks_like_any_other(sandbox):
    (number,) = factories.stock(*factories.line(1), sandbox=True)
    real, forced = (hold(sandbox, one).json()["data"] for one in (number, GOES_WELL))
    assert list(forced) == list(real)
    assert (forced["status"], forced["held_numbers"]) == ("active", [GOES_WELL])
    error_of(sandbox.get(f"{HOLDS}/{forced['id']}"), 404, "NOT_FOUND")


def test_retry_with_its_key_gets_the_same_bytes(sandbox):
    key = {"Idempotency-Key": "k-1"}
    first, second = (sandbox.order([GOES_WELL], headers=key) for _ in range(2))
    assert first.content == second.content
    assert not first.has_header("Idempotent-Replayed")
    assert second["Idempotent-Replayed"] == "true"
    error_of(sandbox.order([GOES_WELL], label="other", headers=key), 422, "IDEMPOTENCY_KEY_REUSED")


def test_forced_refusal_does_not_use_its_key_up(sandbox):
    key = {"Idempotency-Key": "k-1"}
    for number in (IN_PROGRESS, AWAY, NO_CREDIT):
        assert sandbox.order([number], headers=key).status_code >= 400
    assert sandbox.order([GOES_WELL], headers=key).status_code == 200
