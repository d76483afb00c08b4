"""A transaction that is rolled back before the statements that explain its refusal run."""

from contextlib import nullcontext, suppress

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError
from psycopg.pq import TransactionStatus

from campaigns.models import Organization
from config.db.batches import send
from config.db.transactions import run_transaction
from numbers.orders import place
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
    def work():
        Organization.objects.create(name="any")
        send(COUNT, undo=True)
        raise Refused

    with pytest.raises(Refused), listening():
        run_transaction(work)
    assert send(COUNT) == [[(0,)]]


def test_trailing_reads_run_after_the_rollback_and_end_the_batch(db):
    with transaction.atomic():
        Organization.objects.create(name="any")
        assert send(COUNT, COUNT, undo=True) == [[(0,)], [(0,)]]
        assert connection.connection.pgconn.transaction_status == TransactionStatus.IDLE
        with pytest.raises(TransactionManagementError):
            Organization.objects.create(name="any")
    assert send(COUNT) == [[(0,)]]


def test_undone_savepoint_keeps_the_outer_transaction(db):
    with transaction.atomic():
        Organization.objects.create(name="any")
        with suppress(Refused), transaction.atomic():
            Organization.objects.create(name="another")
            assert send(COUNT, undo=True) == [[(2,)]]
            raise Refused
    assert send(COUNT) == [[(1,)]]


def test_refusal_holds_no_lock_while_it_searches_alternatives(api, monkeypatch):
    taken, free = factories.stock(*factories.line(0, 2))
    assert api.order([taken]).status_code == 200
    original = place.send

    def send_then_lock_elsewhere(*statements, **options):
        rows = original(*statements, **options)
        if options.get("undo"):
            with Clients(1) as other:
                lock = "SELECT 1 FROM numbers_phonenumber WHERE number = %s FOR UPDATE NOWAIT"
                assert other.start(db_assertions.rows, lock, free).result() == [(1,)]
        return rows

    monkeypatch.setattr(place, "send", send_then_lock_elsewhere)
    error_of(api.order([taken, free]), 409, "INSUFFICIENT_INVENTORY")
