"""Run what operators have started at the desk, once or for ever."""

import signal
import threading
from typing import Any

from django.core.management.base import CommandParser
from django.db import DatabaseError, InterfaceError, close_old_connections

from config.commands import DeskCommand
from numbers.jobs import forget_old_jobs, run_all
from numbers.management.commands.fill_pending_orders import seconds


class Command(DeskCommand):
    help = (
        "Run imports and other long work that operators have started at the desk, and what a killed process has "
        "left undone. Run it from cron, or as a worker with --loop. Safe to run twice at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--loop", action="store_true", help="go on until SIGTERM or Ctrl-C")
        parser.add_argument("--interval", type=seconds, default=5.0, help="seconds between two looks (default 5)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["loop"]:
            done = run_all()
            forget_old_jobs()
            if done or options["json"]:
                self.answer({"run": done}, _told(done), json_wanted=options["json"])
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        while not stop.is_set():
            try:
                close_old_connections()
                if done := run_all():
                    self.stderr.write(_told(done))
            except (DatabaseError, InterfaceError) as error:  # the next look tries again
                self.stderr.write(f"jobs wait: {error}")
            stop.wait(options["interval"])


def _told(done: int) -> str:
    return f"{done} {'job' if done == 1 else 'jobs'} run"
