"""A thread that renews a claim while another thread works on it."""

import logging
import threading
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, connections

logger = logging.getLogger(__name__)

BEAT_SECONDS = 2.0


class Heartbeat:
    """Call ``beat`` every two seconds inside the block, on a connection of its own."""

    def __init__(self, name: str, beat: Callable[[], None]) -> None:
        self._name, self._beat = name, beat
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"heartbeat of {name}", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._over.wait(BEAT_SECONDS):
                try:
                    self._beat()
                except (DatabaseError, InterfaceError):  # the next beat tries again
                    logger.warning("%s: no heartbeat", self._name, exc_info=True)
                    connections.close_all()
        finally:
            connections.close_all()
