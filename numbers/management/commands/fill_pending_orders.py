"""Fill pending orders by quantity, once or for ever."""

import argparse
import math
import signal
import threading
from typing import Any

from django.core.management.base import CommandError, CommandParser

from config.commands import DeskCommand
from numbers.filling import LOOK_SECONDS, filled_orders, keep_filling, look


class Command(DeskCommand):
    help = (
        "Fill pending orders by quantity that the stock can fill now, oldest first. Stock also comes by the "
        "passage of time (quarantines and holds that end): run it from cron, or as a worker with --loop. "
        "Safe to run twice at once. An order that can't be judged keeps nobody waiting: it is logged and tried again "
        "later. Exits with 1 if there was one (or the database is away), else with 0."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--loop", action="store_true", help="go on until SIGTERM or Ctrl-C")
        parser.add_argument(
            "--interval", type=seconds, default=LOOK_SECONDS, help="seconds between two looks (default %(default)g)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["loop"]:
            self._look_once(json_wanted=options["json"])
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        keep_filling(stop, self.stderr.write, every=options["interval"])

    def _look_once(self, *, json_wanted: bool) -> None:
        seen = look()
        if seen.filled or json_wanted:
            answer = {"filled": seen.filled, "failed": [str(order_id) for order_id in seen.failed]}
            self.answer(answer, filled_orders(seen.filled), json_wanted=json_wanted)
        if seen.failed:
            ids = ", ".join(str(order_id) for order_id in seen.failed)
            raise CommandError(f"could not be judged and are tried again later, see the log: {ids}")


def seconds(text: str) -> float:
    """An argparse type: a pause. Without any, a worker would do nothing but look."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.1 <= value <= 3_600:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of seconds from 0.1 to 3,600")
    return value
