"""The product served by gunicorn in its own processes, which can be killed and restarted."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection

from config import json_text
from config.env import BASE_DIR
from tests.support.api_client import ORDERS

ROOT = BASE_DIR
PATIENCE = 60


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json_text.load(self.body)


class Server:
    """One gunicorn on a port that outlives it: what is killed can be started again at the same place."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, crash_at: str = "", threads: int = 4, log: Path | None = None) -> None:
        """Requests wait in the listener's queue until the process is there."""
        descriptor = self.listener.fileno()
        environment = {
            **os.environ,
            "DATABASE_NAME": connection.settings_dict["NAME"],
            "CRASH_AT": crash_at,
            "WEB_CONCURRENCY": "1",  # several would listen on sockets of their own
            "WEB_THREADS": str(threads),
            **({"LOG_LEVEL": "INFO"} if log else {}),
        }
        command = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn_conf.py"]
        with (log or Path(os.devnull)).open("ab") as output:
            self.process = subprocess.Popen(
                [
                    *command,
                    "--bind",
                    f"fd://{descriptor}",
                    "--log-level",
                    "critical",
                    "tests.support.crash_points:application",
                ],
                cwd=ROOT,
                env=environment,
                pass_fds=[descriptor],
                start_new_session=True,
                stdout=subprocess.DEVNULL,
                stderr=output,
            )

    def kill(self) -> None:
        """SIGKILL for the master and its workers, at once."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        self.listener.close()

    def order(self, secret: str, numbers: list[str], *, key: str) -> Answer:
        """Raises ConnectionError or http.client.HTTPException where the process dies before it answers."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            headers = {
                "Authorization": f"Bearer {secret}",
                "Content-Type": "application/json",
                "Idempotency-Key": key,
            }
            client.request("POST", ORDERS, json_text.dump({"numbers": numbers}), headers)
            response = client.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            client.close()
