"""A thread that LISTENs for `wake_worker` on a connection of its own.

Notifications make the worker quick; it also polls, so nothing depends on them. Behind PgBouncer in
transaction mode they do not arrive: WORKER_LISTEN_URL names a direct connection for this thread.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo

from numbers.worker.wake import CHANNEL

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0  # between two looks at whether to stop
_PROBE_LOOKS = 30  # a connection that died silently is noticed by then
_LONGEST_REST = 60.0


class Listener:
    """A thread that calls `wake` for each notification.

    It also does after each new connection, since notifications may have been missed.
    """

    def __init__(self, wake: Callable[[], None], stop: threading.Event) -> None:
        self._wake, self._stop = wake, stop
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _run(self) -> None:
        rest = 1.0
        while not self._stop.is_set():
            try:
                with psycopg.connect(autocommit=True, **_connection_parameters()) as listening:
                    listening.execute(f"LISTEN {CHANNEL}")
                    logger.info("listening for notifications")
                    rest = 1.0
                    self._wake()
                    self._follow(listening)
            except psycopg.Error as error:
                logger.warning("no notifications, polling only: %s", " ".join(str(error).split()))
                self._stop.wait(rest)
                rest = min(2 * rest, _LONGEST_REST)

    def _follow(self, listening: "psycopg.Connection[Any]") -> None:
        while True:
            for _ in range(_PROBE_LOOKS):
                for _notification in listening.notifies(timeout=_LOOK_SECONDS, stop_after=1):
                    self._wake()
                if self._stop.is_set():
                    return
            listening.execute("SELECT 1")


def _connection_parameters() -> dict[str, Any]:
    """Return libpq's parameters of WORKER_LISTEN_URL, else those of Django's connection."""
    if settings.WORKER_LISTEN_URL:
        return dict(conninfo_to_dict(settings.WORKER_LISTEN_URL))
    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    parameters = connection.get_connection_params()
    return {
        name: value for name, value in parameters.items() if name in known and value is not None
    }
