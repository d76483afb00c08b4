"""Running jobs: claimed by whoever comes first, kept alive by a heartbeat, finished by somebody else after a kill.

A job's function must be safe to run again from its start, over what an earlier attempt has done. It tells
how far it is through ``Running.progress``, which ends it where the operator asked for that.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, connections
from django.db.models.functions import Now

from config.actors import Actor
from config.errors import ApiError, is_unavailable
from numbers.models import Job, JobInput

logger = logging.getLogger(__name__)

BEAT_SECONDS = 2.0
DEAD_AFTER_SECONDS = 60  # without a heartbeat, somebody else takes the job over
MOST_ATTEMPTS = 5
_KEEP_DAYS = 2

_CLAIM = """
    UPDATE numbers_job
    SET status = 'running', attempts = attempts + 1, heartbeat_at = clock_timestamp(),
        started_at = COALESCE(started_at, clock_timestamp())
    WHERE id = (
        SELECT id FROM numbers_job
        WHERE status = 'queued'
           OR status = 'running' AND heartbeat_at < clock_timestamp() - make_interval(secs => %s)
        ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
    )
    RETURNING id
"""


class Stopped(Exception):
    """An operator ended the job."""


class TakenOver(Exception):
    """Somebody else has the job now: this process was silent for too long."""


Work = Callable[["Running"], dict[str, Any]]
_WORK: dict[str, Work] = {}


def does(kind: str) -> Callable[[Work], Work]:
    """Register the function that does jobs of this kind; it gives their counts."""

    def register(work: Work) -> Work:
        _WORK[kind] = work
        return work

    return register


class Running:
    """A claimed job, at work. Its heart beats in a thread, since one step may take long."""

    def __init__(self, job: Job) -> None:
        self.job = job
        kind, _, name = job.actor.partition(":")
        self.actor = Actor(kind, name, job.request_id)  # type: ignore[arg-type]
        self.told: dict[str, Any] = {}
        self._began = 0.0
        self._over = threading.Event()
        self._end: type[Exception] | None = None
        self._heart = threading.Thread(target=self._beat, name=f"heart of job {job.pk}", daemon=True)

    def progress(self, doing: str, done: int, total: int | None) -> None:
        """How far it is. Raises Stopped or TakenOver where the job has to end."""
        now = time.monotonic()
        if doing != self.told.get("doing"):
            self._began = now
        rate = done / (now - self._began) if now - self._began > 1 else None
        self.told = {"doing": doing, "progress": done, "total": total, "counts": {"rate": rate}}
        if self._end is not None:
            raise self._end

    def __enter__(self) -> "Running":
        self.beat()
        self._heart.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._heart.join()

    def mine(self) -> Any:
        """The job, as long as nobody else has taken it over."""
        return Job.objects.filter(pk=self.job.pk, attempts=self.job.attempts, status=Job.Status.RUNNING)

    def beat(self) -> None:
        if not self.mine().update(heartbeat_at=Now(), **self.told):
            self._end = TakenOver
        elif self.mine().filter(stop_asked=True).exists():
            self._end = Stopped

    def _beat(self) -> None:
        try:
            while not self._over.wait(BEAT_SECONDS):
                try:
                    self.beat()
                except (DatabaseError, InterfaceError):  # the next beat tries again
                    logger.warning("job %s: no heartbeat", self.job.pk, exc_info=True)
                    connection.close()
        finally:
            connections.close_all()


def run_next() -> Job | None:
    """Claim a job and run it to its end; None where there is nothing to do."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [DEAD_AFTER_SECONDS])
        row = cursor.fetchone()
    if row is None:
        return None
    job = Job.objects.get(pk=row[0])
    _run(Running(job))
    return job


def run_all() -> int:
    """Run jobs until none is left; gives how many there were."""
    _forget()
    done = 0
    while run_next():
        done += 1
    return done


def _forget() -> None:
    """Drafts that nobody went on with, and the files of what is over."""
    long_ago = Now() - timedelta(days=_KEEP_DAYS)
    Job.objects.filter(status=Job.Status.DRAFT, created_at__lt=long_ago).delete()
    JobInput.objects.filter(job__finished_at__lt=long_ago).delete()


def _run(running: Running) -> None:
    job = running.job
    if job.attempts > MOST_ATTEMPTS:
        _finish(running, Job.Status.FAILED, error=f"it broke off {MOST_ATTEMPTS} times; what it did is kept")
        return
    try:
        with running:
            counts = _WORK[job.kind](running)
        _finish(running, Job.Status.DONE, counts=counts)
    except ApiError as refusal:
        details = "; ".join(f"{field} {sentence}" for field, sentence in (refusal.details or {}).items())
        _finish(running, Job.Status.FAILED, error=(details or refusal.message)[:512])
    except Stopped:
        _finish(running, Job.Status.CANCELLED)
    except TakenOver:
        logger.warning("job %s was taken over by another process", job.pk)
    except (DatabaseError, InterfaceError, psycopg.Error) as error:
        if not is_unavailable(error):
            _fail(running)
            return
        # It stays claimed, and is taken over once its heart has been silent for long enough.
        logger.warning("job %s waits for the database", job.pk, exc_info=True)
    except Exception:  # noqa: BLE001  logged; a job that fails must not end the worker
        _fail(running)


def _fail(running: Running) -> None:
    logger.exception("job %s failed", running.job.pk)
    _finish(running, Job.Status.FAILED, error=f"internal error, see the log: {running.job.request_id}")


def _finish(running: Running, status: str, *, counts: dict[str, Any] | None = None, error: str = "") -> None:
    told = {"progress": running.job.progress, **running.told, "counts": counts or {}}
    finished = running.mine().update(status=status, error=error, finished_at=Now(), heartbeat_at=None, **told)
    if finished and status == Job.Status.DONE and not running.job.parameters.get("dry_run"):
        running.job.inputs.all().delete()


def queue(job_id: UUID) -> None:
    """Let a prepared job run."""
    Job.objects.filter(pk=job_id, status=Job.Status.DRAFT).update(status=Job.Status.QUEUED)
    run_in_background()


def ask_to_stop(job: Job) -> None:
    """End a job: at once where it has not begun, else at its next step."""
    waiting = Job.objects.filter(pk=job.pk, status__in=[Job.Status.DRAFT, Job.Status.QUEUED])
    if not waiting.update(status=Job.Status.CANCELLED, finished_at=Now()):
        Job.objects.filter(pk=job.pk, status=Job.Status.RUNNING).update(stop_asked=True)
        run_in_background()  # whoever ran it may be dead


_background: threading.Thread | None = None
_one_at_a_time = threading.Lock()


def run_in_background() -> None:
    """Have a thread of this process run what is to be done, so that a desk needs no worker beside it.

    It dies with the process, and then the command ``run_jobs`` or the next look at the job's page goes on.
    """
    global _background
    if not settings.JOBS_IN_WEB_PROCESS:
        return
    with _one_at_a_time:
        if _background is None or not _background.is_alive():
            _background = threading.Thread(target=_work_off, name="jobs", daemon=True)
            _background.start()


def wait_for_background() -> None:
    """Until the thread has nothing left to do."""
    if _background is not None:
        _background.join()


def _work_off() -> None:
    try:
        run_all()
    except (DatabaseError, InterfaceError):
        logger.warning("jobs wait for the next look", exc_info=True)
    finally:
        connections.close_all()
