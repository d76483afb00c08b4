"""The limit of ten key changes a minute, and keys that stop while their requests run."""

from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apikeys import self_service
from apikeys.models import ApiKey, RateWindow
from apikeys.scopes import Scope
from campaigns.models import Organization
from config.api import idempotency
from tests.support import factories
from tests.support.api_client import Api, error_of
from tests.support.concurrency import at_once
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

pytestmark = pytest.mark.django_db

TOO_MANY = "rate limit exceeded: 10 creations and rotations of API keys a minute"


def statuses(responses) -> list[int]:
    return sorted(response.status_code for response in responses)


# --- ten a minute -----------------------------------------------------------------------------------


@pytest.fixture
def one_minute():
    """Keep all key changes of the test in one window, even if the clock's minute ends."""

    def hold(organization: Organization) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO apikeys_ratewindow (organization_id, bucket, window_start, used) "
                "VALUES (%s, 'key-changes', date_trunc('minute', now()) + interval '1 minute', 0)",
                [organization.pk],
            )

    return hold


def test_key_changes_are_limited_to_ten_a_minute(api, cast, one_minute):
    one_minute(cast.owner)
    target = id_of(cast.colleague_key)
    for _ in range(5):
        created(api)
        assert rotate(api, target).status_code == 200
    before = ApiKey.objects.get(pk=target).digest, ApiKey.objects.count()
    for response in (create(api), rotate(api, target)):
        assert error_of(response, 429, "RATE_LIMITED")["message"] == TOO_MANY
        assert 1 <= int(response["Retry-After"]) <= 120
    assert (ApiKey.objects.get(pk=target).digest, ApiKey.objects.count()) == before


def test_limit_of_ten_is_shared_by_the_organization(api, cast, one_minute):
    one_minute(cast.owner)
    colleague = api.using(factories.key(cast.owner))
    for _ in range(5):
        created(api)
        created(colleague)
    error_of(create(api), 429, "RATE_LIMITED")
    error_of(create(colleague), 429, "RATE_LIMITED")
    created(api.using(cast.stranger_key))


def test_refused_change_does_not_count_toward_the_limit(api, cast, one_minute):
    one_minute(cast.owner)
    limited = api.using(factories.key(cast.owner, *MANAGER))
    for _ in range(12):
        assert create(api, label="").status_code == 422
        assert create(api, scopes=[]).status_code == 400
        assert create(limited, scopes=["numbers:write"]).status_code == 403
        assert rotate(api, str(uuid4())).status_code == 404
        assert rotate(limited, id_of(cast.owner_key)).status_code == 403
    for _ in range(10):
        created(api)
    for _ in range(3):
        error_of(create(api), 429, "RATE_LIMITED")
    assert RateWindow.objects.get(pk=(cast.owner.pk, "key-changes")).used == 10


def test_reading_and_revoking_are_not_limited_to_ten(api, cast, one_minute):
    one_minute(cast.owner)
    for _ in range(10):
        last = created(api)["id"]
    assert listed(api)
    assert api.request("DELETE", f"{KEYS}/{last}").status_code == 200


def test_next_minute_allows_ten_changes_again(api, cast):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO apikeys_ratewindow (organization_id, bucket, window_start, used) "
            "VALUES (%s, 'key-changes', date_trunc('minute', now()) - interval '1 minute', 10)",
            [cast.owner.pk],
        )
    created(api)


def test_request_counts_in_the_next_minute_when_it_waited(api, cast, one_minute):
    """Its own minute is over: to begin it again would forget what the others did in the next."""
    one_minute(cast.owner)
    window = RateWindow.objects.get(pk=(cast.owner.pk, "key-changes"))
    RateWindow.objects.filter(pk=window.pk).update(used=9)
    created(api)
    error_of(create(api), 429, "RATE_LIMITED")
    after = RateWindow.objects.get(pk=window.pk)
    assert (after.window_start, after.used) == (window.window_start, 10)


def test_window_far_in_the_future_locks_no_caller_out(api, cast):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO apikeys_ratewindow (organization_id, bucket, window_start, used) "
            "VALUES (%s, 'key-changes', date_trunc('minute', now()) + interval '1 hour', 10)",
            [cast.owner.pk],
        )
    created(api)


@pytest.mark.django_db(transaction=True)
def test_ten_of_sixteen_concurrent_changes_succeed(api, cast, one_minute):
    one_minute(cast.owner)
    target = factories.key(cast.owner, Scope.NUMBERS_READ)
    target_id, before = id_of(target), ApiKey.objects.count()
    responses = at_once(
        [lambda: create(Api(cast.owner_key))] * 8
        + [lambda: rotate(Api(cast.owner_key), target_id)] * 8
    )
    assert statuses(responses)[10:] == [429] * 6
    made = [response for response in responses if response.status_code == 201]
    rotated = [response for response in responses if response.status_code == 200]
    assert len(made) + len(rotated) == 10
    assert ApiKey.objects.count() == before + len(made)
    assert changes_of(target_id).count("rotated") == len(rotated)
    # of the target's secrets, the last one alone opens the door
    secrets = [target, *[response.json()["data"]["plaintext"] for response in rotated]]
    assert sum(works(secret) for secret in secrets) == 1


# --- a key that stops while its request is under way ------------------------------------------------


@pytest.fixture
def after_authentication(monkeypatch):
    """Do something between the authentication of a request and its transaction."""

    def happens(work):
        original = self_service.run_transaction

        def first_work(transaction):
            work()
            return original(transaction)

        for module in (self_service, idempotency):
            monkeypatch.setattr(module, "run_transaction", first_work)

    return happens


@pytest.mark.parametrize(
    "change",
    [
        {"revoked_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {
            "created_at": datetime(2025, 1, 1, tzinfo=UTC),
            "expires_at": datetime(2026, 1, 1, tzinfo=UTC),
        },
        {"prefix": "am_live_gone"},
    ],
    ids=["revoked", "expired", "rotated"],
)
def test_key_changes_nothing_when_it_stops_during_its_request(
    api, cast, after_authentication, change
):
    own = ApiKey.objects.filter(prefix=cast.owner_key[:12])
    own_id, target_id = str(own.get().pk), id_of(cast.colleague_key)
    after_authentication(lambda: ApiKey.objects.filter(pk=own_id).update(**change))
    before = ApiKey.objects.count()
    for request in (
        lambda: create(api),
        lambda: rotate(api, target_id),
        lambda: revoke(api, target_id),
    ):
        ApiKey.objects.filter(pk=own_id).update(
            revoked_at=None, expires_at=None, prefix=cast.owner_key[:12], created_at=timezone.now()
        )
        response = request()
        assert error_of(response, 401, "UNAUTHORIZED")["message"] == "authentication failed"
        assert response["WWW-Authenticate"] == "Bearer"
    assert ApiKey.objects.count() == before
    assert works(cast.colleague_key)


@pytest.mark.parametrize("request_of", ["create", "rotate", "change", "revoke"])
def test_platform_key_that_stops_midway_changes_no_key(cast, after_authentication, request_of):
    secret, target = factories.platform_key(), id_of(cast.colleague_key)
    api, path = Api(secret), f"/v1/platform/organizations/{cast.owner.pk}/api-keys"
    requests = {
        "create": lambda: api.post(path, {"scopes": ["numbers:read"], "label": "x"}),
        "rotate": lambda: api.post(f"{path}/{target}/rotate", {}),
        "change": lambda: api.request("PATCH", f"{path}/{target}", {"spending_limit": None}),
        "revoke": lambda: api.request("DELETE", f"{path}/{target}"),
    }
    own, before = ApiKey.objects.filter(prefix=secret[:12]), ApiKey.objects.count()
    after_authentication(lambda: own.update(revoked_at=timezone.now()))
    error_of(requests[request_of](), 401, "UNAUTHORIZED")
    assert ApiKey.objects.count() == before
    assert works(cast.colleague_key)


def test_scope_is_not_passed_on_when_removed_during_the_request(api, cast, after_authentication):
    after_authentication(
        lambda: ApiKey.objects.filter(prefix=cast.owner_key[:12]).update(
            scopes=[Scope.APIKEYS_WRITE]
        )
    )
    error_of(create(api, scopes=["numbers:read"]), 403, "FORBIDDEN")


@pytest.mark.django_db(transaction=True)
def test_concurrent_rotations_leave_one_new_secret(api, cast):
    key_id = id_of(cast.owner_key)
    responses = at_once([lambda: rotate(Api(cast.owner_key), key_id)] * 6)
    assert statuses(responses) == [200] + [401] * 5
    (answer,) = [response for response in responses if response.status_code == 200]
    assert works(answer.json()["data"]["plaintext"])


@pytest.mark.django_db(transaction=True)
def test_keys_that_rotate_and_revoke_each_other_do_not_deadlock(cast, settings):
    settings.KEY_CHANGES_PER_MINUTE = 1000
    for _ in range(5):
        one, other = factories.key(cast.owner), factories.key(cast.owner)
        one_id, other_id = id_of(one), id_of(other)
        responses = at_once(
            [
                partial(rotate, Api(one), other_id),
                partial(rotate, Api(other), one_id),
                partial(revoke, Api(one), other_id),
                partial(revoke, Api(other), one_id),
            ]
        )
        assert set(statuses(responses)) <= {200, 401, 404}
        assert 200 in statuses(responses)


def test_keys_are_locked_in_id_order_before_the_first_write(api, cast):
    with CaptureQueriesContext(connection) as captured:
        assert rotate(api, id_of(cast.colleague_key)).status_code == 200
    statements = [query["sql"] for query in captured]
    locks = [
        position
        for position, sql in enumerate(statements)
        if "FOR NO KEY UPDATE" in sql and "IN (" in sql
    ]
    assert len(locks) == 1
    assert 'ORDER BY "apikeys_apikey"."id" ASC' in statements[locks[0]]
    writes = [
        position
        for position, sql in enumerate(statements)
        if "key-changes" in sql or sql.startswith("UPDATE")
    ]
    assert locks[0] < min(writes)
