"""ETag and If-Match: the later of two clients that change one number is refused."""

import pytest

from config.errors import ValidationFailed
from config.http.preconditions import IfMatch, read_if_match
from numbers.models import Assignment, NumberEvent, PhoneNumber
from numbers.ownership import rerouting
from tests.support import factories
from tests.support.api_client import error_of
from tests.support.concurrency import Clients, gate_after
from tests.support.phone_numbers import NUMBERS, owned

pytestmark = pytest.mark.django_db


@pytest.fixture
def number(api):
    (line,) = factories.stock(*factories.line(0))
    return f"{NUMBERS}/{owned(api, line)[0]}"


def patch(api, path, label, **headers):
    return api.request("PATCH", path, {"label": label}, headers=headers)


def test_etag_is_the_same_until_something_changes(api, number):
    first = api.get(number)["ETag"]
    assert first.startswith('"')
    assert api.get(number)["ETag"] == first
    changed = patch(api, number, "x")
    assert changed["ETag"] != first
    assert api.get(number)["ETag"] == changed["ETag"]


def test_etag_changes_with_the_number_itself(api, number):
    first = api.get(number)["ETag"]
    PhoneNumber.objects.update(mms_enabled=False)
    assert api.get(number)["ETag"] != first


def test_change_of_the_state_that_was_read_is_accepted(api, number):
    answer = patch(api, number, "x", **{"If-Match": api.get(number)["ETag"]})
    assert (answer.status_code, answer.json()["data"]["label"]) == (200, "x")


def test_later_of_two_clients_is_412_and_changes_nothing(api, number):
    etag = api.get(number)["ETag"]
    assert patch(api, number, "first", **{"If-Match": etag}).status_code == 200
    before = NumberEvent.objects.count()
    error_of(patch(api, number, "second", **{"If-Match": etag}), 412, "PRECONDITION_FAILED")
    assert api.get(number).json()["data"]["label"] == "first"
    assert NumberEvent.objects.count() == before


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["", "/campaign"])
def test_every_change_of_a_number_obeys_if_match(api, cast, number, method, path):
    if path and method == "PATCH":
        method, body = "POST", {"campaign_id": str(factories.campaign(cast.owner).pk)}
    else:
        body = {"label": "x"} if method == "PATCH" else b""
    answer = api.request(method, number + path, body, headers={"If-Match": '"other"'})
    error_of(answer, 412, "PRECONDITION_FAILED")
    assert Assignment.objects.filter(ended_at=None, label="", campaign=None).exists()
    assert api.request(method, number + path, body, headers={"If-Match": "*"}).status_code == 200


def test_later_change_wins_without_the_header(api, number):
    for label in ("first", "second"):
        assert patch(api, number, label).status_code == 200


@pytest.mark.parametrize("form", ["*", " * ", "{}", '"a", {}', "{},", ',, "a" ,\t{} ,'])
def test_etag_matches_in_every_form_of_the_header(api, number, form):
    header = form.replace("{}", api.get(number)["ETag"])
    assert patch(api, number, "x", **{"If-Match": header}).status_code == 200


@pytest.mark.parametrize("form", ["W/{}", '"a"', '""', '"a", W/{}', '"*"'])
def test_weak_and_other_tags_match_nothing(api, number, form):
    header = form.replace("{}", api.get(number)["ETag"])
    error_of(patch(api, number, "x", **{"If-Match": header}), 412, "PRECONDITION_FAILED")


@pytest.mark.parametrize(
    "header", ["", "abc", '"a', 'a"', 'w/"a"', '"a" "b"', "*, *", ",", '*, "a"', '"a",' * 101]
)
def test_malformed_header_is_422(api, number, header):
    error = error_of(patch(api, number, "x", **{"If-Match": header}), 422, "VALIDATION_FAILED")
    assert list(error["details"]) == ["If-Match"]


def test_number_of_another_organization_is_404_with_any_header(api, cast, number):
    answer = patch(api.using(cast.stranger_key), number, "x", **{"If-Match": "*"})
    error_of(answer, 404, "NOT_FOUND")


@pytest.mark.parametrize(
    "hostile", ['"a",' * 20_000, "," * 60_000, " " * 60_000, '"' + "a" * 60_000]
)
def test_header_is_read_in_one_pass(hostile):
    with pytest.raises(ValidationFailed):
        read_if_match(hostile)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("careful", [True, False])
def test_one_of_two_concurrent_conditional_changes_is_accepted(api, number, monkeypatch, careful):
    """The negative control is the same race without the header: both changes are made."""
    headers = {"If-Match": api.get(number)["ETag"]} if careful else {}
    gate = gate_after(monkeypatch, rerouting, "lock_assignments")
    with Clients(2) as clients:
        first = clients.start(lambda: patch(api, number, "first", **headers))
        gate.wait_for_someone()
        second = clients.start(lambda: patch(api, number, "second", **headers))
        gate.open()
        statuses = sorted([first.result().status_code, second.result().status_code])
    assert statuses == ([200, 412] if careful else [200, 200])


def test_asterisk_matches_any_state():
    assert read_if_match("*") == IfMatch(frozenset(), any=True)
    assert read_if_match(None) is None
