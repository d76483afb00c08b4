"""One item that fails in the queues of jobs and bulk actions: counted, retried, given up, without delaying others."""

from typing import Any

import pytest
from django.db.models.functions import Now

from numbers.bulk_actions.actions import BULK_ACTIONS, Assign
from numbers.bulk_actions.job import begin, choose
from numbers.models import Job, NumberEvent, PhoneNumber, QueueFailures
from numbers.worker import jobs
from numbers.worker.jobs import (
    MOST_ATTEMPTS,
    ask_to_stop,
    queue,
    run_all,
    run_next,
    seconds_until_due,
)
from tests.support import db_assertions, factories
from tests.support.concurrency import Clients, uncommitted, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)


def planted(kind: str = "planted", **parameters: Any) -> Job:
    job = factories.job(kind, status="draft", parameters=parameters)
    queue(job.pk)
    return job


@pytest.fixture
def works(monkeypatch):
    """Two kinds of jobs: one that works, and one that fails until ``mended``."""
    state = {"mended": False}

    def fail(running: Any) -> dict[str, Any]:
        if not state["mended"]:
            raise ZeroDivisionError("a planted fault")
        return {"done": 1}

    monkeypatch.setitem(jobs._HANDLERS, "planted", fail)
    monkeypatch.setitem(jobs._HANDLERS, "works", lambda running: {"done": 1})
    return state


def make_due(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(next_attempt_at="2026-01-01T00:00:00Z")


def failures(name: str) -> int:
    return sum(QueueFailures.objects.filter(queue=name).values_list("failures", flat=True))


# --- jobs
# ------------------------------------------------------------------------------------------


def test_failing_job_is_counted_and_blocks_no_other(works, caplog):
    bad, good = planted(), planted("works")
    assert run_all() == 2
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.status, good.status) == ("queued", "done")
    assert f"item {bad.pk} failed: a planted fault" in caplog.text
    assert failures("jobs") == 1
    assert bad.error.startswith(
        "attempt 1 of 5 failed, the next one follows: internal error (ZeroDivisionError"
    )
    assert 25 < seconds_until_due() <= 30


def test_failing_job_is_retried_with_backoff_then_given_up(works):
    bad = planted()
    distances = []
    for _ in range(MOST_ATTEMPTS):
        assert run_all() == 1
        distances.append(seconds_until_due())
        make_due(bad)
    assert [round(one, -1) for one in distances[:-1]] == [30, 120, 480, 1920]
    bad.refresh_from_db()
    assert (bad.status, bad.finished_at is not None) == ("failed", True)
    assert bad.error.startswith(
        "failed 5 times, given up: internal error (ZeroDivisionError: a planted fault), see"
    )
    assert run_all() == 0


def test_job_is_done_at_its_next_attempt_when_its_fault_is_fixed(works):
    job = planted()
    run_all()
    works["mended"] = True
    make_due(job)
    run_all()
    job.refresh_from_db()
    assert (job.status, job.error, job.attempts) == ("done", "", 2)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "of_another_release"},
        {"kind": "deed"},  # without parameters
        {"kind": "deed", "deed": "unknown"},
        {"kind": "import"},
    ],
    ids=str,
)
def test_malformed_job_blocks_no_other(works, fault):
    bad, good = planted(**fault), planted("works")
    assert run_all() == 2
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.status, good.status) == ("queued", "done")


def test_counts_that_json_cannot_hold_fail_only_their_job(works, monkeypatch):
    monkeypatch.setitem(jobs._HANDLERS, "planted", lambda running: {"done": object()})
    bad, good = planted(), planted("works")
    assert run_all() == 2
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.status, good.status) == ("queued", "done")


def test_worker_has_nothing_to_wait_for_without_jobs(works):
    """A zero here would have it look five times a second."""
    assert seconds_until_due() is None
    planted("works")
    assert seconds_until_due() == 0
    run_all()
    assert seconds_until_due() is None


def test_waiting_retry_can_be_stopped(works):
    job = planted()
    run_all()
    job.refresh_from_db()
    ask_to_stop(job)
    make_due(job)
    assert run_all() == 0
    job.refresh_from_db()
    assert job.status == "cancelled"


def test_job_put_back_in_the_queue_at_the_same_time_is_stopped(works):
    job = planted()
    mine = Job.objects.filter(pk=job.pk)
    mine.update(status="running", started_at=Now(), heartbeat_at=Now())
    with Clients(1) as clients:
        with uncommitted(lambda: mine.update(status="queued", heartbeat_at=None)):
            stopping = clients.start(ask_to_stop, job)
            wait_until_blocked()
        stopping.result()
    job.refresh_from_db()
    assert (job.status, job.stop_asked) == ("cancelled", True)


def test_running_job_goes_on_to_its_next_step_when_stopped(works):
    job = planted()
    Job.objects.filter(pk=job.pk).update(status="running", started_at=Now(), heartbeat_at=Now())
    ask_to_stop(job)
    job.refresh_from_db()
    assert (job.status, job.stop_asked, job.finished_at) == ("running", True, None)


def test_job_of_a_stopping_worker_is_queued_without_an_attempt(works, monkeypatch):
    monkeypatch.setitem(
        jobs._HANDLERS, "planted", lambda running: running.progress("working", 1, 2) or {}
    )
    job = planted()
    run_next(lambda: True)
    job.refresh_from_db()
    assert (job.status, job.attempts, job.error) == ("queued", 0, "")
    assert run_all() == 1
    job.refresh_from_db()
    assert (job.status, job.attempts) == ("done", 1)


def test_interrupted_job_is_taken_over_with_backoff(works):
    job = planted("works")
    claimed = "UPDATE numbers_job SET status = 'running', started_at = now(), attempts = {}, heartbeat_at = now() - {}"
    for attempts, seconds in ((1, 60), (2, 120), (5, 960)):
        db_assertions.run(claimed.format(attempts, f"interval '{seconds - 5} s'"))
        assert run_all() == 0
        assert 0 < seconds_until_due() <= 5
    db_assertions.run(claimed.format(2, "interval '121 s'"))
    assert run_all() == 1
    job.refresh_from_db()
    assert (job.status, job.attempts) == ("done", 3)


# --- bulk actions
# ----------------------------------------------------------------------------------


def begun(action: str, **values: Any) -> Job:
    job = choose(PhoneNumber.objects.all(), action=BULK_ACTIONS[action], actor=factories.actor())
    begin(job, values=values, reason="ticket 7", actor=factories.actor())
    return job


@pytest.fixture
def poison(monkeypatch):
    """A number at which retiring fails, whatever else is in its batch, until the set is emptied."""
    retire = BULK_ACTIONS["retire"].do
    bad: set[int] = set()

    def do(ids: Any, order: Any) -> Any:
        if bad & set(ids):
            raise ZeroDivisionError("a planted fault")
        return retire(ids, order)

    monkeypatch.setattr(BULK_ACTIONS["retire"], "do", do)
    return bad


def outcomes_of(job: Job) -> list[str]:
    return list(job.outcomes.order_by("position").values_list("outcome", flat=True))


def test_one_number_of_a_bulk_action_fails_alone_and_is_retried(poison):
    numbers = factories.stock(*factories.line(0, 20))
    poison.add(PhoneNumber.objects.get(number=numbers[7]).pk)
    job = begun("retire")
    run_all()
    job.refresh_from_db()
    assert outcomes_of(job) == [
        *["done"] * 7,
        "failed: ZeroDivisionError: a planted fault",
        *["done"] * 12,
    ]
    assert (job.status, job.progress) == ("queued", 20)
    assert (
        job.error
        == "attempt 1 of 5 failed, the next one follows: 1 number failed, the others are done"
    )
    assert failures("bulk_actions") == 1
    poison.clear()
    make_due(job)
    run_all()
    job.refresh_from_db()
    assert (job.status, job.error, job.counts) == ("done", "", {"done": 20})
    assert outcomes_of(job) == ["done"] * 20
    assert NumberEvent.objects.filter(kind="retired").count() == 20


def test_number_that_keeps_failing_is_given_up_and_the_job_done(poison):
    numbers = factories.stock(*factories.line(0, 3))
    poison.add(PhoneNumber.objects.get(number=numbers[0]).pk)
    job = begun("retire")
    for _ in range(MOST_ATTEMPTS):
        run_all()
        make_due(job)
    job.refresh_from_db()
    assert (job.status, job.counts) == ("done", {"done": 2, "failed": 1})
    assert job.error == "1 number failed 5 times and are given up: their outcomes say why"
    assert run_all() == 0


def test_bulk_order_is_split_only_around_the_failing_number(api, cast, monkeypatch):
    """Assigning goes on in orders as large as can be."""
    factories.stock(*factories.line(0, 16))
    bad = PhoneNumber.objects.order_by("pk")[5]
    give = Assign.give

    def give_all_but(self: Assign, numbers: list[str], *arguments: Any) -> None:
        if bad.number in numbers:
            raise ZeroDivisionError("a planted fault")
        give(self, numbers, *arguments)

    monkeypatch.setattr(Assign, "give", give_all_but)
    job = begun("assign", organization_id=str(cast.owner.pk))
    run_all()
    sizes = [
        size
        for (size,) in db_assertions.rows("SELECT quantity FROM numbers_order ORDER BY quantity")
    ]
    assert sizes == [1, 2, 4, 8]
    assert outcomes_of(job).count("done") == 15
    db_assertions.assert_in_order()


def test_locked_number_is_retried_and_the_others_are_done(cast, settings):
    settings.LOCK_TIMEOUT_MS = 100
    numbers = factories.stock(*factories.line(0, 4))
    job = begun("retire")

    def lock() -> None:
        db_assertions.rows(
            "SELECT 1 FROM numbers_phonenumber WHERE number = %s FOR UPDATE", numbers[2]
        )

    with Clients(1) as clients, uncommitted(lock):
        clients.start(run_all).result()
    assert [one.partition(":")[0] for one in outcomes_of(job)] == ["done", "done", "failed", "done"]
    assert failures("bulk_actions") == 0  # foreseen
    make_due(job)
    run_all()
    assert outcomes_of(job) == ["done"] * 4


def test_stopping_in_a_failing_batch_leaves_the_rest_as_a_draft(poison, monkeypatch):
    numbers = factories.stock(*factories.line(0, 4))
    poison.add(PhoneNumber.objects.get(number=numbers[0]).pk)
    job = begun("retire")
    original = jobs.JobContext.progress
    calls = []

    def stop_at_second(self: Any, *arguments: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            Job.objects.filter(pk=job.pk).update(stop_asked=True)
            self.beat()
        original(self, *arguments)

    monkeypatch.setattr(jobs.JobContext, "progress", stop_at_second)
    run_all()
    job.refresh_from_db()
    assert job.status == "cancelled"
    assert Job.objects.get(pk=job.parameters["rest"]).total == 4
