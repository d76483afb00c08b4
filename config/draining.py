"""A server that is about to stop says so first, and goes on until its load balancer has heard it.

gunicorn closes its port as soon as it gets SIGTERM: whatever a load balancer sends before its next look
would be refused. With DRAIN_SECONDS, ``/readyz`` is 503 for so long and everything else is answered.
"""

import mmap
import os
import signal
import threading
from types import FrameType

# Shared with the workers, which are forked from where this was imported first.
_flag = mmap.mmap(-1, 1)


def is_draining() -> bool:
    return _flag[0] == 1


def drain_before_stopping(seconds: int) -> None:
    """Have SIGTERM wait, in the master. A second one does not: it stops at once."""
    if seconds == 0:
        return
    at_once = signal.getsignal(signal.SIGTERM)

    def stop_later(number: int, frame: FrameType | None) -> None:
        _flag[0] = 1
        signal.signal(signal.SIGTERM, at_once)
        timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGTERM))
        timer.daemon = True  # a second signal does not wait for it
        timer.start()

    signal.signal(signal.SIGTERM, stop_later)
