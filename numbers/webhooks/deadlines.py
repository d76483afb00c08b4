"""A deadline for all that one attempt does on its socket.

A socket's own time-out bounds each read, not their sum: a receiver that sends a byte now and then
would hold a thread for hours. One thread of this process shuts the sockets whose time is over.
"""

import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Deadline:
    """When an attempt ends, and the socket that is shut then."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.is_over = False
        self._socket: socket.socket | None = None

    def left(self) -> float:
        """Return the seconds that are left. Raise TimeoutError if there are none."""
        left = self.at - time.monotonic()
        if self.is_over or left <= 0:
            raise TimeoutError
        return left

    def watch(self, sock: socket.socket | None) -> None:
        """Shut this socket at the deadline, instead of the one before."""
        with _changed:
            self._socket = sock
            if self.is_over:
                self.shut()

    def shut(self) -> None:
        """End any read or write of the socket. The caller holds the lock."""
        self.is_over = True
        if self._socket is not None:
            with suppress(OSError):  # the other side has closed it
                # Not SSLSocket.shutdown, which takes the TLS away from a thread that reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_changed = threading.Condition()
_watched: set[Deadline] = set()
_current = threading.local()
_thread: threading.Thread | None = None
_wakes_at = 0.0


@contextmanager
def deadline_at(at: float) -> Iterator[Deadline]:
    """Make it the deadline of this thread, until the block ends."""
    deadline = _current.deadline = Deadline(at)
    _add(deadline)
    try:
        yield deadline
    finally:
        _current.deadline = None
        with _changed:  # the watcher is not in the middle of shutting what is closed next
            _watched.discard(deadline)


def watch_for_this_thread(sock: socket.socket) -> None:
    """Shut this socket at the deadline of the calling thread, if it has one."""
    deadline: Deadline | None = getattr(_current, "deadline", None)
    if deadline is not None:
        deadline.watch(sock)


def _add(deadline: Deadline) -> None:
    global _thread
    with _changed:
        _watched.add(deadline)
        if _thread is None or not _thread.is_alive():  # it does not survive a fork
            _thread = threading.Thread(target=_shut_overdue, name="deadlines", daemon=True)
            _thread.start()
        elif deadline.at < _wakes_at:
            _changed.notify()


def _shut_overdue() -> None:
    global _wakes_at
    with _changed:
        while True:
            now = time.monotonic()
            for deadline in [one for one in _watched if one.at <= now]:
                deadline.shut()
                _watched.discard(deadline)
            _wakes_at = min((one.at for one in _watched), default=math.inf)
            _changed.wait(None if _wakes_at == math.inf else _wakes_at - now)
