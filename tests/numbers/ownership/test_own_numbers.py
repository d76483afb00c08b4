"""An organization's own numbers: listed, searched, read."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.urls import resolve
from django.utils import timezone

from tests.support import factories
from tests.support.api_client import error_of, refused
from tests.support.endpoints import SOME_ID, endpoints
from tests.support.pagination import refuses_what_is_no_page, walk
from tests.support.phone_numbers import MISSING, NUMBERS, buy, hold, listed, owned, release

pytestmark = pytest.mark.django_db

ROUTING = {
    "inbound_url": "https://customer.example/in",
    "status_url": "https://customer.example/status",
    "label": "support-line",
}


def test_own_numbers_are_newest_first_with_the_order_fields(api, cast):
    campaign = factories.campaign(cast.owner)
    numbers = factories.stock(*factories.line(0, 3))
    lines = [
        api.order([number], campaign_id=str(campaign.pk), **ROUTING).json()["data"][0]
        for number in numbers
    ]
    assert api.get(NUMBERS).json() == {
        "success": True,
        "data": lines[::-1],
        "meta": {"next_cursor": None},
    }


def test_only_currently_owned_numbers_are_listed(api, cast):
    kept, released, held, _free = factories.stock(*factories.line(0, 4))
    owned(api, kept)
    release(api, *owned(api, released))
    hold(api, held)
    owned(api.using(cast.stranger_key), *factories.stock(*factories.line(9)))
    assert listed(api) == [kept]
    assert listed(api.using(cast.colleague_key)) == [kept]


def test_number_bought_back_is_listed_once_under_its_new_id(api):
    (number,) = factories.stock(*factories.line(0))
    (old,) = owned(api, number)
    release(api, old)
    factories.PhoneNumber.objects.update(quarantined_until=timezone.now() - timedelta(days=1))
    (new,) = owned(api, number)
    assert [one["id"] for one in api.get(NUMBERS).json()["data"]] == [new]
    assert api.get(f"{NUMBERS}/{old}").status_code == 404


def test_organization_without_numbers_has_an_empty_list(api):
    assert api.get(NUMBERS).json() == {"success": True, "data": [], "meta": {"next_cursor": None}}


# --- pages ---------------------------------------------------------------------------------------


def test_numbers_of_one_order_are_paged_completely(api):
    numbers = factories.stock(*factories.line(0, 45), price="0.10")
    owned(api, *numbers)
    assert sorted(one["number"] for one in walk(api, NUMBERS, limit=7)) == numbers


def test_pages_repeat_and_skip_nothing_when_numbers_change(api):
    numbers = factories.stock(*factories.line(0, 6))
    ids = [owned(api, number)[0] for number in numbers]
    fresh = iter(factories.stock(*factories.line(100, 10)))
    seen = walk(api, NUMBERS, limit=2, between=lambda: owned(api, next(fresh)))
    assert [one["id"] for one in seen] == ids[::-1]
    release(api, ids[3])
    assert len(walk(api, f"{NUMBERS}?search=+1415200000", limit=2)) == 5


@pytest.mark.parametrize(("query", "shown"), [("", 20), ("?limit=1", 1), ("?limit=100", 30)])
def test_page_has_twenty_by_default_and_a_hundred_at_most(api, query, shown):
    owned(api, *factories.stock(*factories.line(0, 30)))
    assert len(listed(api, query)) == shown


def test_invalid_page_is_422(api):
    refuses_what_is_no_page(api, NUMBERS)


def test_cursor_is_valid_for_its_own_filters(api):
    owned(api, *factories.stock(*factories.line(0, 3)), label="x")
    cursor = api.get(f"{NUMBERS}?label=x&limit=1").json()["meta"]["next_cursor"]
    assert len(api.get(f"{NUMBERS}?label=x&limit=1&cursor={cursor}").json()["data"]) == 1
    error_of(api.get(f"{NUMBERS}?label=y&limit=1&cursor={cursor}"), 422, "VALIDATION_FAILED")


# --- filters -------------------------------------------------------------------------------------


@pytest.fixture
def collection(api, cast):
    """Own numbers of every kind; gives the campaigns."""
    one, other = factories.campaign(cast.owner), factories.campaign(cast.owner)
    factories.stock("+14152000001", "+14152000002", "+12125550100", "+18005550199")
    factories.stock("+172345", number_type="short_code")
    owned(api, "+14152000001", label="Support", campaign_id=str(one.pk))
    owned(api, "+14152000002", label="support", campaign_id=str(other.pk))
    owned(api, "+12125550100", label="100% sales_team")
    owned(api, "+18005550199", "+172345")
    return one, other


FILTERS = {
    "number_type=local": ["+12125550100", "+14152000001", "+14152000002"],
    "number_type=toll_free": ["+18005550199"],
    "number_type=short_code": ["+172345"],
    "label=Support": ["+14152000001"],
    "label=sup": [],
    "label=": ["+172345", "+18005550199"],
    "search=415": ["+14152000001", "+14152000002"],
    "search=%2B1415": ["+14152000001", "+14152000002"],
    "search=+1415": ["+14152000001", "+14152000002"],  # an unescaped plus is a blank
    "search=SUPP": ["+14152000001", "+14152000002"],
    "search=0199": ["+18005550199"],
    "search=0%25": ["+12125550100"],
    "search=_team": ["+12125550100"],
    "search=%25": ["+12125550100"],
    "search=_": ["+12125550100"],
    "search=%5C": [],
    "search=supp&number_type=toll_free": [],
    "search=supp&number_type=local&label=support": ["+14152000002"],
    f"campaign_id={MISSING}": [],
}


@pytest.mark.parametrize("query", FILTERS)
def test_filter_shows_exactly_its_matches(api, collection, query):
    assert sorted(listed(api, f"?{query}")) == FILTERS[query]


def test_numbers_are_filtered_by_campaign(api, cast, collection):
    one, other = collection
    assert listed(api, f"?campaign_id={one.pk}") == ["+14152000001"]
    assert listed(api, f"?campaign_id={str(other.pk).upper()}&search=415") == ["+14152000002"]
    assert listed(api, f"?campaign_id={factories.campaign(cast.stranger).pk}") == []


PERSIAN = "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
LABELS = [
    PERSIAN,
    "👩\u200d💻 desk",
    "a\u00a0b",
    "\u00ad",
    "e\u0301",
    "  ",
    "50%_\\",
    "\u2028x",
    "'\"",
]


@pytest.mark.parametrize("label", LABELS)
def test_search_finds_any_label(api, label):
    (number,) = factories.stock(*factories.line(0))
    assert api.order([number], label=label).status_code == 200
    for parameter in ("search", "label"):
        assert listed(api, f"?{urlencode({parameter: label})}") == [number]


LABEL = "must be a string of up to 64 characters without control characters"
SEARCH = "must be 1 to 64 characters of a number or a label, without control characters"
WRONG = {
    "number_type=LOCAL": {"number_type": "must be one of local, toll_free, short_code"},
    "number_type=": {"number_type": "must be one of local, toll_free, short_code"},
    "campaign_id=1": {"campaign_id": "must be a UUID such as b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"},
    "campaign_id=": {"campaign_id": "must be a UUID such as b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"},
    f"label={'x' * 65}": {"label": LABEL},
    "label=%00": {"label": LABEL},
    "search=": {"search": SEARCH},
    "search=a%00b": {"search": SEARCH},
    "search=%7F": {"search": SEARCH},
    f"search={'5' * 65}": {"search": SEARCH},
}


@pytest.mark.parametrize("query", WRONG)
def test_wrong_filter_is_422_and_named(api, query):
    error = {"details": WRONG[query]}
    refused(
        api.get(f"{NUMBERS}?{query}"), 422, "VALIDATION_FAILED", "validation failed", error=error
    )


def test_every_wrong_parameter_is_named_at_once(api):
    response = api.get(f"{NUMBERS}?number_type=x&campaign_id=1&limit=0")
    assert set(error_of(response, 422, "VALIDATION_FAILED")["details"]) == {
        "number_type",
        "campaign_id",
        "limit",
    }


# --- one -----------------------------------------------------------------------------------------


def test_one_number_is_read_by_its_id(api):
    (line,) = api.order(factories.stock(*factories.line(0)), **ROUTING).json()["data"]
    assert api.get(f"{NUMBERS}/{line['id']}").json() == {"success": True, "data": line}


def test_id_may_be_written_in_capitals(api):
    """As programs write it that read it as a UUID: Swift's, for one."""
    (number,) = api.order(factories.stock("+14155550123")).json()["data"]
    assert api.get(f"{NUMBERS}/{number['id'].upper()}").json()["data"] == number


@pytest.mark.parametrize("endpoint", [one for one in endpoints() if "<" in one.path], ids=str)
def test_every_path_accepts_an_id_in_capitals(endpoint):
    path = endpoint.url()
    small, capital = resolve(path), resolve(path.replace(str(SOME_ID), str(SOME_ID).upper()))
    assert (capital.route, capital.kwargs) == (small.route, small.kwargs)


def test_unknown_number_is_404(api):
    refused(api.get(f"{NUMBERS}/{MISSING}"), 404, "NOT_FOUND", "not found")


def test_released_number_is_404(api):
    (number_id,) = owned(api, *factories.stock(*factories.line(0)))
    release(api, number_id)
    refused(api.get(f"{NUMBERS}/{number_id}"), 404, "NOT_FOUND", "not found")


# --- how many statements -------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 100])
def test_list_takes_two_statements_however_long_it_is(api, number, django_assert_num_queries):
    owned(api, *factories.stock(*factories.line(0, number), price="0.10"))
    for query in ("?limit=100", "?limit=100&search=415&number_type=local"):
        with django_assert_num_queries(2):  # authenticate · numbers
            assert len(listed(api, query)) == number


def test_one_number_takes_two_statements(api, django_assert_num_queries):
    (number_id,) = owned(api, *factories.stock(*factories.line(0)))
    with django_assert_num_queries(2):
        api.get(f"{NUMBERS}/{number_id}")


@pytest.mark.parametrize("number", [1, 50])
def test_bulk_order_status_takes_three_statements_at_any_size(
    api, number, django_assert_num_queries
):
    factories.stock(*factories.line(0, number))
    order_id = buy(api, number).json()["data"]["order_id"]
    with django_assert_num_queries(3):  # authenticate · the order · its numbers
        assert (
            len(api.get(f"{NUMBERS}/bulk/{order_id}").json()["data"]["assigned_numbers"]) == number
        )
