"""The home page's panel of background work: failed and late duties, jobs, live workers."""

from typing import Any

from django.urls import reverse

from numbers.reports.dashboard import Figures
from numbers.worker.presence import live_workers
from numbers.worker.status import duty_states, job_counts


def background_panel(figures: Figures) -> dict[str, Any]:
    """Return what the panel shows, read now rather than counted by the worker."""
    duties, (workers, _) = duty_states(), live_workers()
    return {
        "workers": workers,
        "jobs": job_counts(),
        "duties": duties,
        "job_list": reverse("admin:numbers_job_changelist"),
    }
