"""The retry around a transaction, and the timeouts of locks and statements."""

import threading

import pytest
from django.db import OperationalError, connection

from config.db.transactions import run_transaction
from numbers import locks
from numbers.orders import place
from tests.support import db_assertions, factories
from tests.support.api_client import refused
from tests.support.concurrency import PATIENCE, Clients, gate_before, uncommitted

pytestmark = pytest.mark.django_db(transaction=True)

TRIED_AGAIN = "transaction tried again"


@pytest.fixture
def failing(db):
    """A function that PostgreSQL ends with this state, the first so many times. Sequences are not rolled back."""
    db_assertions.run("CREATE SEQUENCE failures", "CREATE TABLE scratch (id int)")

    def failing(state, times):
        def work(tx):
            db_assertions.run("INSERT INTO scratch VALUES (1)")
            db_assertions.run(
                f"DO $$ BEGIN IF nextval('failures') <= {times} THEN "
                f"RAISE EXCEPTION 'on purpose' USING ERRCODE = '{state}'; END IF; END $$"
            )
            return "done"

        return work

    yield failing
    db_assertions.run("DROP SEQUENCE failures", "DROP TABLE scratch")


def kept():
    return db_assertions.rows("SELECT count(*) FROM scratch")[0][0]


@pytest.mark.parametrize("state", ["40001", "40P01"])
@pytest.mark.parametrize("times", [0, 1, 2])
def test_block_runs_again_after_a_conflict_or_deadlock(failing, state, times, caplog):
    assert run_transaction(failing(state, times)) == "done"
    assert kept() == 1
    assert [record.fields["attempt"] for record in caplog.records] == list(range(1, times + 1))


def test_transaction_gives_up_after_three_attempts(failing, caplog):
    with pytest.raises(OperationalError):
        run_transaction(failing("40001", 3))
    assert (kept(), len(caplog.records)) == (0, 2)


@pytest.mark.parametrize("state", ["55P03", "57014", "53300"])
def test_other_errors_are_not_retried(failing, state):
    with pytest.raises(OperationalError):
        run_transaction(failing(state, 1))
    assert run_transaction(failing(state, 1)) == "done"
    assert kept() == 1


def test_error_at_commit_is_retried(failing):
    db_assertions.run(
        """CREATE FUNCTION fail_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF nextval('failures') = 1 THEN RAISE EXCEPTION 'at COMMIT' USING ERRCODE = '40001'; END IF;
            RETURN NULL;
        END $$""",
        """CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON scratch DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION fail_at_commit()""",
    )
    reached = []
    run_transaction(
        lambda tx: (db_assertions.run("INSERT INTO scratch VALUES (1)"), reached.append(1))
    )
    assert (len(reached), kept()) == (2, 1)
    db_assertions.run("DROP FUNCTION fail_at_commit CASCADE")


def test_nested_use_is_refused(failing):
    with uncommitted(), pytest.raises(RuntimeError, match="durable"):
        run_transaction(failing("40001", 0))


def test_timeouts_hold_only_inside_the_transaction(settings):
    settings.LOCK_TIMEOUT_MS, settings.STATEMENT_TIMEOUT_MS = 1234, 4321
    shown = "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
    assert run_transaction(lambda tx: db_assertions.rows(shown)) == [("1234ms", "4321ms")]
    assert db_assertions.rows(shown) == [("0", "0")]


# --- through the API -----------------------------------------------------------------------------


def test_order_past_its_lock_timeout_is_503_and_safe_to_retry(api, cast, settings, monkeypatch):
    settings.LOCK_TIMEOUT_MS = 50
    numbers = factories.stock(*factories.line(0))
    gate = gate_before(monkeypatch, place, "purchase_statement")
    with Clients(1) as clients:
        first = clients.start(api.order, numbers)
        gate.wait_for_someone()
        response = api.using(cast.stranger_key).order(numbers)
        refused(response, 503, "SERVICE_UNAVAILABLE", "service unavailable")
        assert response["Retry-After"] == "1"
        gate.open()
        assert first.result().status_code == 200
    db_assertions.assert_in_order()


def test_order_past_its_statement_timeout_is_503(api, settings, monkeypatch):
    settings.STATEMENT_TIMEOUT_MS = 50
    slow = locks.LOCK_NUMBERS.replace("clock_timestamp()", "clock_timestamp(), pg_sleep(10)")
    monkeypatch.setattr(locks, "LOCK_NUMBERS", slow)
    response = api.order(factories.stock(*factories.line(0)))
    refused(response, 503, "SERVICE_UNAVAILABLE", "service unavailable")
    assert response["Retry-After"] == "1"
    assert db_assertions.written() == db_assertions.NOTHING


def test_retry_saves_unsorted_orders_that_deadlock(api, cast, monkeypatch, caplog):
    """The negative control of sorting: unsorted, two orders wait for each other. The retry is only the net below."""
    one, two = factories.stock(*factories.line(0, 2))
    barrier, waiting = threading.Barrier(2), threading.local()

    def lock_one_by_one(tx, organization_id, campaign_id, numbers, **_):
        account, rows = locks.lock_account(organization_id), []
        for number in numbers:
            rows += locks.lock_numbers([number])
            if not getattr(waiting, "over", False):
                waiting.over = True
                barrier.wait(PATIENCE)
        return account, rows

    monkeypatch.setattr(place, "lock_for_order", lock_one_by_one)
    with Clients(2) as clients:
        orders = [
            clients.start(api.order, [one, two]),
            clients.start(api.using(cast.stranger_key).order, [two, one]),
        ]
        answers = [order.result() for order in orders]
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert [record.message for record in caplog.records if TRIED_AGAIN in record.message] != []
    db_assertions.assert_in_order()


def test_connection_broken_midway_is_503_and_leaves_nothing(api, monkeypatch):
    original = place.purchase_statement

    def record_and_lose_the_connection(*arguments, **options):
        statement = original(*arguments, **options)
        pid = connection.connection.info.backend_pid
        with Clients(1) as clients:
            clients.start(db_assertions.rows, "SELECT pg_terminate_backend(%s, 5000)", pid).result()
        return statement

    numbers = factories.stock(*factories.line(0))
    with monkeypatch.context() as patch:
        patch.setattr(place, "purchase_statement", record_and_lose_the_connection)
        response = api.order(numbers)
    refused(response, 503, "SERVICE_UNAVAILABLE", "service unavailable")
    assert db_assertions.written() == db_assertions.NOTHING
    assert api.order(numbers).status_code == 200
