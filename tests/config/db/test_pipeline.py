"""Statements sent together: their rows, their transaction, their errors."""

from contextlib import nullcontext, suppress

import psycopg
import pytest
from django.conf import settings
from django.db import (
    DataError,
    IntegrityError,
    InternalError,
    OperationalError,
    ProgrammingError,
    connection,
    transaction,
)
from psycopg.pq import TransactionStatus

from config.db.pipeline import PipelineConnection, numbered, run_statements
from config.db.transactions import run_transaction
from tests.support.concurrency import Clients
from tests.support.pipeline import needs_pipeline
from tests.support.scratch_table import ALL, add
from tests.support.sql_capture import captured

pytestmark = pytest.mark.django_db(transaction=True)


def status():
    return TransactionStatus(connection.connection.pgconn.transaction_status)


def test_each_statement_sees_the_earlier_ones_and_returns_rows(scratch):
    assert run_statements(add(1), ALL, add(2), ALL) == [[], [(1,)], [], [(1,), (2,)]]


@pytest.mark.parametrize("listening", [nullcontext, captured])
def test_batch_is_its_own_transaction_outside_of_one(scratch, listening):
    with pytest.raises(IntegrityError), listening():
        run_statements(add(1), add(1))
    assert (scratch(), status()) == ([], TransactionStatus.IDLE)


def test_transaction_spans_its_first_to_its_last_batch(scratch):
    def work(tx):
        assert status() == TransactionStatus.IDLE
        tx.run(add(1))
        assert status() == TransactionStatus.INTRANS
        tx.commit_with(add(2))
        return "done"

    assert run_transaction(work, begins_by_itself=True) == "done"
    assert (scratch(), status()) == ([1, 2], TransactionStatus.IDLE)


def test_timeouts_are_set_before_the_first_batched_statement(db, settings):
    settings.LOCK_TIMEOUT_MS, settings.STATEMENT_TIMEOUT_MS = 1234, 4321
    shown = "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
    rows = run_transaction(lambda tx: tx.run((shown, [])), begins_by_itself=True)
    assert rows == [[("1234ms", "4321ms")]]
    assert run_statements((shown, [])) == [[("0", "0")]]


def test_empty_transaction_leaves_no_begin_for_the_next_one(db):
    """Work that ends before its first statement must not have the time-outs set outside of it."""
    run_transaction(lambda tx: None, begins_by_itself=True)
    with captured() as statements:
        run_statements(("SELECT 1", []))
    assert statements == ["SELECT 1"]


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_failing_statement_stops_the_rest_and_keeps_nothing(scratch, failing):
    numbers = [10, 11, 12]
    numbers[failing] = 1

    def work(tx):
        tx.run(add(1))
        tx.commit_with(*[add(number) for number in numbers])

    with pytest.raises(IntegrityError) as refused:
        run_transaction(work, begins_by_itself=True)
    assert refused.value.__cause__.diag.constraint_name == "scratch_pkey"
    assert (scratch(), status()) == ([], TransactionStatus.IDLE)


def test_error_at_commit_is_raised_and_keeps_nothing(scratch):
    with pytest.raises(IntegrityError) as refused:
        run_transaction(lambda tx: tx.commit_with(add(1, parent=2)), begins_by_itself=True)
    assert refused.value.__cause__.diag.constraint_name == "scratch_parent_fkey"
    assert (scratch(), status()) == ([], TransactionStatus.IDLE)
    run_transaction(lambda tx: tx.commit_with(add(1)), begins_by_itself=True)
    assert scratch() == [1]


def test_last_batch_does_not_commit_inside_a_larger_transaction(scratch):
    with transaction.atomic():
        with transaction.atomic():
            run_statements(add(1), commit=True)
        assert status() == TransactionStatus.INTRANS
        transaction.set_rollback(True)
    assert scratch() == []


def test_broken_transaction_accepts_no_statement(scratch):
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(transaction.TransactionManagementError):
            run_statements(add(1))


def test_on_commit_callbacks_run_after_the_commit(scratch):
    def work(tx):
        transaction.on_commit(lambda: seen.extend(as_others_see_it()))
        tx.commit_with(add(7))

    def as_others_see_it():
        with Clients(1) as clients:
            return clients.start(scratch).result()

    seen = []
    run_transaction(work, begins_by_itself=True)
    assert seen == [7]


def test_unbindable_value_leaves_the_connection_unchanged(scratch):
    with transaction.atomic():
        run_statements(add(1))
        with pytest.raises(DataError):
            run_statements(("SELECT %s::text", ["NUL\0"]))
        assert run_statements(ALL) == [[(1,)]]
    assert scratch() == [1]


def test_commit_that_became_a_rollback_is_an_error(scratch):
    def work(tx):
        tx.run(add(1))
        with suppress(IntegrityError):
            tx.run(add(1))
        tx.commit_with()

    with pytest.raises(InternalError):
        run_transaction(work, begins_by_itself=True)
    assert scratch() == []


def test_broken_statement_is_the_only_one_that_fails(scratch):
    with pytest.raises(ProgrammingError):
        run_statements(("SELECT nothing FROM nowhere", []))
    assert run_statements(add(1), ALL) == [[], [(1,)]]


def test_connection_broken_while_waiting_is_closed_and_replaced(scratch):
    broken = connection.connection
    with pytest.raises(OperationalError):
        run_statements(add(1), ("SELECT pg_terminate_backend(pg_backend_pid())", []))
    assert broken.closed
    connection.close()
    assert scratch() == []


@needs_pipeline
def test_interruption_leaves_no_half_exchange_behind(scratch, monkeypatch):
    def interrupted(pgconn):
        raise KeyboardInterrupt
        yield

    with monkeypatch.context() as patch:
        patch.setattr("config.db.pipeline.generators.fetch_many", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_statements(ALL)
    assert connection.connection.closed
    connection.close()
    assert run_statements(ALL) == [[]]


def test_rollback_on_a_dead_connection_raises(db):
    raw = connection.connection
    if raw is None:
        connection.ensure_connection()
        raw = connection.connection
    assert isinstance(raw, PipelineConnection) == settings.DATABASE_PREPARE
    raw.close()
    with pytest.raises(psycopg.OperationalError):
        raw.rollback()
    connection.close()


def test_execute_wrappers_see_each_statement_in_order(scratch):
    with captured() as statements, transaction.atomic():
        assert run_statements(add(1), ALL) == [[], [(1,)]]
    assert statements == [add(1)[0], ALL[0]]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT %s, %s", ("SELECT $1, $2", ())),
        ("SELECT %(a)s, %(b)s, %(a)s", ("SELECT $1, $2, $1", ("a", "b"))),
        ("SELECT 5 %% 2, '%%a' LIKE %s", ("SELECT 5 % 2, '%a' LIKE $1", ())),
    ],
)
def test_placeholders_are_translated_for_the_server(statement, expected):
    assert numbered(statement) == expected
