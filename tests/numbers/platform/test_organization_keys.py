"""``/v1/platform/organizations/{id}/api-keys``: customers' keys in the hands of the platform."""

from uuid import uuid4

import pytest
from django.utils import timezone

from apikeys import self_service
from apikeys.models import ApiKey
from apikeys.scopes import CUSTOMER_SCOPES, PLATFORM_SCOPES
from campaigns.models import Event
from config.errors import Unauthorized
from tests.support import factories
from tests.support.api_client import Api, error_of
from tests.support.keys import id_of, works
from tests.support.pagination import walk

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("everyone")]
NEW_KEY = {"label": "production", "scopes": ["numbers:read", "numbers:write"]}


@pytest.fixture
def platform(db):
    return Api(factories.platform_key("platform:organizations"))


def keys_of(organization):
    return f"/v1/platform/organizations/{getattr(organization, 'pk', organization)}/api-keys"


def create(platform, organization, headers=None, **body):
    return platform.post(keys_of(organization), {**NEW_KEY, **body}, headers=headers)


def test_key_is_made_for_the_organization_and_works(platform, cast):
    made = create(platform, cast.owner, scopes=list(CUSTOMER_SCOPES)).json()["data"]
    assert made["plaintext"].startswith("am_live_")
    assert Api(made["plaintext"]).get("/v1/credit").json()["data"]["balance"] == "100.00"


def test_key_of_a_sandbox_is_a_test_key(platform, cast):
    assert create(platform, cast.sandbox).json()["data"]["plaintext"].startswith("am_test_")


@pytest.mark.parametrize("scope", PLATFORM_SCOPES)
def test_scope_of_the_platform_is_not_handed_on(platform, cast, scope):
    before = ApiKey.objects.count()
    error_of(create(platform, cast.owner, scopes=["numbers:read", scope]), 403, "FORBIDDEN")
    assert ApiKey.objects.count() == before


@pytest.mark.parametrize("scopes", [[], ["numbers:eat"], ["numbers:read", "numbers:read"]])
def test_bad_scopes_are_refused(platform, cast, scopes):
    error_of(create(platform, cast.owner, scopes=scopes), 400, "INVALID_INPUT")


def test_keys_are_listed_page_by_page(platform, cast):
    for number in range(3):
        create(platform, cast.stranger, label=f"key {number}")
    labels = [key["label"] for key in walk(platform, keys_of(cast.stranger))]
    assert labels == ["key 2", "key 1", "key 0", "a key"]
    assert "plaintext" not in walk(platform, keys_of(cast.stranger))[0]


def test_revoked_keys_are_listed_on_request(platform, cast):
    key_id = id_of(cast.stranger_key)
    assert platform.request("DELETE", f"{keys_of(cast.stranger)}/{key_id}").status_code == 200
    assert walk(platform, keys_of(cast.stranger)) == []
    (revoked,) = walk(platform, f"{keys_of(cast.stranger)}?include_revoked=true")
    assert (revoked["id"], revoked["status"]) == (key_id, "revoked")


def test_rotation_stops_the_old_secret(platform, cast):
    path = f"{keys_of(cast.stranger)}/{id_of(cast.stranger_key)}/rotate"
    rotated = platform.request("POST", path).json()["data"]
    assert not works(cast.stranger_key)
    assert works(rotated["plaintext"])


def test_old_secret_works_until_the_grace_is_over(platform, cast):
    path = f"{keys_of(cast.stranger)}/{id_of(cast.stranger_key)}/rotate"
    rotated = platform.post(path, {"grace_seconds": 60}).json()["data"]
    assert works(cast.stranger_key)
    assert works(rotated["plaintext"])


def test_revocation_is_recorded_with_the_platform_key(platform, cast):
    key_id = id_of(cast.stranger_key)
    for _ in range(2):
        platform.request("DELETE", f"{keys_of(cast.stranger)}/{key_id}")
    event = Event.objects.get(subject_id=key_id, kind="revoked")
    assert event.actor == f"key:{platform.secret[:12]}"
    assert not works(cast.stranger_key)


def test_key_of_another_organization_is_404(platform, cast):
    key_id = id_of(cast.stranger_key)
    for method, path in [("GET", ""), ("DELETE", ""), ("POST", "/rotate")]:
        error_of(
            platform.request(method, f"{keys_of(cast.owner)}/{key_id}{path}"), 404, "NOT_FOUND"
        )
    assert works(cast.stranger_key)


def test_platform_key_is_no_organizations_key(platform, cast):
    own = id_of(platform.secret)
    for organization in (cast.owner, uuid4(), "00000000-0000-0000-0000-000000000000"):
        error_of(platform.get(f"{keys_of(organization)}/{own}"), 404, "NOT_FOUND")


def test_unknown_organization_is_404(platform):
    error_of(platform.get(keys_of(uuid4())), 404, "NOT_FOUND")
    error_of(create(platform, uuid4()), 404, "NOT_FOUND")


def test_repeated_creation_shows_the_same_secret(platform, cast):
    headers = {"Idempotency-Key": "key-1"}
    first, again = (create(platform, cast.owner, headers) for _ in range(2))
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"


def test_another_platform_key_is_shown_no_secret(platform, cast):
    headers = {"Idempotency-Key": "key-1"}
    create(platform, cast.owner, headers)
    other = Api(factories.platform_key())
    error_of(create(other, cast.owner, headers), 422, "IDEMPOTENCY_KEY_REUSED")


def test_key_revoked_during_its_request_makes_none(platform, cast, monkeypatch):
    """What a stolen key makes must be in the list of what it made before it was revoked."""
    original = self_service.respond_once

    def revoked_meanwhile(*arguments, **options):
        ApiKey.objects.filter(prefix=platform.secret[:12]).update(revoked_at=timezone.now())
        return original(*arguments, **options)

    monkeypatch.setattr(self_service, "respond_once", revoked_meanwhile)
    before = ApiKey.objects.count()
    error_of(create(platform, cast.owner), Unauthorized.status, Unauthorized.code)
    assert ApiKey.objects.count() == before
