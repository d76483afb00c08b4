"""The limit on failed authentications: per address, without effect on other callers."""

import itertools

import pytest

from apikeys import failed_attempts, key_format
from config.http.client_address import client_address
from tests.support import db_assertions, factories
from tests.support.api_client import Api, refused
from tests.support.concurrency import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("everyone")]

FLOOD = "203.0.113.9"


@pytest.fixture(autouse=True)
def a_minute_of_its_own(settings, monkeypatch):
    """Allow three failures, in a process without memory and a minute that does not end."""
    settings.FAILED_AUTHENTICATIONS_PER_MINUTE = 3
    settings.BEHIND_TLS_PROXY, settings.TRUSTED_PROXIES = True, ["127.0.0.0/8"]
    monkeypatch.setattr(failed_attempts, "_known", failed_attempts._Known())
    begin_minute(FLOOD)


@pytest.fixture
def another_process(monkeypatch):
    """From here on: it shares the database with the one before, and nothing else."""
    return lambda: monkeypatch.setattr(failed_attempts, "_known", failed_attempts._Known())


def begin_minute(address):
    """One that has begun in the future, so that it lasts: the next minute of the database's clock counts into it."""
    db_assertions.run(
        "INSERT INTO apikeys_failurewindow (address, window_start, used) "
        f"VALUES ('{address}', date_trunc('minute', now()) + interval '1 minute', 0)"
    )


def end_minute():
    """For the database and for this process."""
    db_assertions.run(
        "UPDATE apikeys_failurewindow SET window_start = now() - interval '5 minutes'"
    )
    failed_attempts._known.closed = dict.fromkeys(failed_attempts._known.closed, 0.0)
    failed_attempts._known.forget_at = failed_attempts._known.ask_at = 0.0


def status(secret, forwarded=FLOOD):
    return Api(secret).get("/v1/credit", headers={"X-Forwarded-For": forwarded}).status_code


def unknown():
    return key_format.new_secret(sandbox=False)


@pytest.mark.parametrize("secret", [None, "x", "unknown"])
def test_failure_past_the_limit_is_429_with_retry_after(secret):
    secret = unknown() if secret == "unknown" else secret
    assert [status(secret) for _ in range(4)] == [401, 401, 401, 429]
    response = Api(unknown()).get("/v1/credit", headers={"X-Forwarded-For": FLOOD})
    refused(response, 429, "RATE_LIMITED", "too many failed authentications")
    assert 1 <= int(response["Retry-After"]) <= 120


def test_flood_past_the_limit_costs_no_statement(django_assert_num_queries):
    for _ in range(4):
        status(unknown())
    for secret in (None, "x", unknown(), unknown()):
        with django_assert_num_queries(0):
            assert status(secret) == 429


def test_valid_key_costs_no_extra_statement(cast, django_assert_num_queries):
    assert status(cast.owner_key) == 200
    status(None)
    with django_assert_num_queries(2):  # the key with its count, and the credit
        assert status(cast.owner_key) == 200


def test_address_may_try_again_in_the_next_minute():
    assert [status(None) for _ in range(4)] == [401, 401, 401, 429]
    end_minute()
    assert status(None) == 401
    assert db_assertions.rows("SELECT used FROM apikeys_failurewindow") == [(1,)]


def test_failures_are_counted_across_processes(another_process):
    assert [status(None), status(unknown())] == [401, 401]
    another_process()
    assert [status("x"), status("x")] == [401, 429]
    another_process()
    assert status(unknown()) == 429


@pytest.mark.django_db(transaction=True)
def test_concurrent_failures_are_401_exactly_up_to_the_limit(settings):
    """Each in a thread, with a connection and a knowledge of its own, as processes on several hosts have."""
    settings.FAILED_AUTHENTICATIONS_PER_MINUTE = 10

    def one():
        failed_attempts._known.closed.clear()
        return status(unknown())

    answers = at_once([one] * 30)
    assert sorted(answers) == [401] * 10 + [429] * 20


def test_other_addresses_and_recently_used_keys_still_pass(cast):
    assert status(cast.owner_key) == 200
    db_assertions.run(
        "UPDATE apikeys_apikey SET created_at = now() - interval '2 days' WHERE last_used_at IS NULL"
    )
    assert [status(None) for _ in range(4)][-1] == 429
    assert status(cast.owner_key) == 200  # shares the address with the flood
    assert status(cast.stranger_key) == 429  # was not used for a day
    assert status(cast.stranger_key, "203.0.113.10") == 200
    assert status(cast.stranger_key) == 200
    assert status(None, "203.0.113.10") == 401


def test_key_that_authenticated_once_passes_in_every_process(
    cast, another_process, django_assert_num_queries
):
    """Otherwise a caller on the same address could lock the customer out after a restart."""
    assert status(cast.owner_key) == 200
    another_process()
    assert [status(None) for _ in range(4)][-1] == 429
    assert status(cast.owner_key) == 200
    assert status(unknown()) == 429
    with django_assert_num_queries(0):  # others have been asked this minute
        assert status(unknown()) == 429


@pytest.mark.parametrize(
    "state",
    [
        "revoked_at = now()",
        "expires_at = now() - interval '1 second', created_at = now() - interval '1 hour'",
    ],
)
def test_stopped_key_loses_its_exemption(cast, another_process, state, django_assert_num_queries):
    assert status(cast.owner_key) == 200
    another_process()
    for _ in range(4):
        status(None)
    db_assertions.run(f"UPDATE apikeys_apikey SET {state}")
    assert status(cast.owner_key) == 429
    with django_assert_num_queries(0):
        assert status(cast.owner_key) == 429


def test_revoked_key_is_refused_when_it_authenticated_before(cast, django_assert_num_queries):
    assert status(cast.owner_key) == 200
    db_assertions.run("UPDATE apikeys_apikey SET revoked_at = now()")
    assert [status(cast.owner_key) for _ in range(4)] == [401, 401, 401, 429]
    with django_assert_num_queries(0):
        assert status(cast.owner_key) == 429


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9", "203.0.113.9"),  # what stands left of it is the client's invention
        ("203.0.113.9, 127.0.0.5", "203.0.113.9"),  # two proxies
        ("127.0.0.5", "127.0.0.5"),
        ("nonsense", ""),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        (
            "::ffff:203.0.113.9",
            "203.0.113.9",
        ),  # at a port for both: not one network with all of IPv4
        ("", "127.0.0.1"),
        ("x" * 100_000, ""),
        (",,,,", "127.0.0.1"),
    ],
)
def test_client_is_the_last_address_not_added_by_a_trusted_proxy(rf, forwarded, address):
    assert client_address(rf.get("/", headers={"X-Forwarded-For": forwarded})) == address


def test_forwarded_header_of_an_untrusted_client_is_ignored(rf):
    request = rf.get("/", headers={"X-Forwarded-For": "1.1.1.1"}, REMOTE_ADDR="203.0.113.9")
    assert client_address(request) == "203.0.113.9"


def test_limit_is_off_behind_an_unnamed_proxy(settings):
    settings.TRUSTED_PROXIES = []
    assert [status(None) for _ in range(5)] == [401] * 5


def test_invented_addresses_do_not_evade_the_limit():
    invented = (f"10.9.8.{last}, {FLOOD}" for last in itertools.count(1))
    assert [status(None, next(invented)) for _ in range(4)] == [401, 401, 401, 429]


def test_memory_of_used_keys_is_bounded(monkeypatch, cast):
    monkeypatch.setattr(failed_attempts, "MOST_ADDRESSES", 2)
    monkeypatch.setattr(failed_attempts, "MOST_KEYS", 2)
    for last in range(5):
        assert status(None, f"198.51.100.{last}") == 401
        assert status(factories.key(cast.owner), f"198.51.100.{last}") == 200
    assert len(failed_attempts._known.counted) <= 2
    assert len(failed_attempts._known.opened) <= 2
    assert len(db_assertions.rows("SELECT 1 FROM apikeys_failurewindow")) <= 3  # and the flood's


def test_expired_counts_are_deleted():
    for last in range(3):
        status(None, f"198.51.100.{last}")
    end_minute()
    status(None)
    assert db_assertions.rows("SELECT address, used FROM apikeys_failurewindow") == [(FLOOD, 1)]
