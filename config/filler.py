"""What `make run` does beside serving: it fills orders by quantity that wait, as time brings stock.

Ends of quarantines and of holds are dates, which no request calls for. In production the command
``fill_pending_orders --loop`` looks; here a thread in one of the workers does, so that there is nothing to
start beside it. Each worker has such a thread and one of them the lock, which dies with its process:
after a crash of that worker another one goes on.
"""

import fcntl
import logging
import threading
from pathlib import Path

from config.embedded import try_lock

logger = logging.getLogger(__name__)

TURN_SECONDS = 2.0  # between two looks at whether it is our turn
STOP_SECONDS = 4.0  # gunicorn's grace is 5


class Filler:
    """A thread of this process, and the lock that says whose turn it is."""

    def __init__(self, lock: Path) -> None:
        self._lock = lock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        # Made here, in the worker: on Python 3.13.0 to 3.13.3 a Thread made before the fork can't be started.
        self._thread = threading.Thread(target=self._run, name="filler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let what is being filled be finished. What is not by then is rolled back, whole."""
        self._stop.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        from numbers.filling import keep_filling

        # Held to the end of the process: closing it would be to give it up.
        while try_lock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB) is None:
            if self._stop.wait(TURN_SECONDS):
                return
        while not self._stop.is_set():
            try:
                keep_filling(self._stop, _tell)
            except Exception:
                logger.exception("pending orders wait")
                self._stop.wait(TURN_SECONDS)


def _tell(words: str) -> None:
    logger.info(words)
