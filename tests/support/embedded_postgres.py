"""Processes that use an embedded PostgreSQL in its own folder, to join, watch and kill."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import pytest

from config.dev import postgres, postgres_paths, postgres_server
from config.env import BASE_DIR

ROOT = BASE_DIR

# Joins, prints what it sees, and stays until its standard input is closed.
USER = """
import json, os, sys
from config.dev import postgres as localdb
try:
    localdb.ensure_running()
except localdb.LocalDatabaseError as error:
    sys.exit(str(error))
import psycopg
names = {"HOST": "host", "PORT": "port", "USER": "user", "NAME": "dbname"}
settings = {names[key]: value for key, value in localdb.database_settings().items() if key in names}
with psycopg.connect(**settings) as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS kept (pid int)") if "--write" in sys.argv else None
    connection.execute("INSERT INTO kept VALUES (%s)", [os.getpid()]) if "--write" in sys.argv else None
    connection.commit()
    started, = connection.execute("SELECT pg_postmaster_start_time()::text").fetchone()
    kept = connection.execute("SELECT to_regclass('kept') IS NOT NULL").fetchone()[0]
    rows = connection.execute("SELECT count(*) FROM kept").fetchone()[0] if kept else 0
print(json.dumps({"server": started, "rows": rows}), flush=True)
if "--fork" in sys.argv and os.fork() == 0:
    sys.exit(0)  # through atexit, as gunicorn's workers leave
sys.stdin.read()
"""


@dataclass
class Checkout:
    """A local folder, and the processes that use it."""

    local: Path
    account: int | None = None
    python_path: str = ""
    processes: "list[subprocess.Popen[str]]" = field(default_factory=list)

    def join(self, *arguments: str) -> "subprocess.Popen[str]":
        environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        as_account = (
            {}
            if self.account is None
            else {"user": self.account, "group": self.account, "extra_groups": []}
        )
        process = subprocess.Popen(
            [sys.executable, "-c", USER, *arguments],
            cwd=ROOT,
            env=environment
            | {"NUMBERDESK_LOCAL_DIR": str(self.local), "PYTHONPATH": self.python_path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **cast("Any", as_account),
        )
        self.processes.append(process)
        return process

    def begin(self) -> None:
        """Give it the secret that its first process would make: `place` depends on it."""
        self.local.mkdir(mode=0o700, parents=True)
        postgres_paths.secret_file(self.local, postgres_paths.IDENTITY).write_text(
            "of this checkout\n"
        )

    @property
    def place(self) -> postgres_paths.ServerPaths:
        return postgres_paths.paths_for(self.local)

    def server_is_alive(self) -> bool:
        return postgres_server.is_alive(self.place)

    def kill_users(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def kill_server(self) -> None:
        os.kill(int((self.place.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)


def seen_by(process: "subprocess.Popen[str]") -> dict[str, Any]:
    line = cast("IO[str]", process.stdout).readline()
    assert line, cast("IO[str]", process.stderr).read()
    return cast("dict[str, Any]", json.loads(line))


def leave(process: "subprocess.Popen[str]") -> None:
    _, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")


def remove(local: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUMBERDESK_LOCAL_DIR", str(local))
        postgres.remove()
