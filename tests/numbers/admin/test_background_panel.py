"""Background work as operators and Prometheus see it; a failing panel hides no other."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from numbers.models import DeskFigures, Duty
from numbers.reports import dashboard
from numbers.reports.dashboard import PanelsFailed, refresh_figures
from numbers.worker import jobs
from numbers.worker.duties import all_duties
from numbers.worker.jobs import queue, run_all
from numbers.worker.presence import renew_presence
from numbers.worker.schedule import claim_duty, plan_duties, run_duty
from tests.config.observability.test_metrics import value
from tests.numbers.admin.test_admin_dashboard import HOME, panel
from tests.support import db_assertions, factories

pytestmark = pytest.mark.django_db

WORKER_ID = "00000000-0000-4000-8000-000000000001"


def failing() -> str:
    raise ZeroDivisionError("a planted fault")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The duty of sessions has failed once, all others are done."""
    duties = all_duties()
    plan_duties(duties)
    monkeypatch.setattr("numbers.worker.duties._forget_sessions", failing)
    while claim := claim_duty(all_duties()):
        run_duty(claim, is_stopping=lambda: False)


def shown(desk: Client) -> str:
    return desk.get(HOME).content.decode()


def test_missing_worker_is_reported(desk: Client) -> None:
    assert "No worker is running" in shown(desk)
    assert "No duty is planned yet" in shown(desk)
    assert value("numberdesk_workers") == 0
    renew_presence(WORKER_ID)
    assert "No worker is running" not in shown(desk)
    assert value("numberdesk_workers") == 1
    db_assertions.run("UPDATE numbers_workerprocess SET beat_at = beat_at - interval '61 s'")
    assert "No worker is running" in shown(desk)


def test_failing_duty_is_shown_first_with_its_error(desk: Client, broken: None) -> None:
    duties = panel(desk.get(HOME), "Background work")["duties"]
    assert (duties[0].name, duties[0].attempts) == ("forget_sessions", 1)
    assert "<strong>Failed</strong> 1 time: ZeroDivisionError: a planted fault" in shown(desk)
    assert "25 checks hold" not in shown(desk)  # the nightly one is not due yet


def test_failing_duty_is_exposed_in_metrics(broken: None) -> None:
    assert value("numberdesk_duty_failed_attempts", duty="forget_sessions") == 1
    assert value("numberdesk_duty_failures_total", duty="forget_sessions") == 1
    assert value("numberdesk_duty_runs_total", duty="refresh_figures") == 1
    assert (
        value("numberdesk_duty_last_success_timestamp_seconds", duty="refresh_figures")
        > 1_700_000_000
    )
    assert value("numberdesk_queue_failures_total", queue="duties") == 1
    assert value("numberdesk_queue_failures_total", queue="jobs") == 0


def test_late_duty_is_shown_and_exposed_in_metrics(desk: Client, broken: None) -> None:
    Duty.objects.filter(name="forget_jobs").update(next_at="2026-01-01T00:00:00Z")
    assert "<strong>Late</strong>" in shown(desk)
    assert value("numberdesk_duty_due_seconds", duty="forget_jobs") > 1_000
    assert value("numberdesk_duty_due_seconds", duty="refresh_figures") == 0


def test_jobs_are_labeled_by_what_they_wait_for(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(jobs._HANDLERS, "planted", lambda running: 1 / 0)
    queue(factories.job("planted", status="draft").pk)
    run_all()
    queue(factories.job("planted", status="draft").pk)
    assert "0 running, 1 waiting, 1 failed and to be retried" in shown(desk)
    assert [
        value("numberdesk_jobs", status=status) for status in ("queued", "retried", "running")
    ] == [1, 1, 0]


def test_one_failing_panel_is_named_and_hides_no_other(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> dict[str, Any]:
        db_assertions.rows("SELECT 1 / 0")
        return {}

    monkeypatch.setitem(dashboard.PANELS, "days", fail)
    with pytest.raises(PanelsFailed, match=r"not counted: days \(DataError: division by zero\)"):
        refresh_figures()
    assert set(DeskFigures.objects.values_list("name", flat=True)) == {
        "stock",
        "quarantine",
        "demand",
        "rent",
    }
    assert desk.get(HOME).status_code == 200
    assert "could not be counted" in desk.post("/admin/refresh/", follow=True).content.decode()
    with pytest.raises(CommandError, match="some figures were not counted: days"):
        call_command("refresh_desk")
