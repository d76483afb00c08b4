"""Background work on the home page: what failed, duties, jobs, live workers."""

from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from config.admin.changelist import rows_of
from config.db.fields import first_id_of
from numbers.models import Job
from numbers.reports.dashboard import Figures
from numbers.worker.presence import live_workers
from numbers.worker.status import duty_states, job_counts

FAILED_DAYS = 7
SHOWN = 6


def background_panel(figures: Figures) -> dict[str, Any]:
    """Return what the panel shows, read now rather than counted by the worker."""
    duties, (workers, _) = duty_states(), live_workers()
    return {
        "workers": workers,
        "jobs": job_counts(),
        "duties": duties,
        "job_list": reverse("admin:numbers_job_changelist"),
    }


def failed_panel(figures: Figures) -> dict[str, Any]:
    """Return failed duties, and jobs that failed or wait for another attempt, with the reason."""
    since = first_id_of(timezone.now() - timedelta(days=FAILED_DAYS))
    failed = Job.objects.filter(pk__gte=since).exclude(error="")
    failed = failed.filter(status__in=[Job.Status.FAILED, Job.Status.QUEUED])
    jobs = list(failed.order_by("-pk")[: SHOWN + 1])
    return {
        "duties": [duty for duty in duty_states() if duty.outcome == "failed" or duty.is_late],
        "failed_jobs": jobs[:SHOWN],
        "more": len(jobs) > SHOWN,
        "all": rows_of("numbers_job", status__exact="failed"),
        "days": FAILED_DAYS,
    }
