"""``wake_worker``: a notification for every listener, exactly when the change is committed."""

import psycopg
import pytest
from django.db import connection, transaction

from numbers.worker.wake import CHANNEL, wake_worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def listener():
    settings = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(
        autocommit=True, **{name: settings[name] for name in names if name in settings}
    ) as listening:
        listening.execute(f"LISTEN {CHANNEL}")
        yield listening


def heard(listening: psycopg.Connection) -> int:
    """How many notifications have arrived: PostgreSQL delivers them before it answers a statement."""
    listening.execute("SELECT 1")
    return len(list(listening.notifies(timeout=0)))


def test_waking_outside_a_transaction_notifies_at_once(listener):
    wake_worker()
    assert heard(listener) == 1


def test_waking_notifies_once_when_the_transaction_commits(listener):
    with transaction.atomic():
        wake_worker()
        wake_worker()
        assert heard(listener) == 0
    assert heard(listener) == 1


def test_waking_sends_nothing_when_the_transaction_rolls_back(listener):
    with transaction.atomic():
        wake_worker()
        transaction.set_rollback(True)
    assert heard(listener) == 0
