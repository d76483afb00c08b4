"""Every endpoint there is: a stranger sees nothing, changes nothing, and can't tell that there is anything.

The endpoints are read off the URL configuration: a new one without an answer here fails the suite.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from apikeys.models import ApiKey
from apikeys.scopes import Scope
from tests import books, factories
from tests.client import Api, error_of
from tests.phone_numbers import MISSING, NUMBERS, buy, hold, owned, release, wait_for

pytestmark = pytest.mark.django_db


def endpoints(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, str, Any]]:
    """Path, method and required scope of everything that wants a key."""
    for entry in (resolver or get_resolver()).url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from endpoints(entry, path)
        elif isinstance(entry, URLPattern) and path.startswith("v1/"):
            for method, scope in getattr(getattr(entry.callback, "view_class", None), "scopes", {}).items():
                yield "/" + path, method, scope


ENDPOINTS = list(endpoints())
OF_ONE = [(path, method) for path, method, _ in ENDPOINTS if "<" in path]
LISTS = [path for path, method, _ in ENDPOINTS if method == "GET" and "<" not in path and path != "/v1/credit"]

# Bodies with which the owner's own request would succeed.
BODIES = {
    ("number_id>", "PATCH"): {"label": "mine now"},
    ("number_id>/campaign", "POST"): {"campaign_id": None},  # the caller's own campaign is put in
}


@pytest.fixture
def things(api, cast):
    """One of everything that an endpoint names, of the owner's; by the name of the path's parameter."""
    campaign = factories.campaign(cast.owner)
    bought, held = factories.stock(*factories.line(0, 2))
    order = api.order([bought], campaign_id=str(campaign.pk), label="the owner's").json()
    return {
        "number_id": [order["data"][0]["id"]],
        # orders are orders in both places; pending and complete
        "order_id": [order["meta"]["order_id"], wait_for(api, 1, area_code="212"), bulk_order(api)],
        "reservation_id": [hold(api, held)["id"]],
        "campaign_id": [str(campaign.pk)],
        "brand_id": [str(campaign.brand_id)],
        "key_id": [str(ApiKey.objects.get(prefix=cast.owner_key[:12]).pk)],
    }


def bulk_order(api):
    factories.stock("+13032000001")
    return buy(api, 1, area_code="303").json()["data"]["order_id"]


@pytest.fixture
def stranger(api, cast):
    return api.using(cast.stranger_key)


def parameter_of(path):
    return path.partition("<uuid:")[2].partition(">")[0]


def body_for(path, method, campaign):
    body = next((body for (end, of), body in BODIES.items() if path.endswith(end) and of == method), b"")
    return {"campaign_id": str(campaign.pk)} if isinstance(body, dict) and "campaign_id" in body else body


def word_for_word(response):
    """The whole answer, without what differs between any two requests."""
    body = response.content.replace(response["X-Request-Id"].encode(), b"")
    headers = {
        name: value for name, value in response.headers.items() if not name.startswith(("X-Request", "RateLimit"))
    }
    return response.status_code, body, headers


def everything():
    """All that is stored, but for counts and times of requests."""
    tables = [
        *("campaigns_organization", "campaigns_brand", "campaigns_campaign", "campaigns_event"),
        *("numbers_phonenumber", "numbers_assignment", "numbers_numberevent", "numbers_order"),
        *("numbers_reservation", "numbers_creditaccount", "numbers_creditentry", "numbers_idempotencyrecord"),
    ]
    stored = {table: books.rows(f"SELECT * FROM {table} ORDER BY 1") for table in tables}
    keys = "SELECT id, label, digest, scopes, expires_at, revoked_at FROM apikeys_apikey ORDER BY 1"
    return {**stored, "keys": books.rows(keys)}


@pytest.mark.parametrize(("path", "method"), OF_ONE)
def test_what_a_stranger_owns_is_answered_word_for_word_like_what_does_not_exist(path, method, things, stranger, cast):
    name = parameter_of(path)
    body = body_for(path, method, factories.campaign(cast.stranger))
    address = path.replace(f"<uuid:{name}>", "{}")
    missing = stranger.request(method, address.format(MISSING), body)
    error_of(missing, 404, "NOT_FOUND")
    before = everything()
    for thing in things[name]:
        theirs = stranger.request(method, address.format(thing), body)
        assert word_for_word(theirs) == word_for_word(missing)
    assert everything() == before


@pytest.mark.parametrize(("path", "method"), [(path, method) for path, method in OF_ONE if method == "GET"])
def test_the_owner_finds_each_of_them(path, method, things, api):
    """Without this, the test above would also pass for paths that lead nowhere."""
    name = parameter_of(path)
    statuses = [api.get(path.replace(f"<uuid:{name}>", thing)).status_code for thing in things[name]]
    assert 200 in statuses


@pytest.mark.parametrize("path", LISTS)
def test_a_list_shows_a_stranger_nothing_of_the_owners(path, things, api, stranger):
    told = stranger.get(path).content.decode()
    assert '"success":true' in told
    for ids in things.values():
        assert not any(thing in told for thing in ids)
    assert "the owner's" not in told


@pytest.mark.parametrize("path", LISTS)
def test_a_cursor_of_the_owners_is_worth_nothing_to_a_stranger(path, things, api, stranger, cast):
    factories.campaign(cast.owner)
    owned(api, *factories.stock(*factories.line(50, 2)))
    for number in factories.stock(*factories.line(60, 2)):
        hold(api, number)
    factories.key(cast.owner)
    cursor = api.get(f"{path}?limit=1").json()["meta"]["next_cursor"]
    assert cursor is not None
    assert api.get(f"{path}?limit=1&cursor={cursor}").status_code == 200
    error_of(stranger.get(f"{path}?limit=1&cursor={cursor}"), 422, "VALIDATION_FAILED")


@pytest.mark.parametrize(("path", "method", "scope"), ENDPOINTS)
def test_every_endpoint_wants_a_key_with_its_scope(path, method, scope, things, api, cast):
    name = parameter_of(path)
    address = path.replace(f"<uuid:{name}>", things[name][0]) if name else path
    others = Api(factories.key(cast.owner, *[one for one in Scope.values if one != scope]))
    before = everything()
    assert error_of(api.using(None).request(method, address), 401, "UNAUTHORIZED")["message"] == "authentication failed"
    assert error_of(others.request(method, address), 403, "FORBIDDEN")["message"] == "missing required scope"
    assert everything() == before


def test_a_stranger_cannot_tell_a_released_number_from_none(api, stranger):
    (number_id,) = owned(api, *factories.stock(*factories.line(0)))
    release(api, number_id)
    for method, body in (("GET", b""), ("DELETE", b""), ("PATCH", {"label": "x"})):
        theirs = stranger.request(method, f"{NUMBERS}/{number_id}", body)
        assert word_for_word(theirs) == word_for_word(stranger.request(method, f"{NUMBERS}/{MISSING}", body))
    data = stranger.post(f"{NUMBERS}/bulk/release", {"ids": [number_id, MISSING]}).json()["data"]
    assert data == {"released": [], "unknown": [number_id, MISSING], "already_released": []}


@pytest.mark.parametrize("where", ["orders", "bulk"])
def test_a_strangers_idempotency_key_meets_nothing_of_the_owners(api, stranger, where):
    headers = {"Idempotency-Key": "the-same"}
    numbers = factories.stock(*factories.line(0, 2))
    bodies = {"orders": [{"numbers": [number]} for number in numbers], "bulk": [{"quantity": 1}] * 2}[where]
    first = api.post(f"{NUMBERS}/{where}", bodies[0], headers=headers)
    second = stranger.post(f"{NUMBERS}/{where}", bodies[1], headers=headers)
    assert (first.status_code, second.status_code) == (200, 200)
    assert "Idempotent-Replayed" not in second
    assert sorted(books.owners().values()) == ["Owner", "Stranger"]
