"""Search everything that a whole session logs and stores for secrets."""

import http.client
import io
import logging
import subprocess

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings

from config.observability.logs import JsonFormatter, RequestFilter, without_secrets
from numbers.inventory import search
from numbers.orders import place
from tests.support import db_assertions, factories
from tests.support.api_client import ORDERS
from tests.support.concurrency import wait_until_idle
from tests.support.keys import KEYS, created, id_of, revoke, rotate
from tests.support.live_server import Server

METRICS_TOKEN, PASSWORD = "a-token-of-the-monitoring", "an-operators-long-password"
TABLES = (
    "SELECT format('%I', table_name) FROM information_schema.tables WHERE table_schema = 'public'"
)
UNKNOWN = "am_live_" + "Zz9" * 12


@pytest.fixture
def everything_logged():
    """All that any logger says at any level, as settings.LOGGING would write it."""
    stream, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(RequestFilter())
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def secret_part(key):
    return key[12:]


def play(api, cast, monkeypatch):
    """Keys made, rotated, revoked, misused; orders that succeed, are refused and break. Gives all secrets."""
    secrets = [cast.owner_key, cast.colleague_key, cast.stranger_key, cast.sandbox_key, UNKNOWN]
    secrets.append(platform_key := factories.platform_key())
    numbers = factories.stock(*factories.line(0, 5))
    made = created(api, label="another program")
    rotated = rotate(api, made["id"]).json()["data"]["plaintext"]
    secrets += [made["plaintext"], rotated]
    revoke(api, made["id"])
    for secret in (rotated, made["plaintext"], UNKNOWN, UNKNOWN + "!", None):
        api.using(secret).order(numbers[:1])
    api.order(numbers[:1], headers={"Idempotency-Key": "k"})
    api.order(numbers[:1], headers={"Idempotency-Key": "k"})
    api.order(numbers[:1])
    api.order(
        numbers, label=cast.owner_key[:20], inbound_url=f"https://user:{PASSWORD}@example.com/"
    )
    api.request("POST", ORDERS, f'{{"numbers": ["{cast.owner_key}"'.encode())
    api.get(f"/v1/none/{cast.owner_key}?key={cast.stranger_key}")
    api.get(f"{KEYS}/{id_of(cast.stranger_key)}")
    api.using(platform_key).get(f"/v1/platform/{platform_key}")
    monkeypatch.setattr(place, "run_transaction", lambda *_, **__: broken(cast))
    assert api.order(numbers[1:2]).status_code == 500
    monkeypatch.setattr(
        search, "_next_turn", lambda: db_assertions.rows("SELECT %s FROM nowhere", cast.owner_key)
    )
    assert api.post("/v1/phone-numbers/search", {}).status_code == 500
    return [secret_part(secret) for secret in secrets]


def broken(cast):
    raise RuntimeError(
        f"at postgresql://desk:{PASSWORD}@db/x with Authorization: Bearer {cast.owner_key}"
    )


def operate():
    User.objects.create_superuser("alice", password=PASSWORD)
    desk = Client()
    desk.post("/admin/login/", {"username": "alice", "password": "wrong" + PASSWORD})
    desk.post("/admin/login/", {"username": "alice", "password": PASSWORD})
    with override_settings(METRICS_TOKEN=METRICS_TOKEN):
        desk.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
        desk.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}x"})


def all_that_is_stored():
    tables = [name for (name,) in db_assertions.rows(TABLES)]
    assert "numbers_order" in tables
    return "\n".join(
        row for table in tables for (row,) in db_assertions.rows(f"SELECT t::text FROM {table} t")
    )


@pytest.mark.django_db(transaction=True)
def test_no_secret_is_logged_or_stored_in_a_whole_session(
    api, cast, monkeypatch, everything_logged
):
    secrets = [*play(api, cast, monkeypatch), METRICS_TOKEN]
    operate()
    logged, stored = everything_logged.getvalue(), all_that_is_stored()
    assert cast.owner_key[:12] in logged  # there is something to search
    assert cast.owner_key[:12] in stored
    assert "Traceback" in logged
    for secret in secrets:
        assert secret not in logged
        assert secret not in stored
    assert PASSWORD not in stored
    assert PASSWORD not in logged


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_no_secret_is_in_the_output_of_a_real_server(cast, monkeypatch, tmp_path):
    """Its own lines and the framework's, at DEBUG, with the output in a file."""
    numbers = factories.stock(*factories.line(0, 2))
    output = (tmp_path / "log").open("wb")
    start = subprocess.Popen
    monkeypatch.setattr(
        subprocess,
        "Popen",
        lambda *arguments, **options: start(*arguments, **options | {"stderr": output}),
    )
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    server = Server()
    try:
        server.start()
        for secret in (cast.owner_key, UNKNOWN):
            server.order(secret, numbers, key="k")
            ask(server, f"/v1/{secret}", secret)
        ask(server, "/" + "x" * 5000, cast.owner_key)  # more than gunicorn reads of a line
    finally:
        server.close()
        wait_until_idle()
    logged = (tmp_path / "log").read_text()
    assert cast.owner_key[:12] in logged
    assert secret_part(cast.owner_key) not in logged
    assert secret_part(UNKNOWN) not in logged


def ask(server, path, secret):
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    client.request(
        "GET", path, headers={"Authorization": f"Bearer {secret}", "Cookie": f"sessionid={secret}"}
    )
    client.getresponse().read()
    client.close()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("am_live_8sK2abcdefgh", "am_live_8sK2…"),
        ("am_test_8sK2abcdefgh", "am_test_8sK2…"),
        ("am_plat_8sK2abcdefgh", "am_plat_8sK2…"),
        ("LINE 1: ..._live_8sK2abcdefghijklmnop'", "LINE 1: ..._live_8sK2…'"),
        ("LINE 1: ..._plat_8sK2abcdefghijklmnop'", "LINE 1: ..._plat_8sK2…'"),
        ("numbers_test_database", "numbers_test_database"),
        ("postgresql://desk:hunter2@db:5432/x", "postgresql://desk:…@db:5432/x"),
        ("https://example.com:8443/a@b", "https://example.com:8443/a@b"),
        ("12:30:00 a@b", "12:30:00 a@b"),
    ],
)
def test_scrubbing_removes_secrets_and_keeps_the_rest(text, kept):
    assert without_secrets(text) == kept
