"""Periodic duties, live workers and counted failures."""

from django.db import models
from django.db.models import F, Q

from config.db.fields import one_of


class DutyOutcome(models.TextChoices):
    NONE = "", "not run yet"
    DONE = "done"
    FAILED = "failed"


class Duty(models.Model):
    """One periodic duty: its schedule, its current run and the outcome of its last one.

    A worker that runs it is its ``owner`` and renews ``beat_at``. The duty is due when ``next_at``
    has passed. ``attempts`` counts the runs since the last success.
    """

    Outcome = DutyOutcome

    name = models.CharField(max_length=64, primary_key=True)
    every_seconds = models.IntegerField(null=True)
    daily_at = models.TimeField(null=True, help_text="UTC")
    next_at = models.DateTimeField()
    owner = models.CharField(max_length=128, blank=True, default="")
    beat_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=16, choices=DutyOutcome, blank=True, default="")
    result = models.CharField(max_length=512, blank=True, default="")
    error = models.CharField(max_length=512, blank=True, default="")
    attempts = models.IntegerField(default=0)
    runs = models.BigIntegerField(default=0)
    failures = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "duties"
        default_permissions = ()
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(name__regex=r"^[a-z][a-z_]*$"), name="duty_name_form"
            ),
            models.CheckConstraint(
                condition=Q(every_seconds__isnull=False, every_seconds__gt=0, daily_at__isnull=True)
                | Q(every_seconds__isnull=True, daily_at__isnull=False),
                name="duty_one_schedule",
            ),
            one_of("outcome", DutyOutcome, name="duty_outcome_known"),
            models.CheckConstraint(
                condition=Q(outcome="", finished_at__isnull=True)
                | (~Q(outcome="") & Q(finished_at__isnull=False)),
                name="duty_finished_with_outcome",
            ),
            models.CheckConstraint(
                condition=Q(outcome="failed", error__regex=r"\S")
                | (~Q(outcome="failed") & Q(error="")),
                name="duty_error_when_failed",
            ),
            models.CheckConstraint(
                condition=~Q(outcome="done") | Q(succeeded_at__isnull=False),
                name="duty_succeeded_when_done",
            ),
            models.CheckConstraint(
                condition=Q(owner="", beat_at__isnull=True)
                | Q(
                    owner__regex=r"\S",
                    beat_at__isnull=False,
                    started_at__isnull=False,
                    attempts__gt=0,
                ),
                name="duty_owner_has_heartbeat",
            ),
            models.CheckConstraint(
                condition=Q(attempts__gte=0, failures__gte=0, runs__gte=F("failures")),
                name="duty_counts_add_up",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class WorkerProcess(models.Model):
    """A running ``manage.py worker``; its row is removed when it stops, or after it has been silent."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=128)
    host = models.CharField(max_length=64)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "worker processes"
        default_permissions = ()
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(name__regex=r"\S", host__regex=r"\S"), name="worker_named"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class WorkerQueue(models.TextChoices):
    """What a worker works through, one item at a time."""

    BACKORDERS = "backorders"
    JOBS = "jobs"
    BULK_ACTIONS = "bulk_actions"
    DUTIES = "duties"


class QueueFailures(models.Model):
    """Unforeseen failures of single items, counted over all worker processes."""

    queue = models.CharField(max_length=16, choices=WorkerQueue, primary_key=True)
    failures = models.BigIntegerField()
    last_item = models.CharField(max_length=64)
    last_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "queue failures"
        default_permissions = ()
        constraints = [
            one_of("queue", WorkerQueue, name="queue_failures_known"),
            models.CheckConstraint(condition=Q(failures__gt=0), name="queue_failures_counted"),
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.failures}"
