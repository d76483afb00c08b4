"""PgBouncer in transaction mode: works from 1.22 on; lost statements are detected (C56)."""

import logging
import socket
from collections.abc import Callable, Iterator

import pytest
from django.db import close_old_connections, connection, connections
from django.test import Client

from config.db.backend import pooler
from tests.drills.cluster.nodes import Processes, free_port, wait_for
from tests.drills.cluster.pgbouncer import NoPgBouncer, pgbouncer_command
from tests.support import db_assertions, factories
from tests.support.api_client import Api
from tests.support.concurrency import Clients
from tests.support.pipeline import needs_pipeline

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

CONFIGURATION = """
[databases]
{name} = host={host} port={port} user={user} dbname={name}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
max_prepared_statements = {prepared}
default_pool_size = {servers}
ignore_startup_parameters = extra_float_digits,options
"""

Start = Callable[..., None]


@pytest.fixture
def pgbouncer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Put a PgBouncer between the desk and its database."""
    try:
        command = pgbouncer_command()
    except NoPgBouncer as reason:
        pytest.skip(str(reason))
    database = connections.settings["default"]
    with Processes() as processes:

        def start(*, mode: str = "transaction", prepared: int, servers: int = 4) -> None:
            listen = free_port()
            text = CONFIGURATION.format(
                name=connection.settings_dict["NAME"],
                host=database["HOST"],
                port=database["PORT"],
                user=database["USER"],
                listen=listen,
                mode=mode,
                prepared=prepared,
                servers=servers,
            )
            processes.start("pgbouncer.log", *command, str(processes.write("pgbouncer.ini", text)))
            connection.close()
            monkeypatch.setitem(database, "HOST", "127.0.0.1")
            monkeypatch.setitem(database, "PORT", str(listen))
            wait_for("PgBouncer to listen", _is_listening(listen))

        yield start
        connection.close()


def _is_listening(port: int) -> Callable[[], bool]:
    def look() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    return look


@pytest.fixture(autouse=True)
def unsuspected() -> Iterator[None]:
    yield
    pooler.suspicion.clear()


def order_from_several_threads(api: Api, numbers: list[str]) -> list[int]:
    """Return the statuses. Each thread keeps its connection, as in a server."""
    with Clients(4) as clients:
        placed = [clients.start(_order_each, api, numbers[start::4]) for start in range(4)]
        return [status for one in placed for status in one.result()]


def _order_each(api: Api, numbers: list[str]) -> list[int]:
    return [api.order([number]).status_code for number in numbers]


def test_orders_are_placed_through_statement_keeping_pgbouncer(api: Api, pgbouncer: Start) -> None:
    numbers = factories.stock(*(f"+1415555{n:04}" for n in range(40)))
    pgbouncer(prepared=100)
    assert order_from_several_threads(api, numbers) == [200] * 40
    assert db_assertions.rows("SELECT count(*) FROM numbers_assignment") == [(40,)]


@needs_pipeline
def test_readyz_gives_the_reason_when_statements_are_lost(
    pgbouncer: Start, caplog: pytest.LogCaptureFixture
) -> None:
    pgbouncer(prepared=0)
    response = Client().get("/readyz")
    assert (response.status_code, response.json()["error"]["message"]) == (503, pooler.REASON)


@needs_pipeline
def test_orders_are_503_and_logged_when_statements_are_lost(
    api: Api, pgbouncer: Start, caplog: pytest.LogCaptureFixture
) -> None:
    numbers = factories.stock(*(f"+1415555{n:04}" for n in range(8)))
    pgbouncer(prepared=0)
    assert order_from_several_threads(api, numbers) == [503] * 8
    assert pooler.REASON in caplog.text


def test_session_mode_needs_no_kept_statements(api: Api, pgbouncer: Start) -> None:
    numbers = factories.stock("+14155550123", "+14155550124")
    pgbouncer(mode="session", prepared=0)
    assert order_from_several_threads(api, numbers) == [200, 200]
    assert Client().get("/readyz").status_code == 200


@needs_pipeline
def test_first_failing_statement_is_503_and_explained_by_readyz(
    api: Api, pgbouncer: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Other clients can hide the pooler from a new connection's look."""
    first, second = factories.stock("+14155550123", "+14155550124")
    monkeypatch.setattr(pooler, "_shares_servers", lambda *connections: False)
    pgbouncer(prepared=0, servers=1)
    # After this, this thread's names are on the one server connection.
    assert api.order([first]).status_code == 200
    with Clients(1) as client, caplog.at_level(logging.ERROR):
        refused = client.start(api.order, [second]).result()
    assert refused.status_code == 503
    assert pooler.REASON in caplog.text
    close_old_connections()  # as before each request
    assert Client().get("/readyz").json()["error"]["message"] == pooler.REASON
