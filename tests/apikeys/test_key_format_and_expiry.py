"""An API key: shown once, stored as a digest, and valid until it is revoked or expires."""

import hashlib
import hmac
import math
import re
from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apikeys import authentication, key_format
from apikeys.models import ApiKey
from apikeys.scopes import ORGANIZATION_SCOPES
from tests.support import db_assertions, factories
from tests.support.api_client import ORDERS
from tests.support.concurrency import PATIENCE, Clients, at_once, uncommitted

pytestmark = pytest.mark.django_db


def opens(api, secret):
    """Whether the key opens the door: a body that is wrong meets 422 behind it."""
    return {422: True, 401: False}[api.using(secret).order([]).status_code]


def key_of(secret):
    return ApiKey.objects.get(prefix=secret[:12])


# --- the secret ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("sandbox", "start"), [(False, "am_live_"), (True, "am_test_")])
def test_secret_has_a_known_form_and_more_than_190_random_bits(sandbox, start):
    made = {key_format.new_secret(sandbox=sandbox) for _ in range(500)}
    assert len(made) == 500
    for secret in made:
        assert re.fullmatch(rf"{start}[0-9A-Za-z]{{40}}", secret)
        assert key_format.is_well_formed(secret)
    random_part = [secret[8:42] for secret in made]
    assert len(random_part[0]) * math.log2(62) > 190
    # Every place of the random part takes (nearly) every character of the alphabet.
    assert min(len({part[place] for part in random_part}) for place in range(34)) > 55


def test_checksum_distinguishes_keys_from_similar_strings():
    secret = key_format.new_secret(sandbox=False)
    for place in range(8, len(secret)):
        typo = secret[:place] + ("x" if secret[place] != "x" else "y") + secret[place + 1 :]
        assert not key_format.is_well_formed(typo)
    assert not key_format.is_well_formed(secret.replace("am_live_", "am_test_"))
    assert not key_format.is_well_formed(secret + "\n")
    assert not key_format.is_well_formed("")


def test_database_holds_digest_and_prefix_but_no_secret(cast):
    stored = db_assertions.row(
        "SELECT k::text AS whole, digest, prefix FROM apikeys_apikey k WHERE prefix = %s",
        cast.owner_key[:12],
    )
    assert stored["digest"] == hmac.new(b"", cast.owner_key.encode(), hashlib.sha256).hexdigest()
    assert stored["prefix"] == cast.owner_key[:12]
    assert cast.owner_key[12:] not in stored["whole"]
    history = db_assertions.rows("SELECT e::text FROM campaigns_event e WHERE subject = 'api_key'")
    assert cast.owner_key[12:] not in str(history)


def test_key_prefix_is_live_or_test_by_organization(cast):
    assert [secret[:8] for secret in (cast.owner_key, cast.sandbox_key)] == ["am_live_", "am_test_"]


def test_old_keys_work_until_the_old_pepper_is_dropped(api, cast, settings):
    settings.API_KEY_PEPPERS = ["new", ""]
    younger = factories.key(cast.owner)
    assert [opens(api, secret) for secret in (cast.owner_key, younger)] == [True, True]
    settings.API_KEY_PEPPERS = ["new"]
    assert [opens(api, secret) for secret in (cast.owner_key, younger)] == [False, True]


def test_rotating_a_key_moves_it_to_the_new_pepper(api, cast, settings):
    settings.API_KEY_PEPPERS = ["new", ""]
    key_id = str(key_of(cast.owner_key).pk)
    rotated = api.request("POST", f"/v1/api-keys/{key_id}/rotate").json()["data"]["plaintext"]
    settings.API_KEY_PEPPERS = ["new"]
    assert [opens(api, secret) for secret in (cast.owner_key, rotated)] == [False, True]


@pytest.mark.parametrize(
    ("changed", "warned"),
    [
        ({"API_KEY_PEPPERS": [""]}, "apikeys.W001"),
        ({"API_KEY_PEPPERS": ["short", ""]}, "apikeys.W002"),
        ({"TRUSTED_PROXIES": [], "BEHIND_TLS_PROXY": True}, "apikeys.W003"),
        ({"TRUSTED_PROXIES": ["0.0.0.0/0"]}, "apikeys.W004"),
        ({"ALLOWED_HOSTS": ["*"]}, "apikeys.W005"),
    ],
)
def test_insecure_settings_are_reported_by_the_deployment_check(settings, changed, warned):
    settings.API_KEY_PEPPERS, settings.TRUSTED_PROXIES, settings.BEHIND_TLS_PROXY = (
        ["x" * 32],
        [],
        False,
    )
    ours = {"apikeys.W001", "apikeys.W002", "apikeys.W003", "apikeys.W004", "apikeys.W005"}
    assert not ours & {message.id for message in run_checks(include_deployment_checks=True)}
    for name, value in changed.items():
        setattr(settings, name, value)
    assert ours & {message.id for message in run_checks(include_deployment_checks=True)} == {warned}


# --- when it opens the door ----------------------------------------------------------------------


def test_key_without_an_expiry_authenticates(api, cast):
    assert opens(api, cast.owner_key)


@pytest.mark.parametrize(("seconds", "open_"), [(60, True), (-1, False)])
def test_key_authenticates_until_it_expires(api, cast, seconds, open_):
    secret = factories.key(cast.owner, expires_at=timezone.now() + timedelta(days=1))
    until = timezone.now() + timedelta(seconds=seconds)
    ApiKey.objects.filter(prefix=secret[:12]).update(
        created_at=until - timedelta(days=1), expires_at=until
    )
    assert opens(api, secret) is open_


def test_revoked_key_is_refused_and_its_sister_authenticates(api, cast):
    sister = factories.key(cast.owner)
    ApiKey.objects.filter(prefix=cast.owner_key[:12]).update(revoked_at=timezone.now())
    assert [opens(api, secret) for secret in (cast.owner_key, sister)] == [False, True]


def test_suspension_refuses_every_key_until_it_ends(api, cast):
    for status, open_ in (("SUSPENDED", False), ("ACTIVE", True)):
        db_assertions.run(
            f"UPDATE campaigns_organization SET status = '{status}' WHERE name = 'Owner'"
        )
        assert opens(api, cast.owner_key) is open_
        assert opens(api, cast.stranger_key)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_scheme_may_be_written_in_any_case(api, cast, scheme):
    response = api.using(None).order([], headers={"Authorization": f"{scheme} {cast.owner_key}"})
    assert response.status_code == 422


@pytest.mark.parametrize("scope", ORGANIZATION_SCOPES)
def test_order_needs_the_scope_to_write_numbers_and_no_other(api, cast, scope):
    status = api.using(factories.key(cast.owner, scope)).order([]).status_code
    assert status == (422 if scope == "numbers:write" else 403)


def statements_of(work):
    """Without the one that forgets, which comes once a minute."""
    with CaptureQueriesContext(connection) as queries:
        work()
    return [one["sql"] for one in queries if "DELETE FROM apikeys_failurewindow" not in one["sql"]]


def test_malformed_key_is_counted_and_never_looked_up(api, cast):
    for secret in (
        "x",
        "am_live_" + "x" * 40,
        cast.owner_key[:-1],
        cast.owner_key + "0",
        "x" * 100_000,
    ):
        counted, recorded = statements_of(lambda secret=secret: opens(api, secret))
        assert counted.split()[:3] == ["INSERT", "INTO", "apikeys_failurewindow"]
        assert "INSERT INTO numbers_refusal" in recorded
        assert not opens(api, secret)


def test_unknown_and_revoked_keys_cost_the_same_statements(api, cast):
    ApiKey.objects.filter(prefix=cast.owner_key[:12]).update(revoked_at=timezone.now())
    answers = []
    for secret in (cast.owner_key, key_format.new_secret(sandbox=False)):
        statements = statements_of(
            lambda secret=secret: answers.append(api.using(secret).order([]))
        )
        # Look up the key, count the failure, record the refusal.
        assert len(statements) == 3
    one, other = ({**answer.headers, "X-Request-Id": ""} for answer in answers)
    assert one == other


# --- last use ------------------------------------------------------------------------------------


def test_last_use_is_recorded_at_most_once_a_minute(api, cast):
    assert key_of(cast.owner_key).last_used_at is None
    api.order([])
    first = key_of(cast.owner_key).last_used_at
    assert first is not None
    for seconds, noted in ((59, False), (61, True)):
        earlier = first - timedelta(seconds=seconds)
        ApiKey.objects.filter(prefix=cast.owner_key[:12]).update(last_used_at=earlier)
        api.order([])
        assert (key_of(cast.owner_key).last_used_at != earlier) is noted


def test_refused_use_is_recorded_and_an_invalid_key_is_not(api, cast):
    api.using(cast.colleague_key).order(["+14155550123"])
    assert key_of(cast.colleague_key).last_used_at is not None
    ApiKey.objects.filter(prefix=cast.owner_key[:12]).update(revoked_at=timezone.now())
    assert not opens(api, cast.owner_key)
    assert key_of(cast.owner_key).last_used_at is None


def test_last_use_is_written_by_one_of_two_concurrent_requests(cast):
    written = []
    for _ in range(2):
        with connection.cursor() as cursor:
            cursor.execute(authentication.MARK_USED, [key_of(cast.owner_key).pk])
            written.append(cursor.rowcount)
    assert written == [1, 0]


@pytest.mark.django_db(transaction=True)
def test_recording_the_last_use_waits_for_no_lock(api, cast):
    """Someone holds the key's row, to rotate it say: the order goes past it."""
    numbers = factories.stock("+14155550123")
    mine = ApiKey.objects.filter(prefix=cast.owner_key[:12])
    with Clients(1) as clients, uncommitted(lambda: mine.update(label="other")):
        assert clients.start(api.order, numbers).result(PATIENCE).status_code == 200
    assert key_of(cast.owner_key).last_used_at is None


# --- the rate limit is exact ---------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_thirty_concurrent_requests_pass_exactly_up_to_the_limit(api, cast, settings, monkeypatch):
    settings.RATE_LIMIT_PER_MINUTE = 20
    # One minute for all requests, even if the clock's minute ends.
    one_minute = authentication.AUTHENTICATE.replace("now()", "'2026-01-01T12:00:30Z'::timestamptz")
    monkeypatch.setattr(authentication, "AUTHENTICATE", one_minute)
    answers = at_once([lambda: api.using(cast.owner_key).post(ORDERS, {})] * 30)
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(422), statuses.count(429)) == (20, 10)
    remaining = sorted(int(answer["RateLimit-Remaining"]) for answer in answers)
    assert remaining == [0] * 11 + list(range(1, 20))
