"""Worker processes that tests start, watch, stop and kill."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from tests.support import db_assertions
from tests.support.concurrency import wait_until
from tests.support.live_server import ROOT

HOLD_KEY = 7267_107  # of tests/support/worker_process.py
PATIENCE = 60
NEVER = "3600"  # seconds between two polls: only a notification causes anything sooner


class WorkerProcess:
    """``manage.py worker`` on the test database, or by ``command`` on another one."""

    def __init__(
        self, *, hold_at: str = "", poll: str = NEVER, command: list[str] | None = None, **env: str
    ) -> None:
        self.log = Path(tempfile.mkstemp(prefix="numberdesk-worker-", suffix=".log")[1])
        database = {
            f"DATABASE_{name}": str(connection.settings_dict[name])
            for name in ("NAME", "HOST", "PORT")
        }
        own = {**database, "HOLD_AT": hold_at, "LOG_LEVEL": "INFO"}
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    *(command or ["-m", "tests.support.worker_process"]),
                    "--poll",
                    poll,
                ],
                cwd=ROOT,
                env={**os.environ, **own, **env},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def output(self) -> str:
        return self.log.read_text()

    def wait_until_listening(self) -> "WorkerProcess":
        """Return when it LISTENs and has looked at every queue once."""
        name = f"(SELECT name FROM numbers_workerprocess WHERE name LIKE '%%:{self.pid}')"
        wait_until(f"SELECT count(*) = 1 FROM {name} AS own")
        wait_until(
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE query LIKE 'LISTEN %%' AND state = 'idle'"
        )
        wait_until(
            "SELECT count(*) > 0 AND bool_and(outcome = 'done' OR daily_at IS NOT NULL) FROM numbers_duty"
        )
        return self

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.kill()
        self.log.unlink()


@contextmanager
def holding() -> Iterator[None]:
    """Hold the lock at which a process with HOLD_AT waits."""
    db_assertions.rows("SELECT pg_advisory_lock(%s)", HOLD_KEY)
    try:
        yield
    finally:
        db_assertions.rows("SELECT pg_advisory_unlock(%s)", HOLD_KEY)


def silence_everything() -> None:
    """Let time pass for the heartbeats of killed workers, instead of waiting for them to be missed."""
    db_assertions.run(
        "UPDATE numbers_job SET heartbeat_at = heartbeat_at - interval '1 day'",
        "UPDATE numbers_duty SET beat_at = beat_at - interval '1 day'",
    )
