"""Every POST that creates accepts an Idempotency-Key: keys, rotations and reservations."""

import pytest

from apikeys import self_service
from apikeys.models import ApiKey
from config.api.idempotency import IdempotencyKey, seal
from numbers.models import IdempotencyRecord, Reservation
from tests.support import factories
from tests.support.api_client import Api, error_of
from tests.support.concurrency import at_once
from tests.support.endpoints import endpoints
from tests.support.keys import KEYS, MANAGER, id_of, rotate, works
from tests.support.phone_numbers import NUMBERS

pytestmark = pytest.mark.django_db

KEY = {"Idempotency-Key": "create-4711"}
BODY = {"label": "a program", "scopes": ["numbers:read"]}
HOLDS = f"{NUMBERS}/reservations"
WRITES = [one for one in endpoints() if one.method in ("POST", "PATCH", "DELETE", "PUT")]


def create(api, *, headers=KEY, **body):
    return api.post(KEYS, {**BODY, **body}, headers=headers)


def assert_replays(response, first):
    assert (response.status_code, response.content) == (first.status_code, first.content)
    assert response["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first


def test_repeated_creation_of_a_key_shows_the_same_secret(api):
    before = ApiKey.objects.count()
    first = create(api)
    assert first.status_code == 201
    for _ in range(3):
        assert_replays(create(api), first)
    assert ApiKey.objects.count() == before + 1
    assert works(create(api).json()["data"]["plaintext"])


def test_repeated_rotation_shows_the_same_secret(api, cast):
    target = id_of(cast.colleague_key)
    first = api.request("POST", f"{KEYS}/{target}/rotate", headers=KEY)
    assert first.status_code == 200
    assert_replays(api.request("POST", f"{KEYS}/{target}/rotate", headers=KEY), first)
    assert works(first.json()["data"]["plaintext"])
    other = api.request("POST", f"{KEYS}/{id_of(cast.owner_key)}/rotate", headers=KEY)
    error_of(other, 422, "IDEMPOTENCY_KEY_REUSED")


def test_remembered_secret_is_not_in_the_database_in_clear(api):
    secret = create(api).json()["data"]["plaintext"]
    stored = bytes(IdempotencyRecord.objects.get().body)
    assert secret.encode() not in stored
    assert secret[8:20].encode() not in stored
    assert b"a program" not in stored


def test_replay_is_refused_after_secret_key_has_changed(api, settings):
    create(api)
    settings.SECRET_KEY = "another secret key of the desk"
    error_of(create(api), 422, "IDEMPOTENCY_KEY_REUSED")


def test_encrypted_response_is_bound_to_its_key(cast):
    one, other = (IdempotencyKey(cast.owner.pk, name, b"") for name in ("one", "other"))
    assert seal(one, b"x") != seal(one, b"x")
    from config.api.idempotency import IdempotencyKeyReused, unseal

    assert unseal(one, seal(one, b"x")) == b"x"
    with pytest.raises(IdempotencyKeyReused):
        unseal(other, seal(one, b"x"))


def test_other_key_of_the_organization_is_shown_no_secret(api, cast):
    create(api)
    other = api.using(factories.key(cast.owner, *MANAGER))
    error_of(create(other), 422, "IDEMPOTENCY_KEY_REUSED")


def test_another_organization_may_use_the_same_key(api, cast):
    first, stranger = create(api), create(api.using(cast.stranger_key))
    assert (first.status_code, stranger.status_code) == (201, 201)
    assert first.json()["data"]["id"] != stranger.json()["data"]["id"]


def test_another_request_with_a_used_key_is_422(api):
    (number,) = factories.stock(*factories.line(0))
    create(api)
    error_of(create(api, label="another"), 422, "IDEMPOTENCY_KEY_REUSED")
    error_of(api.order([number], headers=KEY), 422, "IDEMPOTENCY_KEY_REUSED")
    error_of(api.post(HOLDS, {"numbers": [number]}, headers=KEY), 422, "IDEMPOTENCY_KEY_REUSED")


def test_refusal_is_not_remembered(api):
    error_of(create(api, scopes=["nonsense"]), 400, "INVALID_INPUT")
    assert create(api).status_code == 201


def test_crash_is_not_remembered(api, monkeypatch):
    def crash(*args, **kwargs):
        raise RuntimeError("the power went out")

    before = ApiKey.objects.count()
    with monkeypatch.context() as patch:
        patch.setattr("numbers.orders.idempotency.finish", crash)
        assert create(api).status_code == 500
    assert (ApiKey.objects.count(), IdempotencyRecord.objects.count()) == (before, 0)
    assert "Idempotent-Replayed" not in create(api)


def test_replay_costs_none_of_the_ten_a_minute(api, settings):
    settings.KEY_CHANGES_PER_MINUTE = 1
    first = create(api)
    assert_replays(create(api), first)


def test_revoked_key_is_shown_no_secret_again(api, cast, monkeypatch):
    first = create(api)
    assert first.status_code == 201
    claim = self_service.respond_once

    def revoked_in_between(*args, **kwargs):
        ApiKey.objects.filter(prefix=cast.owner_key[:12]).update(revoked_at="2030-01-01T00:00Z")
        return claim(*args, **kwargs)

    monkeypatch.setattr(self_service, "respond_once", revoked_in_between)
    error_of(create(api), 401, "UNAUTHORIZED")


def test_repeated_reservation_is_the_same(api):
    numbers = factories.stock(*factories.line(0, 2))
    first = api.post(HOLDS, {"numbers": numbers}, headers=KEY)
    assert first.status_code == 201
    assert_replays(api.post(HOLDS, {"numbers": numbers}, headers=KEY), first)
    assert Reservation.objects.count() == 1


def test_repeated_reservation_of_a_sandbox_is_the_same(api, cast):
    sandbox = api.using(cast.sandbox_key)
    first = sandbox.post(HOLDS, {"numbers": ["+15005550006"]}, headers=KEY)
    assert first.status_code == 201
    assert_replays(sandbox.post(HOLDS, {"numbers": ["+15005550006"]}, headers=KEY), first)


@pytest.mark.parametrize("quoted", ['"create-4711"', "create-4711"])
def test_quoted_key_is_the_same_key(api, quoted):
    first = create(api)
    assert_replays(create(api, headers={"Idempotency-Key": quoted}), first)


def test_only_one_pair_of_quotes_is_taken_off(api):
    create(api)
    twice = create(api, headers={"Idempotency-Key": '""create-4711""'})
    assert "Idempotent-Replayed" not in twice
    assert twice.status_code == 201


@pytest.mark.parametrize("endpoint", WRITES, ids=str)
@pytest.mark.parametrize("key", ["", '""', "two words", "x" * 256])
def test_malformed_key_is_422_at_every_endpoint(api, cast, endpoint, key):
    caller = api.using(endpoint.key(cast.owner))
    answer = caller.request(
        endpoint.method, endpoint.url(), b"{}", headers={"Idempotency-Key": key}
    )
    assert list(error_of(answer, 422, "VALIDATION_FAILED")["details"]) == ["Idempotency-Key"]


@pytest.mark.django_db(transaction=True)
def test_concurrent_repeats_create_one_key(cast):
    before = ApiKey.objects.count()
    answers = at_once([lambda: create(Api(cast.owner_key))] * 20)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert ApiKey.objects.count() == before + 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_requests_without_a_key_create_twenty(cast, settings):
    """The negative control: without the header nothing holds them together."""
    settings.KEY_CHANGES_PER_MINUTE = 100
    before = ApiKey.objects.count()
    at_once([lambda: create(Api(cast.owner_key), headers={})] * 20)
    assert ApiKey.objects.count() == before + 20


def test_rotation_without_a_key_makes_a_new_secret_each_time(api, cast):
    target = id_of(cast.colleague_key)
    one, other = rotate(api, target), rotate(api, target)
    assert one.json()["data"]["plaintext"] != other.json()["data"]["plaintext"]
