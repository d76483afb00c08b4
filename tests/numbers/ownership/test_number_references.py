"""A number's E.164 form is accepted wherever its id is."""

import pytest

from tests.support import factories
from tests.support.api_client import error_of
from tests.support.endpoints import endpoints
from tests.support.phone_numbers import NUMBERS, owned

pytestmark = pytest.mark.django_db

LINE = "+14152000000"
WITH_A_NUMBER = [one for one in endpoints() if "<number:" in one.path and not one.for_platform]


@pytest.fixture
def mine(api):
    factories.stock(LINE, monthly_price="1.00")
    return owned(api, LINE)[0]


def request(api, organization, endpoint, reference):
    body = b""
    if endpoint.method == "POST" and endpoint.path.endswith("/campaign"):
        body = {"campaign_id": str(factories.campaign(organization).pk)}
    elif endpoint.method == "PATCH":
        is_billing = endpoint.path.endswith("/billing")
        body = {"release_at_period_end": True} if is_billing else {"label": "x"}
    return api.request(endpoint.method, endpoint.url(number_id=reference), body)


@pytest.mark.parametrize("endpoint", WITH_A_NUMBER, ids=str)
@pytest.mark.parametrize("form", ["{}", "%2B{}"])
def test_number_is_accepted_in_place_of_its_id(api, cast, mine, endpoint, form):
    reference = LINE if form == "{}" else form.format(LINE[1:])
    answer = request(api, cast.owner, endpoint, reference)
    assert answer.status_code == 200, answer.content


@pytest.mark.parametrize("endpoint", WITH_A_NUMBER, ids=str)
@pytest.mark.parametrize("reference", [LINE, "+14152999999"])
def test_number_of_another_organization_is_404(api, cast, mine, endpoint, reference):
    answer = request(api.using(cast.stranger_key), cast.stranger, endpoint, reference)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "reference", ["14152000000", "+0415", "+", "+1415200000000000", "+1415%0A", "+%EF%BC%91415200"]
)
def test_other_forms_are_404(api, mine, reference):
    assert api.get(f"{NUMBERS}/{reference}").status_code == 404


def test_answer_has_the_id(api, mine):
    assert api.get(f"{NUMBERS}/{LINE}").json() == api.get(f"{NUMBERS}/{mine}").json()


def test_released_number_keeps_its_history_and_nothing_else(api, mine):
    assert api.request("DELETE", f"{NUMBERS}/{LINE}").status_code == 200
    assert api.get(f"{NUMBERS}/{LINE}").status_code == 404
    error_of(api.request("PATCH", f"{NUMBERS}/{LINE}", {"label": "x"}), 409, "NUMBER_NOT_ASSIGNED")
    assert api.get(f"{NUMBERS}/{LINE}/events").json()["data"][0]["kind"] == "released"


def test_cursor_is_valid_for_number_and_id(api, mine):
    for label in ("a", "b", "c"):
        api.request("PATCH", f"{NUMBERS}/{mine}", {"label": label})
    cursor = api.get(f"{NUMBERS}/{LINE}/events?limit=1").json()["meta"]["next_cursor"]
    assert api.get(f"{NUMBERS}/{mine}/events?limit=1&cursor={cursor}").status_code == 200


def test_bulk_release_accepts_both_and_merges_them(api, cast, mine):
    stranger = "+14152000009"
    factories.stock(stranger)
    factories.own(cast.stranger, stranger)
    answer = api.post(f"{NUMBERS}/bulk/release", {"ids": [LINE, mine, stranger, "+14152999999"]})
    assert answer.json()["data"] == {
        "released": [mine],
        "unknown": [stranger, "+14152999999"],
        "already_released": [],
        "locked": [],
    }
    again = api.post(f"{NUMBERS}/bulk/release", {"ids": [LINE]})
    assert again.json()["data"] == {
        "released": [],
        "unknown": [],
        "already_released": [mine],
        "locked": [],
    }


@pytest.mark.parametrize("wrong", ["14152000000", "x", 1, None, "+1415 200"])
def test_bulk_release_names_invalid_references(api, mine, wrong):
    error = error_of(
        api.post(f"{NUMBERS}/bulk/release", {"ids": [LINE, wrong]}), 422, "VALIDATION_FAILED"
    )
    assert list(error["details"]) == ["ids[1]"]
