"""The state of background work for operators and Prometheus, from a few cheap statements."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from numbers.models import QueueFailures, WorkerQueue
from numbers.worker.duties import all_duties
from numbers.worker.presence import live_workers

LATE_SECONDS = 300  # a duty that has been due for longer is late

_DUTIES = """
    SELECT name, owner, outcome, result, error, attempts, runs, failures, succeeded_at, finished_at,
           next_at, greatest(0, extract(epoch FROM clock_timestamp() - next_at))::float
    FROM numbers_duty WHERE name = ANY(%s) ORDER BY outcome <> 'failed', name
"""
_JOBS = """
    SELECT count(*) FILTER (WHERE status = 'queued' AND next_attempt_at IS NULL),
           count(*) FILTER (WHERE status = 'queued' AND next_attempt_at IS NOT NULL),
           count(*) FILTER (WHERE status = 'running'),
           coalesce(max(extract(epoch
                                FROM clock_timestamp() - coalesce(next_attempt_at, created_at)))
                    FILTER (WHERE status = 'queued'), 0)::float
    FROM numbers_job WHERE status IN ('queued', 'running')
"""

_WAITING_EVENT = """
    SELECT greatest(0, extract(epoch FROM clock_timestamp() - at))::float
    FROM campaigns_outboxentry ORDER BY id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class DutyState:
    """One row of the table of duties; ``due_seconds`` is how long it has been due."""

    name: str
    owner: str
    outcome: str
    result: str
    error: str
    attempts: int
    runs: int
    failures: int
    succeeded_at: datetime | None
    finished_at: datetime | None
    next_at: datetime
    due_seconds: float

    @property
    def is_late(self) -> bool:
        return self.due_seconds > LATE_SECONDS and not self.owner

    @property
    def label(self) -> str:
        return self.name.replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True)
class JobCounts:
    """Unfinished jobs.

    `oldest_seconds`: how long the oldest queued job has been due, or negative.
    """

    queued: int
    retried: int
    running: int
    oldest_seconds: float


def duty_states() -> list[DutyState]:
    """Return the planned duties of this release, failed ones first."""
    with connection.cursor() as cursor:
        cursor.execute(_DUTIES, [list(all_duties())])
        return [DutyState(*row) for row in cursor.fetchall()]


def job_counts() -> JobCounts:
    with connection.cursor() as cursor:
        cursor.execute(_JOBS)
        return JobCounts(*cursor.fetchone())


def background_work() -> Iterable[Metric]:
    """Return the metrics of all workers.

    They count in the database, since Prometheus scrapes none.
    """
    everywhere, _ = live_workers()
    return [
        GaugeMetricFamily(
            "numberdesk_workers", "Worker processes alive in the last minute.", value=everywhere
        ),
        _feed_metric(),
        *_duty_metrics(),
        *_job_metrics(),
        _failure_metric(),
    ]


def _feed_metric() -> Metric:
    with connection.cursor() as cursor:
        cursor.execute(_WAITING_EVENT)
        row = cursor.fetchone()
    return GaugeMetricFamily(
        "numberdesk_events_waiting_seconds",
        "How long the oldest event waits for the feed.",
        value=row[0] if row else 0,
    )


def _duty_metrics() -> Iterable[Metric]:
    succeeded = GaugeMetricFamily(
        "numberdesk_duty_last_success_timestamp_seconds",
        "When a periodic duty last succeeded.",
        labels=["duty"],
    )
    attempts = GaugeMetricFamily(
        "numberdesk_duty_failed_attempts",
        "Failed attempts since its last success.",
        labels=["duty"],
    )
    due = GaugeMetricFamily(
        "numberdesk_duty_due_seconds", "How long a duty has been due and free.", labels=["duty"]
    )
    runs = CounterMetricFamily("numberdesk_duty_runs", "Runs that were begun.", labels=["duty"])
    failures = CounterMetricFamily(
        "numberdesk_duty_failures", "Runs that failed or broke off.", labels=["duty"]
    )
    for duty in duty_states():
        if duty.succeeded_at is not None:
            succeeded.add_metric([duty.name], duty.succeeded_at.timestamp())
        attempts.add_metric([duty.name], max(0, duty.attempts - bool(duty.owner)))
        due.add_metric([duty.name], 0 if duty.owner else duty.due_seconds)
        runs.add_metric([duty.name], duty.runs)
        failures.add_metric([duty.name], duty.failures)
    return [succeeded, attempts, due, runs, failures]


def _job_metrics() -> Iterable[Metric]:
    counts = job_counts()
    jobs = GaugeMetricFamily("numberdesk_jobs", "Unfinished jobs of operators.", labels=["status"])
    for status in ("queued", "retried", "running"):
        jobs.add_metric([status], getattr(counts, status))
    oldest = max(0.0, counts.oldest_seconds)
    return [
        jobs,
        GaugeMetricFamily(
            "numberdesk_jobs_oldest_seconds", "How long the oldest job waits.", value=oldest
        ),
    ]


def _failure_metric() -> Metric:
    counted = dict(QueueFailures.objects.values_list("queue", "failures"))
    failures = CounterMetricFamily(
        "numberdesk_queue_failures",
        "Single items that failed for an unforeseen reason.",
        labels=["queue"],
    )
    for queue in WorkerQueue.values:
        failures.add_metric([queue], counted.get(queue, 0))
    return failures
