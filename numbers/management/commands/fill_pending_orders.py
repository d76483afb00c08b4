"""Fill pending orders by quantity, once or for ever."""

import argparse
import math
import signal
import threading
from typing import Any

from django.core.management.base import CommandParser

from config.commands import DeskCommand
from numbers.filling import LOOK_SECONDS, fill_pending_orders, filled_orders, keep_filling


class Command(DeskCommand):
    help = (
        "Fill pending orders by quantity that the stock can fill now, oldest first. Stock also comes by the "
        "passage of time (quarantines and holds that end): run it from cron, or as a worker with --loop. "
        "Safe to run twice at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--loop", action="store_true", help="go on until SIGTERM or Ctrl-C")
        parser.add_argument(
            "--interval", type=seconds, default=LOOK_SECONDS, help="seconds between two looks (default %(default)g)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["loop"]:
            filled = fill_pending_orders()
            if filled or options["json"]:
                self.answer({"filled": filled}, filled_orders(filled), json_wanted=options["json"])
            return
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        keep_filling(stop, self.stderr.write, every=options["interval"])


def seconds(text: str) -> float:
    """An argparse type: a pause. Without any, a worker would do nothing but look."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.1 <= value <= 3_600:
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of seconds from 0.1 to 3,600")
    return value
