"""Background jobs.

Their state is in the database, so that another worker can resume a job whose worker died.
"""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper

from config.db.fields import CreatedAt, id_column, not_blank, one_of
from numbers.models.fields import ACTOR


class JobStatus(models.TextChoices):
    DRAFT = "draft"  # being prepared by its operator
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(models.Model):
    """A job, its progress and its result. numbers.worker.jobs runs them."""

    Status = JobStatus

    id = id_column()
    kind = models.CharField(max_length=32)
    title = models.CharField(max_length=256)
    status = models.CharField(max_length=16, choices=JobStatus, default=JobStatus.DRAFT)
    actor = models.CharField(max_length=128)
    request_id = models.CharField(max_length=26)
    parameters = models.JSONField(default=dict)
    # Its progress: the step it is at, the rows done, and the rows there are, where that is known.
    doing = models.CharField(max_length=32, blank=True, default="")
    progress = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True)
    counts = models.JSONField(default=dict)
    error = models.CharField(max_length=512, blank=True, default="")
    # Each claim is a new attempt. A worker that holds an older one has lost the job.
    attempts = models.IntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True)
    # For a queued job that failed for an unforeseen reason: the earliest next attempt.
    next_attempt_at = models.DateTimeField(null=True)
    stop_asked = models.BooleanField(default=False)
    created_at = CreatedAt()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            one_of("status", JobStatus, name="job_status_known"),
            models.CheckConstraint(condition=Q(actor__regex=ACTOR), name="job_actor_named"),
            not_blank("request_id", name="job_request_named"),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "queued"])
                | Q(status="cancelled")
                | Q(started_at__isnull=False),
                name="job_started_when_it_ran",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["done", "failed", "cancelled"], finished_at__isnull=False)
                | Q(status__in=["draft", "queued", "running"], finished_at__isnull=True),
                name="job_finished_when_over",
            ),
            # A running job without a heartbeat would never be taken over.
            models.CheckConstraint(
                condition=Q(status="running", heartbeat_at__isnull=False)
                | (~Q(status="running") & Q(heartbeat_at__isnull=True)),
                name="job_heartbeat_while_running",
            ),
            models.CheckConstraint(
                condition=Q(next_attempt_at__isnull=True) | Q(attempts__gt=0),
                name="job_tried_before_next_attempt",
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"], name="job_to_do", condition=Q(status__in=["queued", "running"])
            ),
            models.Index(fields=["kind", "-id"], name="job_of_kind"),
            # For the search of the operators' pages.
            models.Index(fields=["request_id"], name="job_of_request"),
            GinIndex(
                OpClass(Upper("title"), name="gin_trgm_ops"),
                name="job_import_title",
                condition=Q(kind="import"),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_over(self) -> bool:
        return self.status in (JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELLED)

    @property
    def percent(self) -> int:
        """Return its progress. A job that is done is at 100, whatever its last step counted."""
        if self.status == JobStatus.DONE:
            return 100
        return min(100, 100 * self.progress // self.total) if self.total else 0

    @property
    def seconds_left(self) -> int | None:
        """Estimate the rest of the current step at its rate so far. None: not known, or over."""
        rate = None if self.is_over else self.counts.get("rate")
        return round((self.total - self.progress) / rate) if rate and self.total else None


class JobInput(models.Model):
    """A part of the file that a job works on, stored in the database where every host finds it."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Job, models.CASCADE, related_name="inputs", db_index=False)
    position = models.IntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "position"], name="job_input_once")]

    def __str__(self) -> str:
        return f"part {self.position}"


class JobOutcome(models.Model):
    """The outcome of one line or row of a job. Each kind of job decides which outcomes it stores."""

    id = models.BigAutoField(primary_key=True)
    job = models.ForeignKey(Job, models.CASCADE, related_name="outcomes", db_index=False)
    position = models.BigIntegerField()
    # Bytes, since a line of a file may not be text.
    subject = models.BinaryField()
    outcome = models.CharField(max_length=512)

    class Meta:
        ordering = ["position", "id"]
        indexes = [models.Index(fields=["job", "position", "id"], name="job_outcome_of_job")]

    def __str__(self) -> str:
        return self.outcome
