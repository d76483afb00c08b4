"""``manage.py worker`` as real processes: woken, parallel, killed, stopped, without a database."""

import signal
import subprocess
import sys
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from numbers.bulk_actions.actions import BULK_ACTIONS
from numbers.bulk_actions.job import begin, choose
from numbers.models import Duty, Job, NumberEvent, PhoneNumber
from numbers.reports.dashboard_job import count_soon
from numbers.worker.duties import all_duties
from numbers.worker.schedule import plan_duties
from numbers.worker.wake import wake_worker
from tests.config.db.test_pooler import pgbouncer
from tests.drills.drill import desk
from tests.drills.drill.cluster import Cluster, free_port
from tests.support import db_assertions, factories
from tests.support.concurrency import wait_until, wait_until_blocked, wait_until_idle
from tests.support.live_server import ROOT
from tests.support.phone_numbers import order_status, wait_for
from tests.support.worker_processes import PATIENCE, WorkerProcess, holding, silence_everything

__all__ = ["pgbouncer"]  # a fixture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

JOBS_DONE = "SELECT count(*) > 0 AND bool_and(status = 'done') FROM numbers_job"


@pytest.fixture
def start():
    started: list[WorkerProcess] = []

    def run(*arguments: Any, **options: Any) -> WorkerProcess:
        started.append(WorkerProcess(*arguments, **options))
        return started[-1]

    yield run
    for process in started:
        process.close()


@pytest.fixture
def nothing_due():
    """Duties are planned and done, so that workers have only what the test gives them."""
    plan_duties(all_duties())
    Duty.objects.update(
        next_at="2100-01-01T00:00:00Z",
        outcome="done",
        finished_at="2026-01-01T00:00:00Z",
        succeeded_at="2026-01-01T00:00:00Z",
    )


def retire_all(*numbers: str) -> Job:
    job = choose(
        PhoneNumber.objects.filter(number__in=numbers),
        action=BULK_ACTIONS["retire"],
        actor=factories.actor(),
    )
    begin(job, values={}, reason="ticket 7", actor=factories.actor())
    return job


def order_filled(order_id: str) -> str:
    return f"SELECT status = 'complete' FROM numbers_order WHERE id = '{order_id}'"


# --- woken
# -----------------------------------------------------------------------------------------


def test_worker_is_woken_for_stock_and_for_jobs(api, cast, start, nothing_due):
    """It would look by itself after an hour."""
    start().wait_until_listening()
    order_id = wait_for(api, 2)
    factories.stock(*factories.line(0, 2))
    wake_worker()
    wait_until(order_filled(order_id))
    factories.stock(*(kept := factories.line(50, 3)))
    retire_all(*kept)
    wait_until(JOBS_DONE)
    count_soon(factories.actor())
    wait_until(JOBS_DONE)
    db_assertions.assert_in_order()


def test_worker_polls_without_notifications(api, start, nothing_due):
    nowhere = f"postgresql://numberdesk@127.0.0.1:{free_port()}/numberdesk"
    process = start(poll="0.1", WORKER_LISTEN_URL=nowhere)
    wait_until("SELECT count(*) = 1 FROM numbers_workerprocess")
    order_id = wait_for(api, 2)
    factories.stock(*factories.line(0, 2))
    wait_until(order_filled(order_id))
    assert "no notifications, polling only" in process.output()


def test_worker_polls_behind_a_pooler_in_transaction_mode(api, start, nothing_due, pgbouncer):
    pgbouncer(prepared=100)
    numbers = factories.stock(*factories.line(50, 3))
    process = start(poll="0.1")
    order_id = wait_for(api, 2, area_code="212")
    factories.stock(*factories.line(0, 2, area_code="212"))
    wait_until(order_filled(order_id))
    retire_all(*numbers)
    wait_until(JOBS_DONE)
    assert process.stop() == 0


def test_worker_behind_a_pooler_wakes_on_a_direct_connection(api, start, nothing_due, pgbouncer):
    place = connection.settings_dict
    direct = f"postgresql:///{place['NAME']}?host={place['HOST']}&port={place['PORT']}&user={place['USER']}"
    pgbouncer(prepared=100)
    start(WORKER_LISTEN_URL=direct).wait_until_listening()
    order_id = wait_for(api, 2)
    factories.stock(*factories.line(0, 2))
    wake_worker()
    wait_until(order_filled(order_id))


# --- side by side
# ----------------------------------------------------------------------------------


def test_two_workers_share_jobs_and_run_each_once(api, cast, start):
    numbers = factories.stock(*factories.line(0, 6))
    jobs = [retire_all(number) for number in numbers]
    orders = [wait_for(api, 2, area_code="212") for _ in range(3)]
    factories.stock(*factories.line(0, 6, area_code="212"))
    first, second = start(), start()
    first.wait_until_listening()
    second.wait_until_listening()
    wait_until(JOBS_DONE)
    for order_id in orders:
        wait_until(order_filled(order_id))
    assert {job.attempts for job in Job.objects.filter(pk__in=[job.pk for job in jobs])} == {1}
    assert set(Duty.objects.filter(daily_at=None).values_list("runs", "failures")) == {(1, 0)}
    assert NumberEvent.objects.filter(kind="retired").count() == 6
    assert [process.stop() for process in (first, second)] == [0, 0]
    assert db_assertions.rows("SELECT count(*) FROM numbers_workerprocess") == [(0,)]
    db_assertions.assert_in_order()


# --- killed
# ----------------------------------------------------------------------------------------


def test_killed_job_is_finished_by_the_other_worker(cast, start, nothing_due):
    numbers = factories.stock(*factories.line(0, 4))
    job = retire_all(*numbers)
    with holding():
        killed = start(hold_at="job")
        wait_until_blocked()
        start().wait_until_listening()
        killed.kill()
    silence_everything()
    wake_worker()
    wait_until(JOBS_DONE)
    job.refresh_from_db()
    assert set(job.outcomes.values_list("outcome", flat=True)) == {"done"}
    assert NumberEvent.objects.filter(kind="retired").count() == 4
    assert job.attempts == 2


def test_killed_duty_is_finished_by_the_other_worker(start):
    with holding():
        killed = start(hold_at="duty")
        wait_until_blocked()
        other = start()
        killed.kill()
    wait_until_idle()
    silence_everything()
    wake_worker()
    other.wait_until_listening()
    wait_until("SELECT outcome = 'done' FROM numbers_duty WHERE name = 'forget_idempotency_keys'")
    duty = Duty.objects.get(name="forget_idempotency_keys")
    assert (duty.runs, duty.failures, duty.attempts, duty.owner) == (2, 1, 0, "")
    others = Duty.objects.filter(daily_at=None).exclude(name=duty.name)
    assert set(others.values_list("outcome", flat=True)) == {"done"}  # no other job waited for it


def test_killed_fill_is_finished_by_the_other_worker(api, cast, start, nothing_due):
    order_id = wait_for(api, 2)
    factories.stock(*factories.line(0, 2))
    with holding():
        killed = start(hold_at="fill")
        wait_until_blocked()
        killed.kill()
    wait_until_idle()
    assert order_status(api, order_id)["status"] == "pending"
    start()
    wait_until(order_filled(order_id))
    assert len(db_assertions.charges(cast.owner)) == 1
    db_assertions.assert_in_order()


# --- stopped
# ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_worker_exits_at_once_and_cleanly(start, nothing_due, number):
    process = start().wait_until_listening()
    assert process.stop(number) == 0
    assert db_assertions.rows("SELECT count(*) FROM numbers_workerprocess") == [(0,)]


def test_job_of_a_stopped_worker_is_continued_at_once(cast, start, nothing_due):
    numbers = factories.stock(*factories.line(0, 4))
    with holding():
        job = retire_all(*numbers)
        stopped = start(hold_at="job")
        wait_until_blocked()
        assert stopped.stop() == 0  # its statement is canceled, since it does not end by itself
    job.refresh_from_db()
    assert (job.status, job.attempts, job.error) == ("queued", 0, "")
    start()
    wait_until(JOBS_DONE)
    assert NumberEvent.objects.filter(kind="retired").count() == 4


def test_duty_of_a_stopped_worker_is_due_at_once(start):
    with holding():
        stopped = start(hold_at="duty")
        wait_until_blocked()
        assert stopped.stop() == 0
    duty = Duty.objects.get(name="forget_idempotency_keys")
    assert (duty.owner, duty.outcome, duty.attempts, duty.failures) == ("", "", 0, 0)


def test_owned_worker_ends_with_its_process(start, nothing_due):
    code = "import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]])"
    parent = start(command=["-c", code, "-m", "tests.support.worker_process", "--with-parent"])
    wait_until("SELECT count(*) = 1 FROM numbers_workerprocess")
    parent.kill()
    wait_until("SELECT count(*) = 0 FROM numbers_workerprocess")


def test_check_reports_whether_a_local_worker_is_alive(start, nothing_due, capsys):
    with pytest.raises(CommandError, match="no worker of this host has been alive"):
        call_command("worker", "--check")
    capsys.readouterr()
    process = start().wait_until_listening()
    call_command("worker", "--check")
    assert capsys.readouterr().out == "1 alive on this host, 1 in all\n"
    process.kill()
    db_assertions.run("UPDATE numbers_workerprocess SET beat_at = beat_at - interval '61 s'")
    with pytest.raises(CommandError):
        call_command("worker", "--check")


# --- without a database
# ----------------------------------------------------------------------------


@pytest.fixture
def cluster():
    made = Cluster()
    try:
        assert desk.manage(made.url(), "migrate").returncode == 0
        yield made
    finally:
        made.remove()


def test_worker_waits_for_the_database_and_survives_its_restarts(cluster, start):
    cluster.stop()
    process = start(
        command=["manage.py", "worker"],
        poll="1",
        **desk.environment(cluster.url()) | {"LOG_LEVEL": "INFO"},
    )
    wait_for_line(process, "for the database")
    cluster.start_again()
    wait_for_line(process, "listening for notifications")
    cluster.kill()
    wait_for_line(process, "polling only", times=2)
    cluster.start_again()
    wait_for_line(process, "listening for notifications", times=2)
    checked = subprocess.run(
        [sys.executable, "manage.py", "worker", "--check"],
        cwd=ROOT,
        env=desk.environment(cluster.url()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout) == (0, "1 alive on this host, 1 in all\n")
    assert process.stop() == 0


def wait_for_line(process: WorkerProcess, words: str, *, times: int = 1) -> None:
    """Return when its log has the words so often; the pause is PostgreSQL's."""
    for _ in range(PATIENCE * 20):
        if process.output().count(words) >= times:
            return
        db_assertions.rows("SELECT pg_sleep(0.05)")
    raise AssertionError(process.output())
