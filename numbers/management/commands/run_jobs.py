"""Run what operators have started at the desk, once."""

from typing import Any

from config.commands import DeskCommand
from numbers.worker.jobs import forget_old_jobs, run_all


class Command(DeskCommand):
    help = (
        "Run imports and other long work that operators have started at the desk, and what a killed process has "
        "left undone, then stop. `manage.py worker` does it all the time. Safe to run twice at once."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = run_all()
        forget_old_jobs()
        if done or options["json"]:
            self.answer({"run": done}, _told(done), json_wanted=options["json"])


def _told(done: int) -> str:
    return f"{done} {'job' if done == 1 else 'jobs'} run"
