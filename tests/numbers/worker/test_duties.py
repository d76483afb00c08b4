"""Periodic duties: claimed once when due, retried with backoff, taken over from silent workers."""

import re
from datetime import time
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from numbers.models import Duty, Job, QueueFailures
from numbers.worker import jobs, schedule
from numbers.worker.duties import DutyFailed, PeriodicDuty, all_duties
from numbers.worker.schedule import claim_duty, plan_duties, run_duty, seconds_until_due
from tests.support import db_assertions, factories
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)

REAL = sorted(all_duties())


def never() -> bool:
    return False


def hourly(name: str, run: Any = lambda: "done it") -> dict[str, PeriodicDuty]:
    return {name: PeriodicDuty(name, run, every_seconds=3600)}


def run_due(duties: dict[str, PeriodicDuty]) -> list[str]:
    """Run all that is due, one after the other; return their names."""
    plan_duties(duties)
    names = []
    while claim := claim_duty(duties):
        run_duty(claim, is_stopping=never)
        names.append(claim.duty.name)
    return names


def failing() -> str:
    raise ZeroDivisionError("a planted fault\x00\nwith a second line")


def make_due(name: str) -> None:
    Duty.objects.filter(name=name).update(next_at="2026-01-01T00:00:00Z")


def seconds_to_next(name: str) -> float:
    ((seconds,),) = db_assertions.rows(
        "SELECT extract(epoch FROM next_at - clock_timestamp())::float FROM numbers_duty WHERE "
        "name = %s",
        name,
    )
    return seconds


def silence(name: str, *, seconds: int) -> None:
    db_assertions.run(
        f"UPDATE numbers_duty SET beat_at = beat_at - interval '{seconds} s' WHERE name = '{name}'"
    )


def test_duty_is_due_at_first_and_then_by_its_schedule():
    duties = hourly("sweep")
    assert run_due(duties) == ["sweep"]
    assert run_due(duties) == []
    duty = Duty.objects.get()
    assert (duty.outcome, duty.result, duty.attempts, duty.runs, duty.failures) == (
        "done",
        "done it",
        0,
        1,
        0,
    )
    assert duty.started_at <= duty.finished_at == duty.succeeded_at
    assert 3_500 < seconds_to_next("sweep") <= 3_600
    assert 3_500 < seconds_until_due(duties) <= 3_600


def test_worker_runs_a_missed_duty_once():
    duties = hourly("sweep")
    run_due(duties)
    make_due("sweep")
    assert run_due(duties) == ["sweep"]
    assert 3_500 < seconds_to_next("sweep") <= 3_600


def test_daily_duty_waits_for_its_time_of_day():
    ((now,),) = db_assertions.rows("SELECT (clock_timestamp() AT TIME ZONE 'UTC')::time")
    at = time((now.hour + 2) % 24, 0)
    duties = {"nightly": PeriodicDuty("nightly", lambda: "", daily_at=at)}
    assert run_due(duties) == []
    assert 3_600 <= seconds_to_next("nightly") <= 7_200
    make_due("nightly")
    assert run_due(duties) == ["nightly"]
    assert 3_600 <= seconds_to_next("nightly") <= 7_200


def test_changed_schedule_is_adopted_and_keeps_the_history():
    run_due(hourly("sweep"))
    plan_duties({"sweep": PeriodicDuty("sweep", lambda: "", daily_at=time(3, 30))})
    duty = Duty.objects.get()
    assert (duty.every_seconds, duty.daily_at, duty.runs, duty.outcome) == (
        None,
        time(3, 30),
        1,
        "done",
    )


def test_duty_of_another_release_is_left_unchanged():
    plan_duties(hourly("of_the_next_release"))
    duties = hourly("sweep")
    assert run_due(duties) == ["sweep"]
    assert Duty.objects.get(name="of_the_next_release").runs == 0


def test_failing_duty_is_counted_and_blocks_no_other(caplog):
    """The item planted in the queue of duties."""
    duties = hourly("broken", failing) | hourly("sweep")
    plan_duties(duties)
    make_due("broken")  # due for longer, so first
    assert run_due(duties) == ["broken", "sweep"]
    broken = Duty.objects.get(name="broken")
    assert (broken.outcome, broken.error) == ("failed", "ZeroDivisionError: a planted fault")
    assert (broken.attempts, broken.failures, broken.succeeded_at) == (1, 1, None)
    assert Duty.objects.get(name="sweep").outcome == "done"
    assert "Duties: item broken failed" in caplog.text
    failures = QueueFailures.objects.get(queue="duties")
    assert (failures.failures, failures.last_item) == (1, "broken")


def test_failing_duty_is_retried_with_backoff_and_recovers():
    duties = {"broken": PeriodicDuty("broken", failing, every_seconds=86_400)}
    distances = []
    for _ in range(6):
        run_due(duties)
        distances.append(round(seconds_to_next("broken"), -1))
        make_due("broken")
    assert distances == [30, 120, 480, 1920, 3600, 3600]
    run_due({"broken": PeriodicDuty("broken", lambda: "", every_seconds=86_400)})
    duty = Duty.objects.get()
    assert (duty.outcome, duty.error, duty.attempts, duty.failures) == ("done", "", 0, 6)


def test_frequent_duty_is_retried_at_least_as_often_as_it_is_due():
    duties = {"broken": PeriodicDuty("broken", failing, every_seconds=60)}
    run_due(duties)
    make_due("broken")
    run_due(duties)
    assert 50 < seconds_to_next("broken") <= 60


def test_finding_is_reported_and_is_not_an_unforeseen_failure():
    def finds() -> str:
        raise DutyFailed("1 of 37 checks failed: one_owner (3 rows)")

    run_due(hourly("proof", finds))
    assert Duty.objects.get().error == "1 of 37 checks failed: one_owner (3 rows)"
    assert not QueueFailures.objects.exists()


def test_concurrent_workers_run_a_duty_once():
    runs = []
    duties = hourly("sweep", lambda: runs.append(1) or "")
    plan_duties(duties)
    at_once([lambda: run_due(duties)] * 4)
    assert (runs, Duty.objects.get().runs) == ([1], 1)


@pytest.mark.parametrize("known", [0, 1, 2, len(REAL)])
def test_claim_takes_one_duty_by_any_plan(known):
    """PostgreSQL plans by the rows that it counted last, which may be those of an empty desk."""
    assert claimed_at_once(known) == 1


def test_claim_inside_a_join_takes_several_duties(monkeypatch):
    """Negative control: read once for each row of the join, the list finds another duty each time."""
    due, update = re.fullmatch(
        r"\s*WITH due AS MATERIALIZED \((.*?)\n    \)\n(.*)", schedule._CLAIM, re.DOTALL
    ).groups()
    joined = update.replace("FROM due WHERE", f"FROM ({due}) AS due WHERE")
    monkeypatch.setattr(schedule, "_CLAIM", joined)
    assert claimed_at_once(1) > 1


def claimed_at_once(known: int) -> int:
    """Let PostgreSQL count so many rows, plan all duties, claim once. Return how many are owned."""
    duties = all_duties()
    plan_duties({name: duties[name] for name in list(duties)[:known]})
    db_assertions.run("ANALYZE numbers_duty")
    plan_duties(duties)
    assert claim_duty(duties)
    return Duty.objects.exclude(owner="").count()


def test_silent_owner_is_replaced_by_another_worker_and_counted(caplog):
    duties = hourly("sweep")
    plan_duties(duties)
    lost = claim_duty(duties)
    assert claim_duty(duties) is None
    assert 0 < seconds_until_due(duties) <= 60
    silence("sweep", seconds=61)
    assert seconds_until_due(duties) == 0
    followed = claim_duty(duties)
    assert followed.run == lost.run + 1
    assert "taken over" in caplog.text
    run_duty(lost, is_stopping=never)  # it comes back: its claim is gone
    assert Duty.objects.get().outcome == ""
    run_duty(followed, is_stopping=never)
    duty = Duty.objects.get()
    assert (duty.outcome, duty.runs, duty.failures, duty.attempts) == ("done", 2, 1, 0)


def test_duty_that_kills_workers_is_retried_with_backoff():
    duties = hourly("deadly")
    plan_duties(duties)
    for broken_off in (60, 120, 240):
        assert claim_duty(duties)
        silence("deadly", seconds=broken_off - 5)
        assert claim_duty(duties) is None
        silence("deadly", seconds=6)
    assert claim_duty(duties)


def test_heartbeat_keeps_the_claim(monkeypatch):
    duties = hourly("sweep")
    plan_duties(duties)
    claim = claim_duty(duties)
    silence("sweep", seconds=100)
    claim.beat()
    assert claim_duty(duties) is None


def test_duty_of_a_stopping_worker_is_due_at_once_and_not_failed():
    def canceled() -> str:
        with connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE SQLSTATE '57014'; END $$")
        return ""

    duties = hourly("sweep", canceled)
    plan_duties(duties)
    run_duty(claim_duty(duties), is_stopping=lambda: True)
    duty = Duty.objects.get()
    assert (duty.owner, duty.outcome, duty.attempts, duty.failures) == ("", "", 0, 0)
    assert seconds_until_due(duties) == 0


def test_busy_database_is_retried_and_not_counted_as_unforeseen():
    def busy() -> str:
        with connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE SQLSTATE '55P03'; END $$")
        return ""

    run_due(hourly("sweep", busy))
    assert Duty.objects.get().outcome == "failed"
    assert not QueueFailures.objects.exists()


@pytest.mark.parametrize("name", REAL)
def test_each_real_duty_runs_on_an_empty_and_a_used_desk(api, name):
    duties = {name: all_duties()[name]}
    for _ in range(2):
        plan_duties(duties)
        make_due(name)
        assert run_due(duties) == [name]
        duty = Duty.objects.get()
        assert (duty.outcome, duty.error) == ("done", ""), duty.error
        assert duty.result
        assert api.order(factories.stock(*factories.line(_ * 10 + 1, 2))).status_code == 200


def test_verification_fails_when_a_promise_is_broken(api):
    duties = {"verify_inventory": all_duties()["verify_inventory"]}
    plan_duties(duties)
    make_due("verify_inventory")
    db_assertions.run("ALTER TABLE numbers_order DISABLE TRIGGER numbers_order_keep_rows")
    try:
        run_due(duties)
    finally:
        db_assertions.run("ALTER TABLE numbers_order ENABLE TRIGGER numbers_order_keep_rows")
    assert "history_is_protected (1 rows)" in Duty.objects.get().error


def test_old_sign_in_failures_and_sessions_are_deleted(db):
    User.objects.create_user("alice", password="a long password")
    age = "interval '1 year'"
    values = "'', '203.0.113.7', 'alice', '', '/admin/login/'"
    db_assertions.run(
        f"""INSERT INTO axes_accessattempt (user_agent, ip_address, username, http_accept, path_info, attempt_time,
            get_data, post_data, failures_since_start) VALUES ({values}, now() - {age}, '', '', 3)""",
        f"""INSERT INTO axes_accessattempt (user_agent, ip_address, username, http_accept, path_info, attempt_time,
            get_data, post_data, failures_since_start) VALUES ({values.replace("alice", "bob")}, now(), '', '', 3)""",
        f"INSERT INTO django_session VALUES ('old', '', now() - {age}), ('new', '', now() + {age})",
    )
    run_due(all_duties())
    assert db_assertions.rows("SELECT username FROM axes_accessattempt") == [("bob",)]
    assert db_assertions.rows("SELECT session_key FROM django_session") == [("new",)]


def test_old_jobs_are_deleted_whole_and_running_ones_never(settings):
    settings.DESK_JOB_DAYS = 30
    age = "interval '31 days'"
    over = ("done", "failed", "cancelled")
    for status in ("draft", "queued", "running", *over):
        job = factories.job()  # with one outcome
        finished = f"now() - {age}" if status in over else "NULL"
        heartbeat = "now()" if status == "running" else "NULL"
        db_assertions.run(
            f"""UPDATE numbers_job SET status = '{status}', created_at = now() - {age}, finished_at = {finished},
                heartbeat_at = {heartbeat}, started_at = now() - {age} WHERE id = '{job.pk}'"""
        )
    assert jobs.forget_old_jobs() == 4
    assert set(Job.objects.values_list("status", flat=True)) == {"queued", "running"}
    assert db_assertions.rows("SELECT count(*) FROM numbers_joboutcome") == [(2,)]


def test_outcome_requires_the_claim(monkeypatch):
    """Negative control of the fencing: without the run's number a lost claim would overwrite the newer one."""
    unfenced = schedule._DONE.replace("AND runs = %s", "AND runs >= %s")
    monkeypatch.setattr(schedule, "_DONE", unfenced)
    duties = hourly("sweep")
    plan_duties(duties)
    lost = claim_duty(duties)
    silence("sweep", seconds=61)
    claim_duty(duties)
    run_duty(lost, is_stopping=never)
    assert Duty.objects.get().outcome == "done"
