"""Each thread keeps its database connection and notices when the server has closed it."""

import select

import psycopg
import pytest
from django.conf import settings
from django.db import close_old_connections, connection

from config.db.backend.base import has_ended
from config.db.pipeline import PipelineConnection, run_statements
from tests.support import db_assertions, factories
from tests.support.concurrency import Clients

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def elsewhere():
    """Runs a statement on another connection."""
    with Clients(1) as other:
        yield lambda statement, *parameters: other.start(
            db_assertions.rows, statement, *parameters
        ).result()


def backend():
    return db_assertions.rows("SELECT pg_backend_pid()")[0][0]


def terminate(pid, elsewhere):
    """End our connection from another one, and wait until its end has arrived here.

    The server closes the socket a moment after it has reported the end.
    """
    elsewhere("SELECT pg_terminate_backend(%s, 5000)", pid)
    ended = select.poll()
    ended.register(connection.connection.fileno(), select.POLLRDHUP)
    assert ended.poll(5000)


def test_connection_is_kept_between_requests():
    before = backend()
    close_old_connections()  # as a request does at its beginning and its end
    assert backend() == before
    assert isinstance(connection.connection, PipelineConnection) == settings.DATABASE_PREPARE


def test_pipelined_rows_match_those_of_django_cursors():
    asked = """
        SELECT '{"a": 1}'::jsonb, '192.0.2.7'::inet, '2026-01-01T00:00Z'::timestamptz,
               1.50::numeric, ARRAY['x']
    """
    assert run_statements((asked, [])) == [db_assertions.rows(asked)]


def test_ended_connection_is_replaced_before_the_next_request(elsewhere):
    before = backend()
    terminate(before, elsewhere)
    assert has_ended(connection.connection)
    close_old_connections()
    assert connection.connection is None
    assert backend() != before


def test_connection_that_only_received_a_message_stays(elsewhere):
    db_assertions.run("LISTEN anything")
    before = backend()
    elsewhere("SELECT pg_notify('anything', '')")
    assert not has_ended(connection.connection)
    close_old_connections()
    assert backend() == before


def test_order_is_placed_at_once_after_a_database_restart(api, elsewhere):
    numbers = factories.stock("+14155550123")
    terminate(backend(), elsewhere)
    assert api.order(numbers).status_code == 200


def test_connection_is_psycopgs_when_nothing_is_prepared(monkeypatch):
    connection.close()
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "prepare_threshold", None)
    try:
        db_assertions.rows("SELECT 1")
        assert type(connection.connection) is psycopg.Connection
    finally:
        connection.close()
