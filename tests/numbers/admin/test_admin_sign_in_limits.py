"""Attempts to sign in: limited by address and in all, before a password is hashed (C44); locks by address (C48)."""

import threading
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.test import Client

from config.admin.sign_in import hashing
from config.admin.sign_in.attempts import COOKIE
from config.errors import ServiceUnavailable
from tests.support import db_assertions
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db

PASSWORD = "a long password"
LOGIN = "/admin/login/"


@pytest.fixture(autouse=True)
def limits(settings: Any) -> None:
    """Allow three attempts of an address and seven in all, in a minute that does not end."""
    settings.DESK_SIGN_INS_PER_MINUTE, settings.DESK_SIGN_INS_PER_MINUTE_IN_ALL = 3, 7
    settings.AXES_ENABLED = False


def begin_minute(*scopes: str) -> None:
    """One that has begun in the future, so that it lasts."""
    db_assertions.run("DELETE FROM desk_signinwindow")
    for scope in scopes:
        db_assertions.run(
            "INSERT INTO desk_signinwindow (scope, window_start, used) "
            f"VALUES ('{scope}', date_trunc('minute', now()) + interval '1 minute', 0)"
        )


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch, settings: Any, operator: User) -> list[str]:
    """The passwords that were hashed, by the hasher of production with few rounds."""
    settings.PASSWORD_HASHERS = ["config.admin.sign_in.hashing.BoundedHasher"]
    monkeypatch.setattr(hashing.BoundedHasher, "iterations", 10)
    User.objects.update(password=make_password(PASSWORD))
    hashed: list[str] = []
    original = hashing.BoundedHasher.encode

    def encode(hasher: Any, password: str, salt: str, iterations: int | None = None) -> str:
        hashed.append(password)
        return original(hasher, password, salt, iterations)

    monkeypatch.setattr(hashing.BoundedHasher, "encode", encode)
    return hashed


def attempt(
    client: Client, password: str = "wrong", name: str = "alice", address: str = "203.0.113.7"
) -> Any:
    return client.post(LOGIN, {"username": name, "password": password}, REMOTE_ADDR=address)


def test_refused_attempt_hashes_nothing_and_is_a_page(hashes: list[str]) -> None:
    begin_minute("address:203.0.113.7", "all")
    assert [attempt(Client()).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert len(hashes) == 3
    page = attempt(Client(), PASSWORD)
    assert (page.status_code, len(hashes)) == (429, 3)
    assert page["Content-Type"].startswith("text/html")
    assert 1 <= int(page["Retry-After"]) <= 120
    assert "Too many attempts to sign in" in page.content.decode()


def test_unknown_names_are_counted_alike(hashes: list[str]) -> None:
    begin_minute("address:203.0.113.7", "all")
    names = [f"unknown-{number}" for number in range(5)]
    assert [attempt(Client(), name=name).status_code for name in names] == [200, 200, 200, 429, 429]
    assert len(hashes) == 3


def test_all_addresses_together_are_limited_too(hashes: list[str]) -> None:
    addresses = [f"203.0.113.{number}" for number in range(10)]
    begin_minute("all", *(f"address:{address}" for address in addresses))
    answers = [attempt(Client(), address=address).status_code for address in addresses]
    assert answers == [200] * 7 + [429] * 3
    assert len(hashes) == 7


def test_one_address_does_not_exhaust_the_global_limit(hashes: list[str]) -> None:
    begin_minute("all", "address:203.0.113.7", "address:203.0.113.8")
    for _ in range(20):
        attempt(Client())
    assert attempt(Client(), PASSWORD, address="203.0.113.8").status_code == 302


def test_known_browser_signs_in_while_others_flood(hashes: list[str]) -> None:
    mine = Client()
    assert attempt(mine, PASSWORD, address="203.0.113.50").status_code == 302
    assert mine.cookies[COOKIE]["httponly"]
    mine.post("/admin/logout/")
    begin_minute("all")
    db_assertions.run("UPDATE desk_signinwindow SET used = 1000")
    assert attempt(Client(), PASSWORD, address="203.0.113.51").status_code == 429
    assert attempt(mine, PASSWORD, address="203.0.113.51").status_code == 302


def test_known_browser_is_limited_by_itself(hashes: list[str]) -> None:
    mine = Client()
    attempt(mine, PASSWORD)
    mine.post("/admin/logout/")
    answers = [
        attempt(mine, address=f"203.0.113.{number}").status_code for number in range(100, 108)
    ]
    assert answers.count(429) >= 3  # a minute may end in between
    assert attempt(mine, name="bob", address="203.0.113.99").status_code == 200  # his it is not


@pytest.mark.django_db(transaction=True)
def test_attempts_are_counted_exactly_when_many_come_at_once(
    hashes: list[str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DESK_SIGN_INS_PER_MINUTE_IN_ALL = 5
    monkeypatch.setattr(hashing, "_places", threading.BoundedSemaphore(50))
    addresses = [f"203.0.113.{number}" for number in range(12)]
    begin_minute("all", *(f"address:{address}" for address in addresses))
    answers = at_once(
        [lambda one=one: attempt(Client(), address=one).status_code for one in addresses]
    )
    assert sorted(answers) == [200] * 5 + [429] * 7
    assert len(hashes) == 5


def test_concurrent_password_hashing_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "_places", threading.BoundedSemaphore(1))
    monkeypatch.setattr(hashing.BoundedHasher, "iterations", 10)
    hasher = hashing.BoundedHasher()
    with hashing._place(), pytest.raises(ServiceUnavailable):
        hasher.encode("a password", "salt")
    assert hasher.encode("a password", "salt").startswith(
        "pbkdf2_sha256$10$"
    )  # as Django stores it


def test_busy_sign_in_is_a_page_with_the_time_to_retry(
    hashes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "_places", threading.BoundedSemaphore(1))
    with hashing._place():
        page = attempt(Client(), PASSWORD)
    assert (page.status_code, page["Retry-After"]) == (503, "2")
    assert page["Content-Type"].startswith("text/html")
    assert attempt(Client(), PASSWORD).status_code == 302


def test_lock_out_is_by_peer_address_without_a_trusted_proxy(operator: User, settings: Any) -> None:
    settings.AXES_ENABLED, settings.DESK_SIGN_INS_PER_MINUTE = True, 1000
    settings.DESK_SIGN_INS_PER_MINUTE_IN_ALL = 1000
    settings.BEHIND_TLS_PROXY, settings.TRUSTED_PROXIES = True, []
    for _ in range(6):
        attempt(Client())
    assert attempt(Client(), PASSWORD).status_code == 429
    assert attempt(Client(), PASSWORD, address="203.0.113.8").status_code == 302


def test_no_operator_is_locked_out_by_a_name_alone(operator: User, settings: Any) -> None:
    settings.AXES_ENABLED, settings.DESK_SIGN_INS_PER_MINUTE = True, 1000
    settings.DESK_SIGN_INS_PER_MINUTE_IN_ALL = 1000
    settings.BEHIND_TLS_PROXY, settings.TRUSTED_PROXIES = True, []
    for _ in range(8):
        attempt(Client(), address="")  # a Unix socket
    assert attempt(Client(), PASSWORD, address="").status_code == 302


def test_known_browser_is_not_locked_out_by_strangers(operator: User, settings: Any) -> None:
    settings.AXES_ENABLED, settings.DESK_SIGN_INS_PER_MINUTE = True, 1000
    settings.DESK_SIGN_INS_PER_MINUTE_IN_ALL = 1000
    mine = Client()
    attempt(mine, PASSWORD)
    mine.post("/admin/logout/")
    for _ in range(6):
        attempt(Client())  # behind the same address
    assert attempt(Client(), PASSWORD).status_code == 429
    assert attempt(mine, PASSWORD).status_code == 302
