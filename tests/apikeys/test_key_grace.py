"""``grace_seconds``: two secrets that work after a rotation, and when the old one stops."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apikeys import failed_attempts
from apikeys.lifecycle import issue_key, rotate_key
from apikeys.models import ApiKey
from apikeys.scopes import Scope
from campaigns.models import Event
from tests.support import factories
from tests.support.api_client import Api, error_of
from tests.support.concurrency import at_once
from tests.support.keys import KEYS, changes_of, id_of, revoke, rotate, works
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db

HOUR = {"grace_seconds": 3_600}
KEY = {"Idempotency-Key": "rotate-1"}


def secret_of(response) -> str:
    assert response.status_code == 200, response.content
    return response.json()["data"]["plaintext"]


def test_both_secrets_work_during_the_grace(api, cast):
    old = cast.colleague_key
    new = secret_of(rotate(api, id_of(old), HOUR))
    assert works(old)
    assert works(new)


def test_old_secret_stops_when_the_grace_is_over(api, cast):
    old = cast.colleague_key
    new = secret_of(rotate(api, id_of(old), HOUR))
    let_pass(timedelta(minutes=59))
    assert works(old)
    let_pass(timedelta(minutes=2))
    error_of(Api(old).get(KEYS), 401, "UNAUTHORIZED")
    assert works(new)


@pytest.mark.parametrize("body", [b"", {}, {"grace_seconds": 0}, {"grace_seconds": None}])
def test_old_secret_stops_at_once_without_a_grace(api, cast, body):
    new = secret_of(rotate(api, id_of(cast.colleague_key), body))
    assert not works(cast.colleague_key)
    assert works(new)
    assert ApiKey.objects.get(prefix=new[:12]).previous_digest is None


@pytest.mark.parametrize("seconds", [1, 86_400])
def test_grace_within_its_bounds_is_accepted(api, cast, seconds):
    secret_of(rotate(api, id_of(cast.colleague_key), {"grace_seconds": seconds}))
    assert works(cast.colleague_key)


@pytest.mark.parametrize("seconds", [-1, 86_401, 1.5, "60", True, [], {}])
def test_grace_out_of_bounds_is_422_and_rotates_nothing(api, cast, seconds):
    response = rotate(api, id_of(cast.colleague_key), {"grace_seconds": seconds})
    details = error_of(response, 422, "VALIDATION_FAILED")["details"]
    assert details == {"grace_seconds": "must be a whole number from 0 to 86400"}
    assert works(cast.colleague_key)
    assert changes_of(id_of(cast.colleague_key)) == ["created"]


def test_second_rotation_stops_the_oldest_secret(api, cast):
    first, key_id = cast.colleague_key, id_of(cast.colleague_key)
    second = secret_of(rotate(api, key_id, HOUR))
    third = secret_of(rotate(api, key_id, HOUR))
    assert [works(one) for one in (first, second, third)] == [False, True, True]


def test_rotation_without_a_grace_stops_all_before(api, cast):
    first, key_id = cast.colleague_key, id_of(cast.colleague_key)
    second = secret_of(rotate(api, key_id, HOUR))
    third = secret_of(rotate(api, key_id))
    assert [works(one) for one in (first, second, third)] == [False, False, True]


def test_revocation_stops_both_secrets(api, cast):
    old, key_id = cast.colleague_key, id_of(cast.colleague_key)
    new = secret_of(rotate(api, key_id, HOUR))
    assert revoke(api, key_id).status_code == 200
    assert not works(old)
    assert not works(new)


def test_expiry_of_the_key_stops_both_secrets(api, cast):
    soon = timezone.now() + timedelta(minutes=10)
    old = factories.key(cast.owner, Scope.APIKEYS_READ, expires_at=soon)
    new = secret_of(rotate(api, id_of(old), HOUR))
    let_pass(timedelta(minutes=11))
    assert not works(old)
    assert not works(new)


def test_key_that_rotates_itself_repeats_with_its_old_secret(api, cast):
    path = f"{KEYS}/{id_of(cast.owner_key)}/rotate"
    first = api.request("POST", path, HOUR, headers=KEY)
    again = api.request("POST", path, HOUR, headers=KEY)
    assert secret_of(first) == secret_of(again)
    assert again["Idempotent-Replayed"] == "true"
    other = api.request("POST", path, {"grace_seconds": 60}, headers=KEY)
    error_of(other, 422, "IDEMPOTENCY_KEY_REUSED")


def test_old_secret_may_rotate_during_its_grace(api, cast):
    key_id = id_of(cast.owner_key)
    second = secret_of(rotate(api, key_id, HOUR))
    third = secret_of(rotate(api, key_id, HOUR))
    assert [works(one) for one in (cast.owner_key, second, third)] == [False, True, True]


def test_history_names_the_end_of_the_grace_and_the_secret(api, cast):
    old, key_id = cast.owner_key, id_of(cast.owner_key)
    new = secret_of(rotate(api, key_id, HOUR))
    key = ApiKey.objects.get(pk=key_id)
    rotated = Event.objects.get(subject_id=key_id, kind="rotated")
    assert rotated.before == {"prefix": old[:12]}
    assert rotated.after == {
        "prefix": new[:12],
        "previous_until": key.previous_until.isoformat(),
    }
    assert key.previous_until - key.rotated_at == timedelta(hours=1)
    revoke(api, id_of(cast.colleague_key))
    revoked = Event.objects.get(subject_id=id_of(cast.colleague_key), kind="revoked")
    assert revoked.actor == f"key:{old[:12]}"


def test_old_secret_is_known_behind_a_busy_address(api, cast):
    secret_of(rotate(api, id_of(cast.colleague_key), HOUR))
    key = ApiKey.objects.get(previous_prefix=cast.colleague_key[:12])
    assert {key.digest, key.previous_digest} <= set(failed_attempts._used_recently())
    let_pass(timedelta(hours=2))
    assert key.previous_digest not in failed_attempts._used_recently()


@pytest.mark.django_db(transaction=True)
def test_concurrent_rotations_leave_two_secrets(cast):
    old, key_id = cast.owner_key, id_of(cast.owner_key)
    responses = at_once([lambda: rotate(Api(old), key_id, HOUR)] * 4)
    made = [one for one in responses if one.status_code == 200]
    assert sorted(one.status_code for one in responses) == [200, 200, 401, 401]
    secrets = [old, *(secret_of(one) for one in made)]
    assert sum(works(one) for one in secrets) == 2


def test_secret_stops_at_the_second_rotation_after_it():
    organization = factories.organization()
    key, _ = issue_key(
        organization=organization, scopes=["numbers:read"], label="x", actor=factories.actor()
    )
    for _ in range(2):
        rotate_key(
            key_id=key.pk,
            organization_id=organization.pk,
            actor=factories.actor(),
            grace=timedelta(hours=1),
        )
    current = ApiKey.objects.get(pk=key.pk)
    assert not current.was_opened_by(key.prefix)
    assert current.was_opened_by(current.previous_prefix)
