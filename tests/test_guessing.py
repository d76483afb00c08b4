"""Who tries keys is slowed down, by its address, and nobody else is."""

import itertools

import pytest

from apikeys import guessing, secrets
from tests import books, factories
from tests.client import Api, refused

pytestmark = pytest.mark.django_db

FLOOD = "203.0.113.9"


@pytest.fixture(autouse=True)
def a_minute_of_its_own(settings, monkeypatch):
    """Three failures pass, in a process that has seen nothing yet and a minute that does not end."""
    settings.FAILED_AUTHENTICATIONS_PER_MINUTE = 3
    settings.BEHIND_TLS_PROXY, settings.TRUSTED_PROXIES = True, ["127.0.0.0/8"]
    monkeypatch.setattr(guessing, "_failures", {})
    monkeypatch.setattr(guessing, "_opened", set())
    monkeypatch.setattr(guessing.time, "time", lambda: 1_000_000_000.0)


def status(secret, forwarded=FLOOD):
    return Api(secret).get("/v1/credit", headers={"X-Forwarded-For": forwarded}).status_code


def unknown():
    return secrets.new_secret(sandbox=False)


@pytest.mark.parametrize("secret", [None, "x", "unknown"])
def test_past_the_limit_is_429_with_the_time_to_wait(secret, django_assert_num_queries):
    secret = unknown() if secret == "unknown" else secret
    assert [status(secret) for _ in range(4)] == [401, 401, 401, 429]
    with django_assert_num_queries(0):
        response = Api(unknown()).get("/v1/credit", headers={"X-Forwarded-For": FLOOD})
    refused(response, 429, "RATE_LIMITED", "too many failed authentications")
    assert response["Retry-After"] == "20"  # 1,000,000,000 is 40 s into its minute


def test_the_next_minute_it_may_try_again(monkeypatch):
    assert [status(None) for _ in range(4)] == [401, 401, 401, 429]
    monkeypatch.setattr(guessing.time, "time", lambda: 1_000_000_020.0)
    assert status(None) == 401


def test_other_addresses_and_keys_that_have_opened_a_door_go_on(cast):
    assert status(cast.owner_key) == 200
    assert [status(None) for _ in range(4)][-1] == 429
    assert status(cast.owner_key) == 200  # shares the address with whoever floods
    assert status(cast.stranger_key) == 429  # was never seen here
    assert status(cast.stranger_key, "203.0.113.10") == 200
    assert status(cast.stranger_key) == 200
    assert status(None, "203.0.113.10") == 401


def test_a_key_that_is_revoked_is_refused_though_it_had_opened_a_door(cast):
    assert status(cast.owner_key) == 200
    books.run("UPDATE apikeys_apikey SET revoked_at = now()")
    assert [status(cast.owner_key) for _ in range(4)] == [401, 401, 401, 429]


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("1.1.1.1, 203.0.113.9", "203.0.113.9"),  # what stands left of it is the client's invention
        ("203.0.113.9, 127.0.0.5", "203.0.113.9"),  # two proxies
        ("127.0.0.5", "127.0.0.5"),
        ("nonsense", ""),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("", "127.0.0.1"),
        ("x" * 100_000, ""),
        (",,,,", "127.0.0.1"),
    ],
)
def test_the_client_is_the_last_address_that_no_trusted_proxy_added(rf, forwarded, address):
    assert guessing.client_address(rf.get("/", headers={"X-Forwarded-For": forwarded})) == address


def test_a_client_that_is_no_proxy_is_not_believed(rf):
    request = rf.get("/", headers={"X-Forwarded-For": "1.1.1.1"}, REMOTE_ADDR="203.0.113.9")
    assert guessing.client_address(request) == "203.0.113.9"


def test_behind_a_proxy_that_is_not_named_there_is_no_limit(settings):
    settings.TRUSTED_PROXIES = []
    assert [status(None) for _ in range(5)] == [401] * 5


def test_inventing_an_address_for_each_request_is_no_way_round_it():
    invented = (f"10.9.8.{last}, {FLOOD}" for last in itertools.count(1))
    assert [status(None, next(invented)) for _ in range(4)] == [401, 401, 401, 429]


def test_what_is_remembered_is_bounded(monkeypatch, cast):
    monkeypatch.setattr(guessing, "MOST_ADDRESSES", 2)
    monkeypatch.setattr(guessing, "MOST_KEYS", 2)
    for last in range(5):
        status(None, f"198.51.100.{last}")
        assert status(factories.key(cast.owner), f"198.51.100.{last}") == 200
    assert len(guessing._failures) <= 2
    assert len(guessing._opened) <= 2
