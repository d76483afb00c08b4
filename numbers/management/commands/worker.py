"""Run the worker process, or check that one is alive."""

import argparse
import math
import os
import signal
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError, InterfaceError

from config.commands import DeskCommand
from numbers.worker.presence import ALIVE_SECONDS, live_workers
from numbers.worker.run import STOP_SECONDS, Worker


class Command(DeskCommand):
    help = (
        "Run background work until SIGTERM or Ctrl-C: fill backorders, move events into the feed, "
        "send webhooks, run operators' jobs and periodic duties. Any number of workers may run at "
        f"once. A worker stops within {STOP_SECONDS:g} seconds; another one continues its "
        "unfinished work. With --check: exit 0 if a worker of this host is alive."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--check", action="store_true", help="only check that a worker of this host is alive"
        )
        parser.add_argument(
            "--poll", type=seconds, help="seconds between two looks (default WORKER_POLL_SECONDS)"
        )
        parser.add_argument(
            "--with-parent", action="store_true", help="stop when the parent process has ended"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"]:
            self._check(json_wanted=options["json"])
            return
        parent = os.getppid() if options["with_parent"] else None
        if parent is not None:
            signal.signal(
                signal.SIGHUP, signal.SIG_IGN
            )  # the parent decides what a closed terminal means
        sys.exit(Worker(poll=options["poll"], parent=parent).run())

    def _check(self, *, json_wanted: bool) -> None:
        try:
            everywhere, here = live_workers()
        except (DatabaseError, InterfaceError) as error:
            # Restarting the worker would not help, so do not fail the check.
            self.stderr.write(
                f"the database is unavailable: {str(error).strip().partition(chr(10))[0]}"
            )
            return
        document = {"alive": everywhere, "alive_on_this_host": here}
        self.answer(
            document, f"{here} alive on this host, {everywhere} in all", json_wanted=json_wanted
        )
        if not here:
            raise CommandError(
                f"no worker of this host has been alive in the last {ALIVE_SECONDS} seconds"
            )


def seconds(text: str) -> float:
    """Return the pause that an argument states. Raise ArgumentTypeError if it is out of bounds."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.1 <= value <= 3_600:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of seconds from 0.1 to 3,600")
    return value
