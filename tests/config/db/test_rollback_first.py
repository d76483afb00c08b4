"""A transaction that is rolled back before the statements that explain its refusal run."""

from contextlib import nullcontext, suppress

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from psycopg.pq import TransactionStatus

from campaigns.models import Organization
from config.db.pipeline import run_statements
from config.db.transactions import Transaction, run_transaction
from tests.support import db_assertions, factories
from tests.support.api_client import error_of
from tests.support.concurrency import Clients
from tests.support.sql_capture import captured

pytestmark = pytest.mark.django_db(transaction=True)

COUNT = ("SELECT count(*) FROM campaigns_organization", [])


class Refused(Exception):
    pass


@pytest.mark.parametrize("listening", [nullcontext, captured])
def test_rolled_back_batch_leaves_nothing(db, listening):
    def work(tx):
        Organization.objects.create(name="any")
        tx.roll_back_and_run(COUNT)
        raise Refused

    with pytest.raises(Refused), listening():
        run_transaction(work)
    assert run_statements(COUNT) == [[(0,)]]


def test_trailing_reads_run_after_the_rollback_and_end_the_batch(db):
    with transaction.atomic():
        Organization.objects.create(name="any")
        assert run_statements(COUNT, COUNT, rollback_first=True) == [[(0,)], [(0,)]]
        assert connection.connection.pgconn.transaction_status == TransactionStatus.IDLE
        with pytest.raises(TransactionManagementError):
            Organization.objects.create(name="any")
    assert run_statements(COUNT) == [[(0,)]]


def test_undone_savepoint_keeps_the_outer_transaction(db):
    with transaction.atomic():
        Organization.objects.create(name="any")
        with suppress(Refused), transaction.atomic():
            Organization.objects.create(name="another")
            assert run_statements(COUNT, rollback_first=True) == [[(2,)]]
            raise Refused
    assert run_statements(COUNT) == [[(1,)]]


def test_refusal_holds_no_lock_while_it_searches_alternatives(api, monkeypatch):
    taken, free = factories.stock(*factories.line(0, 2))
    assert api.order([taken]).status_code == 200
    original, locked = Transaction.roll_back_and_run, []

    def run_then_lock_elsewhere(tx, *statements):
        rows = original(tx, *statements)
        with Clients(1) as other:
            lock = "SELECT 1 FROM numbers_phonenumber WHERE number = %s FOR UPDATE NOWAIT"
            locked.extend(other.start(db_assertions.rows, lock, free).result())
        return rows

    monkeypatch.setattr(Transaction, "roll_back_and_run", run_then_lock_elsewhere)
    error_of(api.order([taken, free]), 409, "INSUFFICIENT_INVENTORY")
    assert locked == [(1,)]
