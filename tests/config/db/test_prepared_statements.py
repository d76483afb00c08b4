"""Prepared statements: when the pipeline prepares, keeps and forgets them."""

import pytest
from django.db import IntegrityError, connection, transaction

from config.db.pipeline import run_statements
from config.db.transactions import run_transaction
from tests.support import db_assertions, factories
from tests.support.concurrency import Clients
from tests.support.phone_numbers import NUMBERS
from tests.support.pipeline import needs_pipeline
from tests.support.scratch_table import ALL, add

pytestmark = pytest.mark.django_db(transaction=True)


def prepared():
    return {
        row[0]
        for row in db_assertions.rows(
            "SELECT statement FROM pg_prepared_statements WHERE name LIKE 'desk%'"
        )
    }


def drop_ours():
    """Drop the statements that the pipeline has prepared, and none of psycopg's."""
    for name in connection.connection._statements.values():
        connection.connection.pgconn.exec_(b"DEALLOCATE " + name)


def add_and_fail():
    with transaction.atomic():
        run_statements(add(1))
        raise ZeroDivisionError


@needs_pipeline
def test_statement_is_prepared_once_and_outlives_a_rollback(scratch):
    run_statements(ALL)
    with pytest.raises(ZeroDivisionError):
        add_and_fail()
    before = connection.connection._statements.copy()
    assert {ALL[0], "INSERT INTO scratch VALUES ($1, $2)"} <= prepared() & set(before)
    run_statements(add(2), ALL)
    assert connection.connection._statements == before


@pytest.mark.parametrize(
    "drop",
    [
        lambda: db_assertions.run("DEALLOCATE ALL"),  # psycopg notices, and forgets its own
        pytest.param(lambda: drop_ours(), marks=needs_pipeline),  # psycopg does not notice
    ],
)
def test_dropped_statements_are_prepared_again(api, drop):
    first, second = factories.stock(*factories.line(0, 2))
    assert api.order([first]).status_code == 200
    drop()
    assert api.order([second]).status_code == 200
    db_assertions.assert_in_order()


@needs_pipeline
def test_transaction_runs_again_when_its_statements_vanish(scratch, caplog):
    tries = []

    def work(tx):
        tx.run(ALL)
        if not tries:
            drop_ours()
        tries.append(1)
        tx.commit_with(ALL, add(len(tries)))
        return "done"

    assert run_transaction(work, begins_by_itself=True) == "done"
    assert (scratch(), len(tries)) == ([2], 2)
    assert "transaction tried again" in caplog.text


def test_statements_dropped_by_a_savepoint_rollback_are_noticed(scratch):
    """psycopg sends DEALLOCATE ALL; the transaction that continues must prepare them again."""
    with transaction.atomic():
        for _ in range(4):  # psycopg has prepared something itself
            db_assertions.rows("SELECT id FROM scratch WHERE id = %s", 5)
        run_statements(ALL)
        with pytest.raises(ZeroDivisionError):
            add_and_fail()
        assert run_statements(add(2), ALL) == [[], [(2,)]]


ALTERED = {
    "key": ("ALTER TABLE apikeys_apikey ALTER COLUMN prefix TYPE varchar({})", 24),
    "price": ("ALTER TABLE numbers_phonenumber ALTER COLUMN price TYPE numeric({}, 2)", 12),
}


@pytest.fixture(params=ALTERED)
def altered(request):
    """Alter a column as a migration does, so that earlier prepared statements are outdated."""
    statement, size = ALTERED[request.param]

    def alter(size):
        with Clients(1) as clients:
            clients.start(db_assertions.run, statement.format(size)).result()

    yield lambda: alter(size + 1)
    alter(size)


def test_migration_that_changes_a_type_fails_no_order(api, altered):
    numbers = factories.stock(*factories.line(0, 2))
    assert api.order(numbers[:1]).status_code == 200
    altered()
    assert api.order(numbers[1:]).status_code == 200
    db_assertions.assert_in_order()


def test_stale_read_through_django_is_503_once_after_a_migration(api, cast, altered):
    """psycopg would use its outdated statements as long as the connection lives."""
    factories.own(cast.owner, *factories.stock(*factories.line(0, 1)))
    for _ in range(5):
        assert api.get(NUMBERS).status_code == 200
    altered()
    answers = [api.get(NUMBERS).status_code for _ in range(3)]
    assert answers in ([200, 200, 200], [503, 200, 200])


@needs_pipeline
def test_new_statement_twice_in_a_batch_is_prepared_once(scratch):
    twice = ("SELECT 'twice', id FROM scratch", [])
    run_statements(twice, twice)
    assert [
        one
        for (one,) in db_assertions.rows("SELECT statement FROM pg_prepared_statements")
        if one == twice[0]
    ] == [twice[0]]


@needs_pipeline
def test_unreached_statement_is_not_taken_for_prepared(scratch):
    unreached = ("SELECT 'unreached', id FROM scratch", [])
    with pytest.raises(IntegrityError):
        run_statements(add(1), add(1), unreached)
    assert unreached[0] not in connection.connection._statements
    assert run_statements(unreached) == [[]]


@needs_pipeline
def test_statements_past_the_bound_are_not_prepared(scratch, monkeypatch):
    monkeypatch.setattr("config.db.pipeline._MOST_PREPARED", 0)
    one_more = "SELECT 'one more', id FROM scratch"
    assert run_statements(add(1), (one_more, [])) == [[], [("one more", 1)]]
    assert one_more not in prepared()
