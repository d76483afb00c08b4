"""Background jobs: queued in the database, claimed by a worker, resumed by another if it is killed.

A job's handler must be safe to run again after an interrupted attempt. It reports its progress
through `JobContext.progress`, which ends the job if the operator asked for that. A job that fails
for an unforeseen reason is retried with growing delay, then marked failed.
"""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Case, Value, When
from django.db.models.functions import Now

from config.actors import Actor
from config.db.connections import drop_if_dead
from config.db.sqlstates import is_unavailable
from config.errors import ApiError
from numbers.models import Job, JobInput, WorkerQueue
from numbers.worker.failures import ERROR_LENGTH, RETRY_DELAY, SILENCE, in_words, record_failure
from numbers.worker.heartbeat import Heartbeat
from numbers.worker.wake import wake_worker

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 5
_KEEP_DAYS = 2

_CLAIM = f"""
    UPDATE numbers_job
    SET status = 'running', attempts = attempts + 1, heartbeat_at = clock_timestamp(),
        next_attempt_at = NULL, started_at = COALESCE(started_at, clock_timestamp())
    WHERE id = (
        SELECT id FROM numbers_job
        WHERE status = 'queued'
          AND (next_attempt_at IS NULL OR next_attempt_at <= clock_timestamp())
           OR status = 'running' AND heartbeat_at < clock_timestamp() - {SILENCE}
        ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
    )
    RETURNING id
"""  # noqa: S608  made of constants
_WAIT = f"""
    SELECT extract(epoch FROM min(due_at) - clock_timestamp())::float
    FROM (
        SELECT CASE WHEN status = 'queued' THEN coalesce(next_attempt_at, created_at)
               ELSE heartbeat_at + {SILENCE} END AS due_at
        FROM numbers_job WHERE status IN ('queued', 'running')
    ) AS waiting
"""  # noqa: S608  made of constants
_RETRY = f"""
    UPDATE numbers_job
    SET status = 'queued', heartbeat_at = NULL, next_attempt_at = clock_timestamp() + {RETRY_DELAY},
        error = %s
    WHERE id = %s AND attempts = %s AND status = 'running'
"""  # noqa: S608  made of constants
# The attempt does not count: the worker had to stop, not the job.
_RELEASE = """
    UPDATE numbers_job SET status = 'queued', heartbeat_at = NULL, attempts = attempts - 1
    WHERE id = %s AND attempts = %s AND status = 'running'
"""


class JobCancelled(Exception):
    """An operator canceled the job."""


class JobLost(Exception):
    """Another worker has taken over the job: this process was silent for too long."""


class WorkerStopping(Exception):
    """This worker has to stop; another one continues the job."""


class ItemsFailed(Exception):
    """Some of the job's items failed for an unforeseen reason; the others are done.

    The message says which.
    """

    def __init__(self, message: str, counts: dict[str, Any]) -> None:
        super().__init__(message)
        self.counts = counts


JobHandler = Callable[["JobContext"], dict[str, Any]]
_HANDLERS: dict[str, JobHandler] = {}


def register_job_handler(kind: str, handler: JobHandler) -> None:
    """Register the handler that runs jobs of this kind and returns their counts."""
    _HANDLERS[kind] = handler


class JobContext:
    """A claimed job while it runs. A thread renews the claim, since one step may take long."""

    def __init__(self, job: Job, is_stopping: Callable[[], bool] = lambda: False) -> None:
        self.job = job
        kind, _, name = job.actor.partition(":")
        self.actor = Actor(kind, name, job.request_id)  # type: ignore[arg-type]
        self.reported: dict[str, Any] = {}
        self.is_stopping = is_stopping
        self._began = 0.0
        self._end: type[Exception] | None = None
        self._heart = Heartbeat(f"job {job.pk}", lambda: self.beat())

    def progress(self, doing: str, done: int, total: int | None) -> None:
        """Record the progress.

        Raise JobCancelled, JobLost or WorkerStopping if the job must end.
        """
        now = time.monotonic()
        if doing != self.reported.get("doing"):
            self._began = now
        rate = done / (now - self._began) if now - self._began > 1 else None
        self.reported = {"doing": doing, "progress": done, "total": total, "counts": {"rate": rate}}
        if self._end is not None:
            raise self._end
        if self.is_stopping():
            raise WorkerStopping

    def __enter__(self) -> "JobContext":
        self.beat()
        self._heart.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._heart.__exit__(*exception)

    def mine(self) -> Any:
        """Return the job as a query, empty once another worker has taken it over."""
        return Job.objects.filter(
            pk=self.job.pk, attempts=self.job.attempts, status=Job.Status.RUNNING
        )

    def beat(self) -> None:
        if not self.mine().update(heartbeat_at=Now(), **self.reported):
            self._end = JobLost
        elif self.mine().filter(stop_asked=True).exists():
            self._end = JobCancelled


def run_next(is_stopping: Callable[[], bool] = lambda: False) -> Job | None:
    """Claim the oldest job and run it to its end; None if none is due."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM)
        row = cursor.fetchone()
    if row is None:
        return None
    job = Job.objects.get(pk=row[0])
    _run(JobContext(job, is_stopping))
    return job


def run_all() -> int:
    """Run jobs until none is due; return how many there were."""
    done = 0
    while run_next():
        done += 1
    return done


def seconds_until_due() -> float | None:
    """Return how long no job needs a worker; None if none is queued or running."""
    with connection.cursor() as cursor:
        cursor.execute(_WAIT)
        seconds: float | None = cursor.fetchone()[0]
    return None if seconds is None else max(0.0, seconds)


def forget_old_jobs() -> int:
    """Remove abandoned drafts, files of finished jobs, and jobs older than DESK_JOB_DAYS.

    Return how many jobs were removed.
    """
    abandoned = Now() - timedelta(days=_KEEP_DAYS)
    JobInput.objects.filter(job__finished_at__lt=abandoned).delete()
    drafts = Job.objects.filter(status=Job.Status.DRAFT, created_at__lt=abandoned)
    finished = Job.objects.filter(finished_at__lt=Now() - timedelta(days=settings.DESK_JOB_DAYS))
    removed = 0
    for job_id in [*drafts.values_list("pk", flat=True), *finished.values_list("pk", flat=True)]:
        # One at a time: a job may have a million outcomes.
        removed += (
            Job.objects.filter(pk=job_id).exclude(status__in=["queued", "running"]).delete()[0] > 0
        )
    return removed


def _run(context: JobContext) -> None:
    job = context.job
    if job.attempts > MOST_ATTEMPTS:
        _finish(
            context,
            Job.Status.FAILED,
            error=f"interrupted {MOST_ATTEMPTS} times; finished steps are kept",
        )
        return
    try:
        with context:
            counts = _HANDLERS[job.kind](context)
        _finish(context, Job.Status.DONE, counts=counts)
    except ApiError as refusal:
        details = "; ".join(
            f"{field} {sentence}" for field, sentence in (refusal.details or {}).items()
        )
        _finish(context, Job.Status.FAILED, error=details or refusal.message)
    except ItemsFailed as failure:
        _retry_items(context, failure)
    except JobCancelled:
        _finish(context, Job.Status.CANCELLED)
    except WorkerStopping:
        _release(context)
    except JobLost:
        logger.warning("job %s was taken over by another process", job.pk)
    except Exception as error:  # noqa: BLE001  recorded; a job that fails must not end the worker
        drop_if_dead()
        _break_off(context, error)


def _break_off(context: JobContext, error: Exception) -> None:
    """Record an attempt that failed. Without a database, the missing heartbeat does."""
    job = context.job
    if isinstance(error, DatabaseError | InterfaceError | psycopg.Error) and is_unavailable(error):
        if context.is_stopping():  # its statement was canceled for that
            _release(context)
            return
        logger.warning("job %s waits for the database", job.pk, exc_info=error)
        _retry(context, f"the database was unavailable or busy ({in_words(error)})")
        return
    record_failure(WorkerQueue.JOBS, job.pk, error)
    _retry(context, f"internal error ({in_words(error)}), see the log: {job.request_id}")


def _retry(context: JobContext, reason: str) -> None:
    """Queue the job again for a later time, or give it up after MOST_ATTEMPTS."""
    job = context.job
    if job.attempts >= MOST_ATTEMPTS:
        _finish(
            context, Job.Status.FAILED, error=f"failed {MOST_ATTEMPTS} times, given up: {reason}"
        )
        return
    error = f"attempt {job.attempts} of {MOST_ATTEMPTS} failed, the next one follows: {reason}"
    _execute(_RETRY, error[:ERROR_LENGTH], job.pk, job.attempts)


def _retry_items(context: JobContext, failure: ItemsFailed) -> None:
    """Queue the job again for its failed items; after MOST_ATTEMPTS it is done without them."""
    job = context.job
    if job.attempts >= MOST_ATTEMPTS:
        error = f"{failure} {MOST_ATTEMPTS} times and are given up: their outcomes say why"
        _finish(context, Job.Status.DONE, counts=failure.counts, error=error)
        return
    context.mine().update(**context.reported)
    _retry(context, f"{failure}, the others are done")


def _release(context: JobContext) -> None:
    _execute(_RELEASE, context.job.pk, context.job.attempts)
    wake_worker()


def _execute(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def _finish(
    context: JobContext, status: str, *, counts: dict[str, Any] | None = None, error: str = ""
) -> None:
    state = {"progress": context.job.progress, **context.reported, "counts": counts or {}}
    error = error.replace("\0", "")[:ERROR_LENGTH]
    finished = context.mine().update(
        status=status, error=error, finished_at=Now(), heartbeat_at=None, **state
    )
    if finished and status == Job.Status.DONE and not context.job.parameters.get("dry_run"):
        context.job.inputs.all().delete()


def queue(job_id: UUID) -> None:
    """Queue a draft, and wake the worker."""
    with transaction.atomic():
        Job.objects.filter(pk=job_id, status=Job.Status.DRAFT).update(status=Job.Status.QUEUED)
        wake_worker()


def ask_to_stop(job: Job) -> None:
    """Cancel a job: at once if it is not running, else at its next step. One statement judges."""
    running = Job.Status.RUNNING
    Job.objects.filter(pk=job.pk, finished_at=None).update(
        stop_asked=True,
        status=Case(When(status=running, then=Value(running)), default=Value(Job.Status.CANCELLED)),
        finished_at=Case(When(status=running, then=None), default=Now()),
    )
