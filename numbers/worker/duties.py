"""Periodic duties that keep the database correct and small.

Each is safe to run again after an interruption, and safe to run twice at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time, timedelta
from importlib import import_module

from axes.models import AccessAttempt, AccessFailureLog
from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db.models.functions import Now

from config.counts import counted
from numbers.events.retention import forget_old_events
from numbers.orders.idempotency import forget_old_keys
from numbers.rent.run import renew_numbers
from numbers.reports.dashboard import refresh_figures
from numbers.reports.refusals import forget_old_refusals
from numbers.verification.run import verify_inventory
from numbers.webhooks.retention import forget_old_deliveries
from numbers.worker.jobs import forget_old_jobs

MINUTE, HOUR = 60, 3600
BATCH_ROWS = 5_000


class DutyFailed(Exception):
    """The duty ran to its end and found a problem, which the message describes."""


@dataclass(frozen=True, slots=True)
class PeriodicDuty:
    """A duty and its schedule: every so many seconds, or daily at a time of day in UTC."""

    name: str
    run: Callable[[], str]  # returns what was done, in a few words
    every_seconds: int | None = None
    daily_at: time | None = None
    # Instead of `run`, for a long one that ends early when the worker stops.
    run_until: Callable[[Callable[[], bool]], str] | None = None


def _refresh_figures() -> str:
    return "figures counted" if refresh_figures() else "another process is counting"


def _forget_idempotency_keys() -> str:
    return _removed(forget_old_keys(batch=BATCH_ROWS), "key")


def _forget_refusals() -> str:
    return _removed(forget_old_refusals(), "refusal")


def _forget_sessions() -> str:
    store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
    store.clear_expired()
    return "expired sessions removed"


def _forget_failed_sign_ins() -> str:
    """Remove failed sign-ins that no longer lock an account."""
    before = Now() - timedelta(seconds=settings.AXES_COOLOFF_TIME.total_seconds())
    attempts, _ = AccessAttempt.objects.filter(attempt_time__lt=before).delete()
    logged, _ = AccessFailureLog.objects.filter(attempt_time__lt=before).delete()
    return _removed(attempts + logged, "failed sign-in")


def _forget_events() -> str:
    return _removed(forget_old_events(), "event")


def _forget_jobs() -> str:
    return _removed(forget_old_jobs(), "job")


def _forget_deliveries() -> str:
    return f"{forget_old_deliveries():,} webhook deliveries removed"


def _renew_numbers(is_stopping: Callable[[], bool] = lambda: False) -> str:
    run = renew_numbers(is_stopping=is_stopping)
    if run.failed:
        failed = counted(len(run.failed), "organization")
        some = ", ".join(str(one) for one in run.failed[:5])
        raise DutyFailed(f"{run.in_words()}; {failed} failed: {some}")
    return run.in_words()


def _verify_inventory() -> str:
    findings = list(verify_inventory(shown=1))
    broken = [
        f"{finding.check.name} ({finding.offenders:,} rows)"
        for finding in findings
        if not finding.holds
    ]
    if broken:
        raise DutyFailed(f"{len(broken)} of {len(findings)} checks failed: {', '.join(broken)}")
    return f"{len(findings)} checks hold"


def _removed(count: int, noun: str) -> str:
    return f"{counted(count, noun)} removed"


def all_duties() -> dict[str, PeriodicDuty]:
    """Return the duties of this release by name."""
    duties = (
        PeriodicDuty(
            "renew_numbers", _renew_numbers, every_seconds=MINUTE, run_until=_renew_numbers
        ),
        PeriodicDuty("refresh_figures", _refresh_figures, every_seconds=5 * MINUTE),
        PeriodicDuty("forget_idempotency_keys", _forget_idempotency_keys, every_seconds=HOUR),
        PeriodicDuty("forget_refusals", _forget_refusals, every_seconds=HOUR),
        PeriodicDuty("forget_sessions", _forget_sessions, every_seconds=HOUR),
        PeriodicDuty("forget_failed_sign_ins", _forget_failed_sign_ins, every_seconds=HOUR),
        PeriodicDuty("forget_events", _forget_events, every_seconds=HOUR),
        PeriodicDuty("forget_jobs", _forget_jobs, every_seconds=HOUR),
        PeriodicDuty("forget_webhook_deliveries", _forget_deliveries, every_seconds=HOUR),
        PeriodicDuty("verify_inventory", _verify_inventory, daily_at=settings.VERIFY_INVENTORY_AT),
    )
    return {duty.name: duty for duty in duties}
