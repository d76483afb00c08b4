"""Run the jobs that operators have started, once."""

from typing import Any

from config.commands import DeskCommand
from config.counts import counted
from numbers.worker.jobs import forget_old_jobs, run_all


class Command(DeskCommand):
    help = (
        "Run imports and other jobs that operators have started, and those that a killed process "
        "left unfinished, then stop. `manage.py worker` does this continuously. Safe to run "
        "twice at once."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = run_all()
        forget_old_jobs()
        if done or options["json"]:
            self.answer({"run": done}, _summary(done), json_wanted=options["json"])


def _summary(done: int) -> str:
    return f"{counted(done, 'job')} run"
