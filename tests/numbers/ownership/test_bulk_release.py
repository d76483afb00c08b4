"""Up to a hundred numbers released together, each on its own."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support import db_assertions, factories
from tests.support.api_client import error_of, refused
from tests.support.phone_numbers import BULK_RELEASE, MISSING, listed, owned, release, search
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def books_in_order(db):
    yield
    db_assertions.assert_in_order()


def release_all(api, *ids, **body):
    return api.post(BULK_RELEASE, {"ids": list(ids), **body})


def outcome(api, *ids):
    response = release_all(api, *ids)
    assert response.status_code == 200, response.json()
    return response.json()["data"]


def test_each_id_is_in_exactly_one_of_four_lists(api, cast):
    mine, gone = owned(api, *factories.stock(*factories.line(0, 2)))
    (theirs,) = owned(api.using(cast.stranger_key), *factories.stock(*factories.line(9)))
    release(api, gone)
    assert outcome(api, theirs, mine, MISSING, gone) == {
        "released": [mine],
        "unknown": [theirs, MISSING],
        "already_released": [gone],
        "locked": [],
    }
    assert outcome(api, mine) == {
        "released": [],
        "unknown": [],
        "already_released": [mine],
        "locked": [],
    }
    assert db_assertions.owners() == {"+14152000009": "Stranger"}


def test_duplicates_are_merged_also_in_capitals(api):
    one, two = owned(api, *factories.stock(*factories.line(0, 2)))
    data = outcome(api, two, one, two, one.upper(), MISSING, MISSING)
    assert data == {
        "released": [two, one],
        "unknown": [MISSING],
        "already_released": [],
        "locked": [],
    }


def test_bulk_release_quarantines_like_a_single_release(api):
    numbers = factories.stock(*factories.line(0, 3))
    outcome(api, *owned(api, *numbers, label="x"))
    assert (listed(api), search(api)) == ([], [])
    assert db_assertions.rows("SELECT DISTINCT label FROM numbers_assignment") == [("",)]
    assert db_assertions.rows(
        "SELECT count(*) FROM numbers_numberevent WHERE kind = 'released'"
    ) == [(3,)]
    let_pass(timedelta(days=45, seconds=1))
    assert sorted(search(api)) == numbers


def test_releasing_a_hundred_takes_as_many_statements_as_one(api):
    ids = owned(api, *factories.stock(*factories.line(0, 100)))
    more = owned(api, *factories.stock(*factories.line(200), price="0.00"))
    counts = []
    for some in (more, ids):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert len(outcome(api, *some)["released"]) == len(some)
        counts.append(len(queries))
    # authenticate · savepoint · time-outs · ownerships · numbers · all written · savepoint
    assert counts == [8, 8]


IDS = "must be a list of 1 to 100 ids of your phone numbers"
REFERENCE = "must be the UUID of a phone number, or the number in E.164"
WRONG: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "missing": ({}, {"ids": IDS}),
    "null": ({"ids": None}, {"ids": IDS}),
    "empty": ({"ids": []}, {"ids": IDS}),
    "text": ({"ids": MISSING}, {"ids": IDS}),
    "101": ({"ids": [MISSING] * 101}, {"ids": IDS}),
    "no uuid": ({"ids": [MISSING, "1"]}, {"ids[1]": REFERENCE}),
    "null within": ({"ids": [None, MISSING]}, {"ids[0]": REFERENCE}),
    "a number": ({"ids": ["+14152000000", 7]}, {"ids[1]": REFERENCE}),
    "no E.164": ({"ids": ["14152000000", "+0415"]}, {"ids[0]": REFERENCE, "ids[1]": REFERENCE}),
    "misspelt": (
        {"ids": [MISSING], "reason": "x"},
        {"reason": "is not a field of this request; known: ids, return_to_carrier"},
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_ids_are_422_and_nothing_is_released(api, kind):
    body, details = WRONG[kind]
    (mine,) = owned(api, *factories.stock(*factories.line(0)))
    if isinstance(body.get("ids"), list) and len(body["ids"]) in range(1, 100):
        body = {**body, "ids": [*body["ids"], mine]}
    refused(
        api.post(BULK_RELEASE, body),
        422,
        "VALIDATION_FAILED",
        "validation failed",
        error={"details": details},
    )
    assert listed(api) == ["+14152000000"]


@pytest.mark.parametrize("value", [True, False, "true", 0])
def test_returning_to_the_carrier_in_bulk_is_403_for_everyone(api, value):
    """The owner's key has every scope there is."""
    (mine,) = owned(api, *factories.stock(*factories.line(0)))
    error_of(release_all(api, mine, return_to_carrier=value), 403, "FORBIDDEN")
    error_of(api.post(f"{BULK_RELEASE}?return_to_carrier=true", {"ids": [mine]}), 403, "FORBIDDEN")
    error_of(release_all(api, return_to_carrier=value), 403, "FORBIDDEN")
    assert listed(api) == ["+14152000000"]


def test_key_that_may_only_read_is_403(api, cast):
    (mine,) = owned(api, *factories.stock(*factories.line(0)))
    colleague = api.using(cast.colleague_key)
    refused(release_all(colleague, mine), 403, "FORBIDDEN", "missing required scope")
    assert listed(api) == ["+14152000000"]
