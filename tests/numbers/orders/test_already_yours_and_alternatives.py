"""A refused order names what the caller already owns and what it could order instead."""

import random
from datetime import timedelta
from itertools import takewhile

import pytest
from django.utils import timezone

from tests.support import db_assertions, factories

pytestmark = pytest.mark.django_db


def data_of(response):
    assert response.json()["error"]["code"] == "INSUFFICIENT_INVENTORY"
    return response.json()["data"]


def alternatives(api, *numbers):
    return data_of(api.order(list(numbers)))["alternatives"]


# --- already_yours -------------------------------------------------------------------------------


def test_client_that_lost_the_response_sees_its_own_numbers(api):
    numbers = factories.stock(*factories.line(0, 3))
    asked = numbers[::-1]
    assert api.order(asked).status_code == 200
    assert data_of(api.order(asked)) == {
        "available_count": 0,
        "unavailable": asked,
        "already_yours": asked,
        "alternatives": {},
    }


def test_already_yours_names_no_number_of_another_organization(api, cast):
    mine, theirs, free, missing = factories.line(0, 4)
    factories.stock(mine, theirs, free)
    factories.own(cast.owner, mine)
    factories.own(cast.stranger, theirs)
    asked = [theirs, missing, free, mine]
    assert data_of(api.order(asked))["already_yours"] == [mine]
    assert data_of(api.using(cast.stranger_key).order(asked))["already_yours"] == [theirs]


def test_number_that_was_released_is_not_yours_any_more(api, cast):
    factories.own(cast.owner, *factories.stock("+14155550123"))
    factories.release("+14155550123", until=timezone.now() + timedelta(days=45))
    assert data_of(api.order(["+14155550123"]))["already_yours"] == []


def test_own_held_number_is_neither_unavailable_nor_yours(api, cast):
    held, missing = factories.line(0, 2)
    factories.hold(cast.owner, *factories.stock(held))
    answer = data_of(api.order([held, missing]))
    assert (answer["unavailable"], answer["already_yours"]) == ([missing], [])


def test_own_number_has_no_alternative(api, cast):
    mine, free = factories.stock(*factories.line(0, 2))
    factories.own(cast.owner, mine)
    assert alternatives(api, mine) == {}
    assert data_of(api.order([mine, free]))["available_count"] == 1


# --- which alternative ---------------------------------------------------------------------------


def test_longest_common_prefix_wins(api):
    factories.stock("+14155550199", "+14155550200", "+14155559999", "+12125550123", "+14165550123")
    assert alternatives(api, "+14155550123") == {"+14155550123": "+14155550199"}


@pytest.mark.parametrize(
    ("wanted", "nearest"), [("+14155550100", "+14155550190"), ("+14155550199", "+14155550190")]
)
def test_neighbors_on_both_sides_are_considered(api, wanted, nearest):
    factories.stock("+14155550190", "+14155560100", "+14155549199")
    assert alternatives(api, wanted) == {wanted: nearest}


def test_alternative_may_be_of_another_area_code(api):
    factories.stock("+12125550123", "+14255550123")
    assert alternatives(api, "+14155550123") == {"+14155550123": "+14255550123"}


def test_alternative_is_of_the_same_type(api):
    factories.stock("+14155550124", "+18005550124", "+141599")
    assert alternatives(api, "+18005550123") == {"+18005550123": "+18005550124"}
    assert alternatives(api, "+14155550123") == {"+14155550123": "+14155550124"}
    assert alternatives(api, "+141598") == {"+141598": "+141599"}


def test_type_of_a_number_is_taken_from_the_stock(api, cast):
    factories.stock("+14155550123", number_type="toll_free")
    factories.own(cast.stranger, "+14155550123")
    factories.stock("+14155550124", "+18005550124")
    assert alternatives(api, "+14155550123") == {"+14155550123": "+18005550124"}


def test_alternative_is_absent_when_its_type_is_sold_out(api):
    factories.stock("+14155550124")
    assert alternatives(api, "+18005550123", "+14155550123") == {"+14155550123": "+14155550124"}


def nearness(number, other):
    common = takewhile(lambda pair: pair[0] == pair[1], zip(number, other, strict=True))
    return other[:5] == number[:5], len(list(common))


@pytest.mark.parametrize("seed", range(5))
def test_each_number_gets_the_nearest_remaining_alternative(api, seed):
    draw = random.Random(seed)
    everything = [
        f"+1{area}555{line:04d}"
        for area in (415, 416, 212)
        for line in draw.sample(range(10_000), 60)
    ]
    draw.shuffle(everything)
    left, missing = set(factories.stock(*everything[:120])), everything[120:]
    given = alternatives(api, *missing)
    for number in missing:
        assert nearness(number, given[number]) == max(nearness(number, other) for other in left)
        left.remove(given[number])


# --- what is never an alternative ----------------------------------------------------------------


def test_alternatives_are_distinct_and_exclude_requested_numbers(api):
    free = factories.stock(*factories.line(100, 3))
    asked_and_free = factories.stock(*factories.line(110))
    missing = factories.line(104, 5)
    given = alternatives(api, *asked_and_free, *missing)
    assert sorted(given.values()) == free
    assert len(given) == 3
    assert set(given) <= set(missing)


def test_hundred_missing_numbers_get_a_hundred_alternatives(api):
    missing = factories.line(0, 100)
    free = factories.stock(*factories.line(100, 100))
    given = alternatives(api, *missing)
    assert (list(given), sorted(given.values())) == (missing, free)


NOT_FOR_YOU = {
    "assigned": lambda cast, number: factories.own(cast.stranger, *factories.stock(number)),
    "your own": lambda cast, number: factories.own(cast.owner, *factories.stock(number)),
    "retired": lambda cast, number: factories.stock(number, status="retired"),
    "in quarantine": lambda cast, number: factories.stock(
        number, status="quarantined", quarantined_until=timezone.now() + timedelta(minutes=1)
    ),
    "held by a stranger": lambda cast, number: factories.hold(
        cast.stranger, *factories.stock(number)
    ),
    "of the test inventory": lambda cast, number: factories.stock(number, sandbox=True),
}


@pytest.mark.parametrize("kind", NOT_FOR_YOU)
def test_unorderable_number_is_not_an_alternative(api, cast, kind):
    NOT_FOR_YOU[kind](cast, "+14155550124")
    factories.stock("+14155559999")
    assert alternatives(api, "+14155550123") == {"+14155550123": "+14155559999"}


FOR_YOU = {
    "held by yourself": lambda cast, number: factories.hold(cast.owner, *factories.stock(number)),
    "held by a stranger until just now": lambda cast, number: factories.hold(
        cast.stranger, *factories.stock(number), seconds=-1
    ),
    "out of quarantine": lambda cast, number: factories.stock(
        number, status="quarantined", quarantined_until=timezone.now() - timedelta(seconds=1)
    ),
}


@pytest.mark.parametrize("kind", FOR_YOU)
def test_alternative_is_orderable(api, cast, kind):
    FOR_YOU[kind](cast, "+14155550124")
    factories.stock("+14155559999")
    given = alternatives(api, "+14155550123")
    assert given == {"+14155550123": "+14155550124"}
    assert api.order(list(given.values())).status_code == 200
    db_assertions.assert_in_order(recorded=False)


def test_sandbox_is_offered_test_numbers_only(api, cast):
    factories.stock("+14155550124")
    factories.stock("+14155550199", sandbox=True)
    given = alternatives(api.using(cast.sandbox_key), "+14155550123")
    assert given == {"+14155550123": "+14155550199"}


def test_retry_with_the_alternatives_succeeds_without_a_search(api, cast):
    factories.stock(*factories.line(0, 6))
    taken = factories.line(0, 2)
    factories.own(cast.stranger, *taken)
    asked = factories.line(0, 4)
    answer = data_of(api.order(asked))
    retry = [answer["alternatives"].get(number, number) for number in asked]
    assert api.order(retry).status_code == 200
    assert set(db_assertions.owners()) == set(factories.line(0, 6))
