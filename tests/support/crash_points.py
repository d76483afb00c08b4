"""The product's WSGI application, killed or failing at the point that CRASH_AT names.

Run by tests/support/live_server.py in a process of its own, on the database that DATABASE_NAME names.
"""

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import config  # noqa: F401  makes the `numbers` app importable

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

from django.conf import settings

settings.DATABASES["default"]["NAME"] = os.environ["DATABASE_NAME"]

from config.wsgi import application  # noqa: E402, I001  first: it sets Django up
from config.admin import csv_export  # noqa: E402
from numbers.orders import place  # noqa: E402

__all__ = ["application"]


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def then_die(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*arguments: Any, **options: Any) -> None:
        function(*arguments, **options)
        die()

    return run


def fail_midway(rows: Any, *_: Any, **__: Any) -> Iterator[bytes]:
    yield b"number\r\n"
    if not rows.query.is_sliced:  # a slice is the view's trial before it responds
        raise RuntimeError("the export failed midway")


CRASHES: dict[str, Callable[[], None]] = {
    "between check and write": lambda: setattr(place, "purchase_statement", die),
    "between write and commit": lambda: setattr(
        place, "purchase_statement", then_die(place.purchase_statement)
    ),
    "between commit and answer": lambda: setattr(
        place, "run_transaction", then_die(place.run_transaction)
    ),
    "in the middle of an export": lambda: setattr(csv_export, "stream_csv", fail_midway),
}

if crash_at := os.environ.get("CRASH_AT"):
    CRASHES[crash_at]()
