"""Two PostgreSQLs under Patroni, an etcd, and a PgBouncer before each: all on loopback."""

import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from config.dev import postgres as dev_postgres
from tests.drills.cluster.pgbouncer import NoPgBouncer, pgbouncer_command
from tests.drills.drill.cluster import free_port, server_account

PATIENCE = 60.0
# Patroni's smallest ttl: how long a dead primary keeps its lock is most of the time without writes.
TTL, LOOP_WAIT, RETRY_TIMEOUT = 20, 5, 5


class Missing(Exception):
    """A program that this machine does not have; the message says how to get it."""


def program(name: str, package: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        raise Missing(f"{name} is not installed: apt-get install {package}")
    return found


def _pgbouncer_program() -> list[str]:
    try:
        return pgbouncer_command()
    except NoPgBouncer as reason:
        raise Missing(str(reason)) from None


class Processes:
    """What was started, in sessions of their own, so that nothing of it is left behind."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="numberdesk-cluster-", dir="/var/tmp"))
        self.account = server_account()
        self.own(self.folder)
        self.started: list[subprocess.Popen[bytes]] = []

    def own(self, path: Path) -> None:
        if self.account is not None:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        self.own(path)
        return path

    def start(self, log: str, *command: str, **environment: str) -> "subprocess.Popen[bytes]":
        as_account: dict[str, Any] = {}
        if self.account is not None:
            as_account = {
                "user": self.account.pw_uid,
                "group": self.account.pw_gid,
                "extra_groups": [],
            }
        process = subprocess.Popen(
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=(self.folder / log).open("ab"),
            stderr=subprocess.STDOUT,
            env={
                "PATH": os.environ["PATH"],
                "LC_ALL": "C.UTF-8",
                "HOME": str(self.folder),
                **environment,
            },
            start_new_session=True,
            **as_account,
        )
        self.started.append(process)
        return process

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is TimeoutError:
            for log in sorted(self.folder.glob("*.log")):
                last = "".join(log.read_text(errors="replace").splitlines(keepends=True)[-15:])
                print(f"--- {log.name}\n{last}", file=sys.stderr)
        for process in reversed(self.started):
            kill_session(process)
        shutil.rmtree(self.folder, ignore_errors=True)


def kill_session(process: "subprocess.Popen[bytes]") -> None:
    """SIGKILL for the process and all it started, whatever sessions of their own they made."""
    for pid in [process.pid, *_descendants(process.pid)]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


def _descendants(pid: int) -> list[int]:
    listed = subprocess.run(
        ["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    return [one for child in listed for one in (int(child), *_descendants(int(child)))]


def patroni_for(processes: Processes) -> tuple[list[str], dict[str, str]]:
    """A Python that the servers' account may run, and where it finds Patroni.

    Root's environment often lies where that account can't walk: then the system's Python of the
    same version runs a copy of the packages.
    """
    if importlib.util.find_spec("patroni") is None:
        raise Missing("patroni is not installed: pip install -r requirements/cluster.txt")
    if processes.account is None or _may_run(sys.executable, processes):
        return [sys.executable], {}
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    if not _may_run(system, processes):
        raise Missing(
            f"{processes.account.pw_name} can't run this Python, nor {system}: run as an ordinary "
            "user"
        )
    packages = processes.folder / "packages"
    for name in _needed_by("patroni"):
        for file in importlib.metadata.distribution(name).files or []:
            source = Path(str(file.locate()))
            if source.is_file() and ".." not in file.parts:
                target = packages / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
    subprocess.run(["chmod", "-R", "a+rX", str(packages)], check=True)
    return [system, "-S"], {
        "PYTHONPATH": str(packages)
    }  # without Debian's packages, which may not fit ours


def _needed_by(name: str) -> set[str]:
    """The distributions that ``name`` with etcd3 needs, and psycopg."""
    needed, open_ones = set[str](), [name, "psycopg", "psycopg-binary", "protobuf"]
    while open_ones:
        one = open_ones.pop()
        try:
            requires = importlib.metadata.distribution(one).requires or []
        except importlib.metadata.PackageNotFoundError:
            continue
        needed.add(one)
        names = {re.split(r"[^A-Za-z0-9_.-]", requirement)[0] for requirement in requires}
        open_ones += names - needed
    return needed


def _may_run(python: str, processes: Processes) -> bool:
    try:
        return processes.start("python.log", python, "-c", "").wait() == 0
    except OSError:
        return False


class Node:
    """One database host: Patroni, its PostgreSQL, and the PgBouncer through which clients come."""

    def __init__(
        self, name: str, processes: Processes, etcd: int, patroni: tuple[list[str], dict[str, str]]
    ) -> None:
        self.name = name
        self.processes = processes
        self.postgres, self.rest, self.bouncer = free_port(), free_port(), free_port()
        config = processes.write(f"{name}.json", json.dumps(self._patroni(etcd)))
        python, environment = patroni
        self.process = processes.start(
            f"{name}.log", *python, "-m", "patroni", str(config), **environment
        )
        pgbouncer = processes.write(f"{name}.ini", self._pgbouncer())
        processes.write("users.txt", '"numberdesk" ""\n')
        self.bouncer_process = processes.start(
            f"{name}-pgbouncer.log", *_pgbouncer_program(), str(pgbouncer)
        )

    def url(self, database: str = "numberdesk") -> str:
        """Straight to this node, for looking at it."""
        return f"postgresql://numberdesk@127.0.0.1:{self.postgres}/{database}"

    def role(self) -> str:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.rest}/patroni", timeout=2
            ) as answer:
                state = json.load(answer)
        except (OSError, urllib.error.URLError):
            return "away"
        return str(state["role"]) if state["state"] == "running" else str(state["state"])

    def is_synchronous_standby(self) -> bool:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.rest}/synchronous", timeout=2
            ) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def kill(self) -> None:
        """The whole host is gone at once."""
        kill_session(self.process)
        kill_session(self.bouncer_process)

    def _patroni(self, etcd: int) -> dict[str, Any]:
        access = [
            "local all all trust",
            "host all all 127.0.0.1/32 trust",
            "host replication all 127.0.0.1/32 trust",
        ]
        return {
            "scope": "numberdesk",
            "name": self.name,
            "restapi": {
                "listen": f"127.0.0.1:{self.rest}",
                "connect_address": f"127.0.0.1:{self.rest}",
            },
            "etcd3": {"hosts": [f"127.0.0.1:{etcd}"]},
            "bootstrap": {
                "dcs": {
                    "ttl": TTL,
                    "loop_wait": LOOP_WAIT,
                    "retry_timeout": RETRY_TIMEOUT,
                    # A commit is acknowledged when the standby has it too: what was answered
                    # survives.
                    "synchronous_mode": True,
                    "maximum_lag_on_failover": 0,
                    "postgresql": {
                        "use_pg_rewind": True,
                        "parameters": {
                            "max_connections": 60,
                            "shared_buffers": "128MB",
                            "timezone": "UTC",
                        },
                    },
                },
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums"],
            },
            "postgresql": {
                "listen": f"127.0.0.1:{self.postgres}",
                "connect_address": f"127.0.0.1:{self.postgres}",
                "data_dir": str(self.processes.folder / self.name),
                "bin_dir": str(dev_postgres.binaries()),
                "pgpass": str(self.processes.folder / f"{self.name}.pgpass"),
                "pg_hba": access,
                "parameters": {"unix_socket_directories": str(self.processes.folder)},
                "callbacks": {"on_role_change": str(self._reconnect())},
                "authentication": {
                    "superuser": {"username": "numberdesk"},
                    "replication": {"username": "numberdesk"},
                    "rewind": {"username": "numberdesk"},
                },
            },
        }

    def _reconnect(self) -> Path:
        """PgBouncer remembers that its server was a standby, and would say so for ever after its promotion.

        Patroni calls when it has asked for the promotion: who connects before its end would have PgBouncer learn
        the same once more.
        """
        psql, at = f"{dev_postgres.binaries()}/psql", "host=127.0.0.1 user=numberdesk"
        recovers = (
            f"{psql} -Atc 'SELECT pg_is_in_recovery()' '{at} port={self.postgres} dbname=postgres'"
        )
        script = self.processes.write(
            f"{self.name}-reconnect",
            f"""#!/bin/sh
case $2 in primary|master|promoted) until [ "$({recovers})" = f ]; do sleep 0.1; done ;; esac
exec {psql} '{at} port={self.bouncer} dbname=pgbouncer' -c RECONNECT
""",
        )
        script.chmod(0o755)
        return script

    def _pgbouncer(self) -> str:
        return f"""
[databases]
numberdesk = host=127.0.0.1 port={self.postgres} dbname=numberdesk user=numberdesk

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.bouncer}
unix_socket_dir =
auth_type = any
admin_users = numberdesk
pool_mode = transaction
default_pool_size = 20
max_client_conn = 200
max_prepared_statements = 200
server_login_retry = 1
server_connect_timeout = 3
ignore_startup_parameters = extra_float_digits,options
"""


class Cluster:
    """An etcd and two nodes; the first becomes the primary."""

    def __init__(self, processes: Processes) -> None:
        _pgbouncer_program()
        etcd = program("etcd", "etcd-server")
        dev_postgres.ensure_running()  # its place has binaries that the servers' account can run
        self.processes = processes
        self.nodes: list[Node] = []
        patroni = patroni_for(processes)
        client, peer = free_port(), free_port()
        at = f"http://127.0.0.1:{client}"
        peers = f"http://127.0.0.1:{peer}"
        data = str(self.processes.folder / "etcd")
        arguments = ["--data-dir", data, "--listen-client-urls", at, "--advertise-client-urls", at]
        arguments += ["--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers]
        self.processes.start("etcd.log", etcd, *arguments, "--initial-cluster", f"default={peers}")
        self.nodes.append(Node("one", self.processes, client, patroni))
        wait_for("the first node to become the primary", lambda: self.primary() is not None)
        self.nodes.append(Node("two", self.processes, client, patroni))
        wait_for(
            "the second node to follow synchronously",
            lambda: self.nodes[1].is_synchronous_standby(),
        )

    def primary(self) -> Node | None:
        return next((node for node in self.nodes if node.role() in ("primary", "master")), None)

    def url(self) -> str:
        """As an application has it: both PgBouncers, whichever leads to the node that takes writes."""
        hosts = ",".join("127.0.0.1" for _ in self.nodes)
        ports = ",".join(str(node.bouncer) for node in self.nodes)
        return (
            f"postgresql:///numberdesk?user=numberdesk&host={hosts}&port={ports}"
            "&target_session_attrs=read-write&connect_timeout=3"
        )


def wait_for(what: str, condition: Any) -> float:
    """Seconds until it was so."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > PATIENCE:
            raise TimeoutError(f"gave up waiting for {what}")
        time.sleep(0.2)
    return time.monotonic() - began
