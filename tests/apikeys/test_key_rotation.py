"""Listing, revoking and rotating an organization's keys, within the scopes of the calling key."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from apikeys.models import ApiKey
from apikeys.scopes import ORGANIZATION_SCOPES, Scope
from tests.support import factories
from tests.support.api_client import Api, error_of
from tests.support.bad_input import MALFORMED_IDS
from tests.support.keys import (
    KEYS,
    MANAGER,
    changes_of,
    create,
    created,
    id_of,
    listed,
    revoke,
    rotate,
    works,
)

# Fixed: the workers of a test run must collect the same names.
SOME_ID = "7c1f0a2d-9e8b-4c3a-9d2e-1f0a2b3c4d5e"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("everyone")]


# --- scopes -----------------------------------------------------------------------------------------


def test_key_grants_only_scopes_that_it_has(cast):
    api = Api(factories.key(cast.owner, *MANAGER))
    assert created(api, scopes=list(MANAGER))["scopes"] == list(MANAGER)
    before = ApiKey.objects.count()
    for scopes in (["numbers:write"], ["numbers:read", "platform:inventory:write"]):
        error = error_of(create(api, scopes=scopes), 403, "FORBIDDEN")
        assert error["message"] == "missing required scope"
    assert ApiKey.objects.count() == before


def test_unknown_scopes_are_reported_before_missing_ones(cast):
    api = Api(factories.key(cast.owner, *MANAGER))
    error_of(create(api, scopes=["numbers:write", "numbers:write"]), 400, "INVALID_INPUT")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", KEYS, Scope.APIKEYS_READ),
        ("GET", f"{KEYS}/{SOME_ID}", Scope.APIKEYS_READ),
        ("POST", KEYS, Scope.APIKEYS_WRITE),
        ("POST", f"{KEYS}/{SOME_ID}/rotate", Scope.APIKEYS_WRITE),
        ("DELETE", f"{KEYS}/{SOME_ID}", Scope.APIKEYS_WRITE),
    ],
)
def test_each_endpoint_needs_its_scope_and_a_key(cast, method, path, scope):
    others = [other for other in ORGANIZATION_SCOPES if other != scope]
    error_of(Api(factories.key(cast.owner, *others)).request(method, path), 403, "FORBIDDEN")
    error_of(Api(None).request(method, path), 401, "UNAUTHORIZED")
    assert Api(factories.key(cast.owner, scope)).request(method, path).status_code in (
        200,
        404,
        422,
    )


def test_head_is_answered_like_get_and_other_methods_are_405(api, cast):
    assert api.request("HEAD", KEYS).status_code == 200
    response = api.request("PATCH", KEYS, {})
    error_of(response, 405, "METHOD_NOT_ALLOWED")
    assert "POST" in response["Allow"]


# --- list and one -----------------------------------------------------------------------------------


def test_list_is_newest_first_and_omits_revoked_keys_by_default(api, cast):
    own = [id_of(cast.colleague_key), id_of(cast.owner_key)]
    first, second = created(api)["id"], created(api)["id"]
    assert listed(api) == [second, first, *own]
    api.request("DELETE", f"{KEYS}/{first}")
    assert listed(api) == [second, *own]
    assert listed(api, "?include_revoked=false") == [second, *own]
    assert listed(api, "?include_revoked=true") == [second, first, *own]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?include_revoked=maybe", "include_revoked"),
        ("?include_revoked=", "include_revoked"),
        ("?revoked=true", "revoked"),
        ("?limit=0", "limit"),
        ("?cursor=forged", "cursor"),
    ],
)
def test_invalid_parameter_is_422_and_named(api, query, field):
    assert list(error_of(api.get(KEYS + query), 422, "VALIDATION_FAILED")["details"]) == [field]


def test_pages_make_up_the_list(api, cast):
    made = [id_of(factories.key(cast.owner, Scope.NUMBERS_READ)) for _ in range(7)]
    seen, query = [], "?limit=2"
    while query:
        answer = api.get(KEYS + query).json()
        seen += [key["id"] for key in answer["data"]]
        cursor = answer["meta"]["next_cursor"]
        query = f"?limit=2&cursor={cursor}" if cursor else ""
    assert seen[:7] == made[::-1]
    assert len(seen) == len(set(seen)) == 9


def test_cursor_is_refused_with_another_organization_or_filter(api, cast):
    for _ in range(3):
        factories.key(cast.stranger)
    cursor = api.get(f"{KEYS}?limit=1").json()["meta"]["next_cursor"]
    assert api.get(f"{KEYS}?limit=1&cursor={cursor}").status_code == 200
    error_of(api.get(f"{KEYS}?cursor={cursor}&include_revoked=true"), 422, "VALIDATION_FAILED")
    error_of(api.using(cast.stranger_key).get(f"{KEYS}?cursor={cursor}"), 422, "VALIDATION_FAILED")


def test_list_of_any_length_costs_two_statements(api, cast, django_assert_num_queries):
    api.get(KEYS)
    with django_assert_num_queries(2):
        assert len(listed(api)) == 2
    for _ in range(10):
        factories.key(cast.owner, Scope.NUMBERS_READ)
    with django_assert_num_queries(2):
        assert len(listed(api)) == 12
    one = f"{KEYS}/{id_of(cast.owner_key)}"
    with django_assert_num_queries(2):
        api.get(one)


def test_last_use_is_shown(api, cast):
    secret = created(api)["plaintext"]
    assert works(secret)
    assert api.get(f"{KEYS}/{id_of(secret)}").json()["data"]["last_used_at"] is not None


# --- tenancy ----------------------------------------------------------------------------------------


def test_foreign_key_is_neither_shown_nor_changed(api, cast):
    stranger, key_id = api.using(cast.stranger_key), id_of(cast.colleague_key)
    assert key_id not in listed(stranger, "?include_revoked=true")
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/rotate")):
        answers = [stranger.request(method, f"{KEYS}/{one}{path}") for one in (key_id, uuid4())]
        theirs, unknown = (error_of(answer, 404, "NOT_FOUND") for answer in answers)
        assert theirs["message"] == unknown["message"] == "not found"
        assert answers[0].content.replace(theirs["request_id"].encode(), b"") == answers[
            1
        ].content.replace(unknown["request_id"].encode(), b"")
    assert works(cast.colleague_key)
    assert changes_of(key_id) == ["created"]


@pytest.mark.parametrize("malformed", MALFORMED_IDS)
def test_invalid_id_is_404(api, malformed):
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/rotate")):
        assert (
            error_of(api.request(method, f"{KEYS}/{malformed}{path}"), 404, "NOT_FOUND")["message"]
            == "not found"
        )


# --- revoke -----------------------------------------------------------------------------------------


def test_revoked_key_stops_at_once_and_stays_visible(api, cast):
    key_id = id_of(cast.colleague_key)
    response = revoke(api, key_id)
    assert response.status_code == 200
    assert response.json()["data"]["status"] == "revoked"
    assert response.json()["data"]["revoked_at"] is not None
    assert not works(cast.colleague_key)
    assert api.get(f"{KEYS}/{key_id}").json()["data"] == response.json()["data"]
    assert changes_of(key_id) == ["created", "revoked"]


def test_revoking_again_changes_nothing(api, cast):
    key_id = id_of(cast.colleague_key)
    first, second = (revoke(api, key_id) for _ in range(2))
    assert first.json()["data"] == second.json()["data"]
    assert changes_of(key_id) == ["created", "revoked"]


def test_key_revokes_itself_and_keys_with_more_scopes(api, cast):
    manager = factories.key(cast.owner, *MANAGER)
    assert Api(manager).request("DELETE", f"{KEYS}/{id_of(cast.owner_key)}").status_code == 200
    assert Api(manager).request("DELETE", f"{KEYS}/{id_of(manager)}").status_code == 200
    assert not works(cast.owner_key)
    assert not works(manager)


# --- rotate -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", {}])
def test_rotation_returns_a_new_secret_and_stops_the_old_one(api, cast, body):
    old, key_id = cast.colleague_key, id_of(cast.colleague_key)
    before = api.get(f"{KEYS}/{key_id}").json()["data"]
    response = rotate(api, key_id, body)
    assert response.status_code == 200, response.content
    after = response.json()["data"]
    secret = after.pop("plaintext")
    assert works(secret)
    assert not works(old)
    assert after.pop("rotated_at") is not None
    assert after.pop("prefix") == secret[:12]
    assert after == {field: before[field] for field in after}
    assert changes_of(key_id) == ["created", "rotated"]
    assert secret.encode() not in api.get(f"{KEYS}/{key_id}").content


def test_key_rotates_itself(api, cast):
    secret = rotate(api, id_of(cast.owner_key)).json()["data"]["plaintext"]
    assert works(secret)
    assert not works(cast.owner_key)


def test_key_does_not_rotate_a_key_with_more_scopes(api, cast):
    """It would come by the other's scopes."""
    manager, target = Api(factories.key(cast.owner, *MANAGER)), id_of(cast.owner_key)
    error = error_of(rotate(manager, target), 403, "FORBIDDEN")
    assert error["message"] == "missing required scope"
    assert works(cast.owner_key)


def test_rotation_of_a_revoked_or_expired_key_is_refused(api, cast):
    revoked = factories.key(cast.owner, Scope.NUMBERS_READ)
    expired = factories.key(
        cast.owner, Scope.NUMBERS_READ, expires_at=timezone.now() + timedelta(hours=1)
    )
    api.request("DELETE", f"{KEYS}/{id_of(revoked)}")
    ApiKey.objects.filter(prefix=expired[:12]).update(
        created_at=timezone.now() - timedelta(hours=2),
        expires_at=timezone.now() - timedelta(hours=1),
    )
    error_of(rotate(api, id_of(revoked)), 404, "NOT_FOUND")
    error_of(rotate(api, id_of(expired)), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "field"), [({"label": "x"}, "label"), ([], "body"), (b"{", "body")]
)
def test_rotation_accepts_no_fields(api, cast, body, field):
    error = error_of(rotate(api, id_of(cast.colleague_key), body), 422, "VALIDATION_FAILED")
    assert list(error["details"]) == [field]
    assert works(cast.colleague_key)


# --- no longer than its maker ---------------------------------------------------------------------


@pytest.fixture
def ending(api, cast):
    """A client whose key ends tomorrow, and that end as answers show it."""
    end = (timezone.now() + timedelta(days=1)).replace(microsecond=0)
    return api.using(factories.key(cast.owner, *MANAGER, expires_at=end)), end.strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )


@pytest.mark.parametrize("expiry", [{}, {"expires_at": None}, {"expires_in_days": None}])
def test_key_without_an_end_ends_with_its_maker(ending, expiry):
    maker, end = ending
    assert created(maker, **expiry)["expires_at"] == end


@pytest.mark.parametrize("expiry", [{"expires_in_days": 2}, {"expires_at": "2031-01-01T00:00:00Z"}])
def test_key_that_outlasts_its_maker_is_403(ending, expiry):
    maker, end = ending
    before = ApiKey.objects.count()
    error = error_of(create(maker, **expiry), 403, "FORBIDDEN")
    assert error["message"] == f"a key can't outlast the key that makes it, which expires at {end}"
    assert ApiKey.objects.count() == before


def test_key_may_end_with_its_maker_or_before(ending):
    maker, end = ending
    assert created(maker, expires_at=end)["expires_at"] == end
    sooner = (timezone.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert created(maker, expires_at=sooner)["expires_at"] == sooner


def test_key_does_not_rotate_one_that_lasts_longer(ending, cast):
    maker, _end = ending
    lasting = factories.key(cast.owner, Scope.NUMBERS_READ)
    error_of(rotate(maker, id_of(lasting)), 403, "FORBIDDEN")
    assert works(lasting)


def test_key_with_an_end_rotates_itself_and_what_it_made(ending):
    maker, end = ending
    made = created(maker)
    assert rotate(maker, made["id"]).json()["data"]["expires_at"] == end
    assert rotate(maker, id_of(maker.secret)).status_code == 200
