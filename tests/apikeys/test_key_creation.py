"""Creating and listing API keys through the API: never with more rights than the creating key."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apikeys.models import ApiKey
from apikeys.scopes import Scope
from campaigns.models import Event
from config.errors import ValidationFailed
from tests.support import factories
from tests.support.api_client import error_of
from tests.support.keys import KEYS, create, created, id_of, listed, works

pytestmark = pytest.mark.django_db


def test_key_is_created_with_its_secret_shown_once(api, cast):
    data = created(api, label="billing job", scopes=["numbers:read", "credit:read"])
    secret = data.pop("plaintext")
    assert data == {
        "id": data["id"],
        "label": "billing job",
        "prefix": secret[:12],
        "scopes": ["numbers:read", "credit:read"],
        "status": "active",
        "created_at": data["created_at"],
        "expires_at": None,
        "rotated_at": None,
        "revoked_at": None,
        "last_used_at": None,
        "spending_limit": None,
        "max_numbers_per_order": None,
    }
    assert datetime.fromisoformat(data["created_at"]).tzinfo == UTC
    assert secret.startswith("am_live_")
    assert works(secret)
    for shown in (api.get(KEYS), api.get(f"{KEYS}/{data['id']}")):
        assert secret.encode() not in shown.content
        assert b"plaintext" not in shown.content
        assert b"digest" not in shown.content
    key = ApiKey.objects.get(pk=data["id"])
    assert key.organization == cast.owner
    assert secret not in (key.digest, key.prefix, key.label)


def test_creation_is_recorded_with_its_key_and_request(api, cast):
    response = create(api)
    event = Event.objects.get(subject_id=response.json()["data"]["id"])
    assert (event.kind, event.actor, event.request_id) == (
        "created",
        f"key:{cast.owner_key[:12]}",
        response["X-Request-Id"],
    )
    assert event.organization_id == cast.owner.pk


def test_sandbox_creates_test_keys(api, cast):
    assert created(api.using(cast.sandbox_key))["plaintext"].startswith("am_test_")


@pytest.mark.parametrize(
    ("scopes", "field"),
    [
        ([], "scopes"),
        (["numbers:read", "numbers:fly"], "scopes[1]"),
        (["numbers:read", "numbers:read"], "scopes[1]"),
        ([""], "scopes[0]"),
        (["NUMBERS:READ"], "scopes[0]"),
        ([" numbers:read"], "scopes[0]"),
        (["\x00"], "scopes[0]"),
        (["*"], "scopes[0]"),
    ],
)
def test_unknown_empty_and_duplicate_scopes_are_400_and_named(api, scopes, field):
    error = error_of(create(api, scopes=scopes), 400, "INVALID_INPUT")
    assert list(error["details"]) == [field]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"label": None}, ["label"]),
        ({"label": ""}, ["label"]),
        ({"label": "  \u3000"}, ["label"]),
        ({"label": "x" * 65}, ["label"]),
        ({"label": "a\x00b"}, ["label"]),
        ({"label": "two\nlines"}, ["label"]),
        ({"label": 7}, ["label"]),
        ({"scopes": None}, ["scopes"]),
        ({"scopes": "numbers:read"}, ["scopes"]),
        ({"scopes": {"numbers:read": True}}, ["scopes"]),
        ({"scopes": ["numbers:read"] * 101}, ["scopes"]),
        ({"scopes": [1, ["numbers:read"], None]}, ["scopes[0]", "scopes[1]", "scopes[2]"]),
        ({"scope": ["numbers:read"]}, ["scope"]),
        ({"organization_id": "x"}, ["organization_id"]),
        ({"label": "", "scopes": 1, "expires_in_days": 0}, ["expires_in_days", "label", "scopes"]),
    ],
)
def test_invalid_body_is_422_with_every_field_named(api, body, fields):
    before = ApiKey.objects.count()
    error = error_of(create(api, **body), 422, "VALIDATION_FAILED")
    assert sorted(error["details"]) == fields
    assert ApiKey.objects.count() == before


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'"x"', b"{", b"\xff"])
def test_body_is_422_unless_an_object(api, body):
    response = api.request("POST", KEYS, body, headers={"Content-Type": "application/json"})
    assert list(error_of(response, 422, "VALIDATION_FAILED")["details"]) == ["body"]


def test_query_parameter_is_refused(api):
    response = api.post(f"{KEYS}?dry_run=true", {"label": "x", "scopes": ["numbers:read"]})
    assert list(error_of(response, 422, "VALIDATION_FAILED")["details"]) == ["dry_run"]


@pytest.mark.parametrize(
    "form", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S+00:00", "%Y-%m-%dT%H:%MZ"]
)
def test_key_is_created_with_an_expiry(api, form):
    end = (timezone.now() + timedelta(days=30)).replace(second=0, microsecond=0)
    data = created(api, expires_at=end.strftime(form))
    assert data["expires_at"] == end.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert ApiKey.objects.get(pk=data["id"]).expires_at == end


def test_expiry_is_returned_in_utc_when_given_in_another_zone(api):
    assert (
        created(api, expires_at="2030-01-01T01:30:00+05:30")["expires_at"] == "2029-12-31T20:00:00Z"
    )


def test_key_is_created_with_days_until_expiry(api):
    before = timezone.now()
    key = ApiKey.objects.get(pk=created(api, expires_in_days=7)["id"])
    assert before + timedelta(days=7) <= key.expires_at <= timezone.now() + timedelta(days=7)


@pytest.mark.parametrize(
    "end",
    [
        "2020-01-01T00:00:00Z",
        "2999-01-01T00:00:00Z",
        "2030-01-01",
        "2030-01-01T00:00:00",
        "2030-13-01T00:00:00Z",
        "2030-06-31T00:00:00Z",
        "2030-W01-1T00:00:00Z",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+14:00",
        "2030-01-01T00:00:00+25:00",
        "tomorrow",
        "",
        1893456000,
        True,
        ["2030-01-01T00:00:00Z"],
    ],
)
def test_expiry_is_422_unless_in_the_future(api, end):
    error = error_of(create(api, expires_at=end), 422, "VALIDATION_FAILED")
    assert list(error["details"]) == ["expires_at"]


@pytest.mark.parametrize("days", [0, -1, 3651, 1.5, "7", True, 10**18])
def test_days_out_of_bounds_are_422(api, days):
    error = error_of(create(api, expires_in_days=days), 422, "VALIDATION_FAILED")
    assert list(error["details"]) == ["expires_in_days"]


def test_expiry_is_422_when_given_twice(api):
    error = error_of(
        create(api, expires_in_days=7, expires_at="2030-01-01T00:00:00Z"), 422, "VALIDATION_FAILED"
    )
    assert list(error["details"]) == ["expires_in_days"]


def test_expiry_is_422_when_it_passes_during_the_request(cast):
    """The database's clock is the one that counts, and its CHECK."""
    with pytest.raises(ValidationFailed) as refusal:
        factories.key(cast.owner, expires_at=timezone.now() - timedelta(seconds=1))
    assert list(refusal.value.details) == ["expires_at"]


def test_expired_key_is_refused_and_listed_as_expired(api, cast):
    secret = factories.key(
        cast.owner, Scope.NUMBERS_READ, expires_at=timezone.now() + timedelta(hours=1)
    )
    ApiKey.objects.filter(prefix=secret[:12]).update(
        created_at=timezone.now() - timedelta(hours=2),
        expires_at=timezone.now() - timedelta(hours=1),
    )
    assert not works(secret)
    assert api.get(f"{KEYS}/{id_of(secret)}").json()["data"]["status"] == "expired"
    assert id_of(secret) in listed(api)
