"""Holds of named numbers: all or nothing, for a while, for one organization."""

from datetime import datetime, timedelta
from functools import partial

import pytest
from django.db.models import F

from numbers.models import PhoneNumber
from numbers.ownership.release import retire
from tests.support import db_assertions, factories
from tests.support.api_client import Api, error_of, refused
from tests.support.concurrency import at_once
from tests.support.pagination import walk
from tests.support.phone_numbers import RESERVATIONS, hold, owned, release, release_hold, search
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def books_in_order(db):
    yield
    db_assertions.assert_in_order()


def held_by(api, reservation_id):
    """Its status, and what it holds."""
    response = api.get(f"{RESERVATIONS}/{reservation_id}")
    assert response.status_code == 200
    data = response.json()["data"]
    return data["status"], data["held_numbers"]


def length(reservation):
    return datetime.fromisoformat(reservation["expires_at"]) - datetime.fromisoformat(
        reservation["created_at"]
    )


def of_stranger(number, cast, api):
    return api.using(cast.stranger_key).order([number])


# --- made ----------------------------------------------------------------------------------------


def test_hold_is_201_with_its_numbers_and_its_end(api, cast):
    numbers = factories.stock(*factories.line(0, 3))
    response = api.post(RESERVATIONS, {"numbers": numbers[::-1]})
    assert response.status_code == 201
    data = response.json()["data"]
    assert list(data) == [
        "id",
        "status",
        "numbers",
        "held_numbers",
        "created_at",
        "expires_at",
        "released_at",
    ]
    assert (data["status"], data["numbers"], data["held_numbers"]) == (
        "active",
        numbers[::-1],
        numbers,
    )
    assert length(data) == timedelta(minutes=10)
    assert data["released_at"] is None
    recorded = db_assertions.rows(
        "SELECT kind, organization_id, actor, request_id FROM numbers_numberevent"
    )
    assert (
        recorded
        == [("held", cast.owner.pk, f"key:{cast.owner_key[:12]}", response["X-Request-Id"])] * 3
    )


@pytest.mark.parametrize("seconds", [60, 61, 1800])
def test_hold_lasts_as_long_as_requested(api, seconds):
    assert length(
        hold(api, *factories.stock(*factories.line(0)), ttl_seconds=seconds)
    ) == timedelta(seconds=seconds)


def test_hold_costs_nothing(api, cast):
    hold(api, *factories.stock(*factories.line(0), price="500.00"))
    assert (db_assertions.balance(cast.owner), db_assertions.charges(cast.owner)) == (100, [])


def test_hundred_numbers_can_be_held_at_once(api):
    assert len(hold(api, *factories.stock(*factories.line(0, 100)))["held_numbers"]) == 100


def test_number_whose_quarantine_has_passed_can_be_held(api):
    (number,) = factories.stock(*factories.line(0))
    release(api, *owned(api, number))
    let_pass(timedelta(days=46))
    hold(api, number)
    assert db_assertions.row("SELECT status, quarantined_until FROM numbers_phonenumber") == {
        "status": "available",
        "quarantined_until": None,
    }


def test_sandbox_holds_test_numbers_only(api, cast):
    sandbox = api.using(cast.sandbox_key)
    (test_number,) = factories.stock("+14155550100", sandbox=True)
    error_of(
        sandbox.post(RESERVATIONS, {"numbers": factories.stock("+14152000001")}),
        409,
        "INSUFFICIENT_INVENTORY",
    )
    assert hold(sandbox, test_number)["held_numbers"] == [test_number]


# --- refused -------------------------------------------------------------------------------------

TTL = "must be a whole number of seconds from 60 to 1800"
LIST = "a list of 1 to 100 E.164 numbers such as +14155550123"
WRONG = [
    *[
        ({"ttl_seconds": value}, "ttl_seconds", TTL)
        for value in (59, 1801, 0, -600, "600", 600.0, True, [])
    ],
    ({"numbers": None}, "numbers", f"is required: {LIST}"),
    ({"numbers": []}, "numbers", f"must be {LIST}"),
    ({"numbers": factories.line(0, 101)}, "numbers", f"must be {LIST}"),
    ({"numbers": ["4152000000"]}, "numbers[0]", "must be an E.164 number such as +14155550123"),
    ({"numbers": factories.line(0) * 2}, "numbers[1]", "repeats numbers[0]: name each number once"),
    ({"ttl": 60}, "ttl", "is not a field of this request; known: numbers, ttl_seconds"),
]


@pytest.mark.parametrize(("body", "field", "sentence"), WRONG)
def test_wrong_field_is_422_and_named(api, body, field, sentence):
    numbers = factories.stock(*factories.line(0))
    response = api.post(RESERVATIONS, {"numbers": numbers, **body})
    refused(
        response,
        422,
        "VALIDATION_FAILED",
        "validation failed",
        error={"details": {field: sentence}},
    )
    assert search(api) == numbers


def retired(number):
    ids = list(PhoneNumber.objects.filter(number=number).values_list("id", flat=True))
    retire(number_ids=ids, actor=factories.actor(), reason="worn out")


TAKEN = {
    "it does not exist": lambda cast, number: None,
    "a stranger owns it": lambda cast, number: factories.own(
        cast.stranger, *factories.stock(number)
    ),
    "it is ours already": lambda cast, number: factories.own(cast.owner, *factories.stock(number)),
    "a stranger holds it": lambda cast, number: factories.hold(
        cast.stranger, *factories.stock(number)
    ),
    "it is retired": lambda cast, number: retired(*factories.stock(number)),
}


@pytest.mark.parametrize("why", TAKEN)
def test_unavailable_number_refuses_the_whole_hold(api, cast, why):
    free = factories.stock(*factories.line(0, 2))
    (taken,) = factories.line(9)
    TAKEN[why](cast, taken)
    response = api.post(RESERVATIONS, {"numbers": [free[0], taken, free[1]]})
    message = "insufficient inventory: requested 3, available 2"
    yours = [taken] if why == "it is ours already" else []
    data = {
        "available_count": 2,
        "unavailable": [taken],
        "already_yours": yours,
        "alternatives": {},
    }
    refused(response, 409, "INSUFFICIENT_INVENTORY", message, data=data)
    assert response["x-should-retry"] == "false"
    assert sorted(search(api)) == free
    assert (
        db_assertions.rows(
            "SELECT 1 FROM numbers_reservation WHERE organization_id = %s", cast.owner.pk
        )
        == []
    )


def test_refused_hold_names_alternatives(api, cast):
    wanted, near = factories.stock(*factories.line(0, 2))
    factories.hold(cast.stranger, wanted)
    assert api.post(RESERVATIONS, {"numbers": [wanted]}).json()["data"]["alternatives"] == {
        wanted: near
    }


# --- who may do what while it lasts --------------------------------------------------------------


def test_held_numbers_are_hidden_and_refused_to_others(api, cast):
    (number,) = factories.stock(*factories.line(0))
    hold(api, number)
    stranger = api.using(cast.stranger_key)
    error_of(stranger.order([number]), 409, "INSUFFICIENT_INVENTORY")
    error_of(stranger.post(RESERVATIONS, {"numbers": [number]}), 409, "INSUFFICIENT_INVENTORY")
    assert search(stranger) == []
    assert (
        stranger.post(
            "/v1/phone-numbers/bulk", {"quantity": 1, "max_price_per_number": "9.00"}
        ).status_code
        == 202
    )


def test_order_by_any_key_of_the_organization_takes_held_numbers(api, cast):
    one, two = factories.stock(*factories.line(0, 2))
    reservation = hold(api, one, two)
    owned(api.using(factories.key(cast.owner)), one)
    assert held_by(api, reservation["id"]) == ("active", [two])
    assert of_stranger(two, cast, api).status_code == 409


def test_hold_that_was_ordered_and_released_again_is_not_held(api, cast):
    (number,) = factories.stock(*factories.line(0))
    reservation = hold(api, number)
    (number_id,) = owned(api, number)
    release(api, number_id)
    assert held_by(api, reservation["id"]) == ("used", [])
    assert release_hold(api, reservation["id"]).json()["data"]["status"] == "released"
    assert db_assertions.row("SELECT status FROM numbers_phonenumber") == {"status": "quarantined"}


# --- the end -------------------------------------------------------------------------------------


def test_hold_expires_without_a_job(api, cast):
    (number,) = factories.stock(*factories.line(0))
    reservation = hold(api, number, ttl_seconds=60)
    let_pass(timedelta(seconds=30))
    assert of_stranger(number, cast, api).status_code == 409
    let_pass(timedelta(seconds=30))
    assert held_by(api, reservation["id"]) == ("expired", [])
    assert of_stranger(number, cast, api).status_code == 200
    assert held_by(api, reservation["id"]) == ("expired", [])


def test_release_frees_the_numbers_at_once_and_is_idempotent(api, cast):
    numbers = factories.stock(*factories.line(0, 2))
    reservation = hold(api, *numbers)
    first = release_hold(api, reservation["id"])
    assert first.status_code == 200
    data = first.json()["data"]
    assert (data["status"], data["held_numbers"], data["numbers"]) == ("released", [], numbers)
    assert data["released_at"] is not None
    assert release_hold(api, reservation["id"]).json() == first.json()
    assert db_assertions.rows(
        "SELECT count(*) FROM numbers_numberevent WHERE kind = 'hold_released'"
    ) == [(2,)]
    assert all(of_stranger(number, cast, api).status_code == 200 for number in numbers)


def test_release_of_an_expired_hold_keeps_the_current_one(api, cast):
    (number,) = factories.stock(*factories.line(0))
    mine = hold(api, number, ttl_seconds=60)
    let_pass(timedelta(seconds=61))
    theirs = hold(api.using(cast.stranger_key), number)
    assert release_hold(api, mine["id"]).json()["data"]["status"] == "expired"
    assert held_by(api.using(cast.stranger_key), theirs["id"]) == ("active", [number])


def test_second_reservation_extends_the_hold_and_takes_it_over(api):
    one, two = factories.stock(*factories.line(0, 2))
    first = hold(api, one, two, ttl_seconds=60)
    again = hold(api, two, ttl_seconds=1800)
    assert held_by(api, first["id"]) == ("active", [one])
    release_hold(api, first["id"])
    let_pass(timedelta(seconds=120))
    assert held_by(api, again["id"]) == ("active", [two])
    assert search(api) == [one]


# --- how many ------------------------------------------------------------------------------------


def test_organization_holds_500_numbers_at_most(api, cast):
    numbers = factories.stock(*factories.line(0, 501))
    held = [hold(api, *numbers[start : start + 100]) for start in range(0, 500, 100)]
    response = api.post(RESERVATIONS, {"numbers": numbers[500:]})
    sentence = (
        "would make 501 numbers on hold, 500 are allowed: order or release some of them first"
    )
    refused(
        response,
        422,
        "VALIDATION_FAILED",
        "validation failed",
        error={"details": {"numbers": sentence}},
    )
    hold(api, *numbers[:100])  # holding again what one holds takes no more
    hold(api.using(cast.stranger_key), numbers[500])  # and others have their own 500
    release_hold(api, held[1]["id"])
    hold(api, numbers[100])


def test_ordered_and_expired_holds_do_not_count(api):
    numbers = factories.stock(*factories.line(0, 600), price="0.01")
    for start in range(0, 500, 100):
        hold(api, *numbers[start : start + 100])
    owned(api, *numbers[:50])
    PhoneNumber.objects.filter(number__in=numbers[50:100]).update(
        held_until=F("held_until") - timedelta(hours=1)
    )
    hold(api, *numbers[500:])
    error_of(api.post(RESERVATIONS, {"numbers": numbers[50:51]}), 422, "VALIDATION_FAILED")


@pytest.mark.django_db(transaction=True)
def test_concurrent_holds_cannot_exceed_the_limit(api, cast):
    numbers = factories.stock(*factories.line(0, 800))
    for start in range(0, 400, 100):
        hold(api, *numbers[start : start + 100])
    works = [partial(Api(cast.owner_key).post, RESERVATIONS, {"numbers": numbers[start : start + 100]})
             for start in (400, 500, 600, 700)]  # fmt: skip
    assert sorted(answer.status_code for answer in at_once(works)) == [201, 422, 422, 422]
    assert db_assertions.rows(
        "SELECT count(*) FROM numbers_phonenumber WHERE held_for_id IS NOT NULL"
    ) == [(500,)]


# --- read ----------------------------------------------------------------------------------------


def test_own_holds_are_listed_newest_first_with_ended_ones(api, cast):
    numbers = factories.stock(*factories.line(0, 5))
    made = [hold(api, number, ttl_seconds=60 + 60 * at)["id"] for at, number in enumerate(numbers)]
    hold(api.using(cast.stranger_key), *factories.stock(*factories.line(9)))
    release_hold(api, made[4])
    let_pass(timedelta(seconds=61))
    rows = walk(api, RESERVATIONS)
    assert [row["id"] for row in rows] == made[::-1]
    assert [row["status"] for row in rows] == ["released", "active", "active", "active", "expired"]
    assert [row["held_numbers"] for row in rows] == [
        [],
        [numbers[3]],
        [numbers[2]],
        [numbers[1]],
        [],
    ]
    for row in rows:
        assert api.get(f"{RESERVATIONS}/{row['id']}").json()["data"] == row


@pytest.mark.parametrize("number", [1, 20])
def test_list_takes_the_same_statements_however_long_it_is(api, number, django_assert_num_queries):
    for start in range(number):
        hold(api, *factories.stock(*factories.line(start * 10, 3)))
    with django_assert_num_queries(3):  # authenticate · holds · what they hold
        assert len(api.get(RESERVATIONS).json()["data"]) == number


@pytest.mark.parametrize("number", [1, 100])
def test_hold_of_1_and_of_100_takes_the_same_statements(api, number, django_assert_num_queries):
    numbers = factories.stock(*factories.line(0, number))
    search(api)
    # authenticate · savepoint · time-outs · account · numbers · quota · all written · read back ·
    # savepoint · held
    with django_assert_num_queries(11):
        hold(api, *numbers)
