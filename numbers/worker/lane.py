"""A thread that processes one queue until it is stopped, and survives errors."""

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import DatabaseError, InterfaceError, close_old_connections, connection, connections

from config.db.sqlstates import is_unavailable

logger = logging.getLogger(__name__)

SHORTEST_WAIT = 0.2
LONGEST_REST = 30.0  # between two attempts while they fail


class CancelableThread:
    """A thread with a database connection whose statement other threads can cancel."""

    def __init__(self, name: str, work: Callable[[], None]) -> None:
        self._work = work
        self._raw: psycopg.Connection[Any] | None = None
        self.name = name
        self.ended_well = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def connect(self) -> None:
        """Open this thread's connection, so that ``cancel`` can find it."""
        connection.ensure_connection()
        self._raw = connection.connection

    def cancel(self) -> None:
        """Cancel the statement that the thread is waiting for, if any."""
        if self._raw is not None:
            with contextlib.suppress(psycopg.Error):  # it has just been closed
                self._raw.cancel_safe(timeout=2)

    def _run(self) -> None:
        try:
            self._work()
            self.ended_well = True
        finally:
            connections.close_all()


class Lane(CancelableThread):
    """Call `look` until `stop` is set.

    It processes what is due and returns the seconds until the next. `finish` is called at the end.
    """

    def __init__(
        self,
        name: str,
        look: Callable[[], float | None],
        *,
        stop: threading.Event,
        poll: float,
        finish: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(name, self._loop)
        self._look, self._stop, self._poll, self._finish = look, stop, poll, finish
        self._woken = threading.Event()

    def wake(self) -> None:
        self._woken.set()

    def _loop(self) -> None:
        rest = 1.0
        while not self._stop.is_set():
            self._woken.clear()
            try:
                close_old_connections()
                self.connect()
                wait = self._look()
                rest = 1.0
            except Exception as error:  # noqa: BLE001  logged; the next look tries again
                self._report(error, rest)
                connections.close_all()
                self._stop.wait(rest)
                rest = min(2 * rest, LONGEST_REST)
                continue
            self._woken.wait(
                self._poll if wait is None else max(SHORTEST_WAIT, min(wait, self._poll))
            )
        try:
            self._finish()
        except (DatabaseError, InterfaceError, psycopg.Error):
            logger.warning("%s: its end could not be recorded", self.name, exc_info=True)

    def _report(self, error: Exception, rest: float) -> None:
        if is_unavailable(error):
            reason = str(error).strip().partition("\n")[0]
            logger.warning("%s: waits %g s for the database: %s", self.name, rest, reason)
        else:
            logger.error(
                "%s: a look failed, the next one follows in %g s", self.name, rest, exc_info=error
            )
