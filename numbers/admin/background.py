"""The home page's panel of background work: failed and late duties, jobs, live workers."""

from typing import Any

from numbers.reports.dashboard import Figures
from numbers.worker.presence import live_workers
from numbers.worker.status import duty_states, job_counts


def background_panel(figures: Figures, job_list: str) -> dict[str, Any]:
    """Return the panel's data. `job_list` is the address of the list of jobs."""
    duties, (workers, _) = duty_states(), live_workers()
    return {
        "workers": workers,
        "jobs": job_counts(),
        "duties": duties,
        "job_list": job_list,
    }
