"""The worker of `make run`: started with the server, restarted if it dies, stopped with it.

In production a supervisor does this. There are three processes: the server, a small one that only
waits, and ``manage.py worker``. The last two end when their parent has ended.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent.parent
_LOOK_SECONDS = 1.0
_REST_SECONDS = 1.0  # before the next start


class BackgroundWorker:
    """The small process that keeps the worker running."""

    def __init__(self) -> None:
        # In its own session: Ctrl-C goes to the server, which stops this process last.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "config.dev.worker"],
            cwd=BASE_DIR,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """Stop the process and wait until its current work ends, for 15 seconds at most."""
        self._process.terminate()
        self._process.wait()


def keep_running() -> None:
    """Run ``manage.py worker`` again and again, until SIGTERM or the end of the parent process."""
    parent, stopping = os.getppid(), False
    worker: subprocess.Popen[bytes] | None = None

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True
        if worker is not None:
            worker.terminate()

    signal.signal(signal.SIGTERM, stop)
    while not stopping and os.getppid() == parent:
        worker = subprocess.Popen(
            [sys.executable, "manage.py", "worker", "--with-parent"],
            cwd=BASE_DIR,
            stdin=subprocess.DEVNULL,
        )
        if stopping:  # a signal came in the meantime
            worker.terminate()
        while worker.poll() is None:
            if os.getppid() != parent:
                stop()
            _wait(worker)
        if not stopping:
            time.sleep(_REST_SECONDS)


def _wait(worker: "subprocess.Popen[bytes]") -> None:
    try:
        worker.wait(_LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return  # the caller checks again


if __name__ == "__main__":
    keep_running()
