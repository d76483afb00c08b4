"""Count the home page's figures in a job, since at ten million numbers it takes seconds."""

from typing import Any

from config.actors import Actor
from numbers.models import Job
from numbers.reports.dashboard import refresh_figures
from numbers.worker.jobs import JobContext, queue

KIND = "figures"


def count_soon(actor: Actor) -> None:
    """Queue a job that counts the figures, unless there is one already."""
    if Job.objects.filter(kind=KIND, status__in=[Job.Status.QUEUED, Job.Status.RUNNING]).exists():
        return
    job = Job.objects.create(
        kind=KIND, title="Figures of the home page", actor=str(actor), request_id=actor.request_id
    )
    queue(job.pk)


def count_figures(context: JobContext) -> dict[str, Any]:
    context.progress("counting", 0, None)
    return {"counted": int(refresh_figures())}
