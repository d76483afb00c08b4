"""The faults of the drill, run one after another while customers continue."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.drills.drill.cluster import Cluster
from tests.drills.drill.customers import Customer
from tests.drills.drill.desk import Proxy, Server


class NotHere(Exception):
    """This machine does not allow the fault; the message says why."""


@dataclass
class Drill:
    """All that a fault may lay hands on."""

    cluster: Cluster
    server: Server
    proxy: Proxy
    customers: list[Customer]


def nothing(drill: Drill) -> None:
    time.sleep(4)


def workers_killed(drill: Drill) -> None:
    for _ in range(4):
        drill.server.kill_workers()
        time.sleep(1.5)


def database_killed(drill: Drill) -> None:
    drill.cluster.kill()
    time.sleep(1)
    _says_503(drill)
    drill.cluster.start_again()


def database_stopped(drill: Drill) -> None:
    drill.cluster.stop()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        _says_503(drill)
        time.sleep(1)
    drill.cluster.start_again()


def connections_cut(drill: Drill) -> None:
    drill.proxy.cutting = True
    time.sleep(5)
    drill.proxy.cutting = False
    if not drill.proxy.cuts:
        raise AssertionError("no connection was cut")


def clocks_wrong(drill: Drill) -> None:
    for years, customer in zip((-10, 10, -1, 1), drill.customers, strict=False):
        customer.skew = years * 365 * 86_400.0
    time.sleep(4)
    for customer in drill.customers:
        customer.skew = 0.0


def slow_lock_holder(drill: Drill) -> None:
    """Lock every credit account for longer than an order waits for a lock."""
    with psycopg.connect(drill.cluster.url()) as session:
        session.execute("SELECT 1 FROM numbers_creditaccount FOR UPDATE")
        time.sleep(5)


def no_connection_left(drill: Drill) -> None:
    """Other programs take every connection that the database has."""
    taken: list[psycopg.Connection[tuple[object, ...]]] = []
    deadline = time.monotonic() + 6
    try:
        with psycopg.connect(drill.cluster.url(), autocommit=True) as session:
            while time.monotonic() < deadline:
                session.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                    "application_name <> 'drill' AND pid <> pg_backend_pid() AND datname = "
                    "'numberdesk'"
                )
                _take_all(drill, taken)
                time.sleep(0.2)
    finally:
        for connection in taken:
            connection.close()


def _take_all(drill: Drill, taken: list["psycopg.Connection[tuple[object, ...]]"]) -> None:
    while True:
        try:
            taken.append(
                psycopg.connect(drill.cluster.url(), application_name="drill", connect_timeout=2)
            )
        except psycopg.OperationalError:
            return


def disk_full(drill: Drill) -> None:
    """The log of the database lies on a small filesystem, which fills up; then there is room again."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        raise NotHere("needs root, to mount a small filesystem")
    cluster = drill.cluster
    wal, small = cluster.data / "pg_wal", cluster.folder / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", small],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        raise NotHere(f"mount refused: {mounted.stderr.strip()}")
    cluster.stop()
    _move(wal, small / "pg_wal", cluster)
    cluster.start_again()
    drill.server.wait_until_ready()
    time.sleep(1)
    ballast = small / "ballast"
    with ballast.open("wb") as file:
        try:
            while True:
                file.write(bytes(1_000_000))
                file.flush()
        except OSError:
            pass  # full, as it should be
    _use_up_the_log(cluster)
    time.sleep(5)
    ballast.unlink()
    if not _database_answers(cluster):
        cluster.start_again()  # PostgreSQL stops when it can't write its log: that is what an operator does
    drill.server.wait_until_ready()


def _use_up_the_log(cluster: Cluster) -> None:
    """What was there before the disk was full is written on: some hundred orders would not notice anything."""
    deadline = time.monotonic() + 30
    try:
        with psycopg.connect(cluster.url(), autocommit=True, connect_timeout=3) as session:
            while time.monotonic() < deadline:
                session.execute(
                    "SELECT pg_logical_emit_message(true, 'drill', 'x'), pg_switch_wal()"
                )
    except psycopg.Error:
        return
    raise AssertionError("the disk is full and the database goes on")


def after_disk_full(drill: Drill) -> None:
    """Put the log back where it was."""
    cluster = drill.cluster
    small = cluster.folder / "small"
    if (small / "pg_wal").exists():
        cluster.stop()
        (cluster.data / "pg_wal").unlink()
        _move_back(small / "pg_wal", cluster.data / "pg_wal", cluster)
        subprocess.run(["umount", small], check=True)
        cluster.start_again()


def _move(source: Path, target: Path, cluster: Cluster) -> None:
    shutil.copytree(source, target)
    _own(target, cluster)
    shutil.rmtree(source)
    source.symlink_to(target)


def _move_back(source: Path, target: Path, cluster: Cluster) -> None:
    shutil.copytree(source, target)
    _own(target, cluster)


def _own(folder: Path, cluster: Cluster) -> None:
    if cluster.account is None:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, cluster.account.pw_uid, cluster.account.pw_gid)
        if path.is_dir():
            path.chmod(0o700)


def _database_answers(cluster: Cluster) -> bool:
    try:
        with psycopg.connect(cluster.url(), connect_timeout=3) as session:
            session.execute("SELECT pg_current_wal_lsn()")
        return True
    except psycopg.Error:
        return False


def _says_503(drill: Drill) -> None:
    status = drill.server.status()
    if status not in (503, 0):
        raise AssertionError(f"/readyz says {status} while the database is away")


FAULTS: list[tuple[str, Callable[[Drill], None]]] = [
    ("no fault", nothing),
    ("application workers killed with -9, four times", workers_killed),
    ("database killed with -9", database_killed),
    ("database stopped for 10 s", database_stopped),
    ("connections cut in the middle of an answer", connections_cut),
    ("customers' clocks wrong by years", clocks_wrong),
    ("a session that sits on every credit account", slow_lock_holder),
    ("no database connection left", no_connection_left),
    ("the database's disk full", disk_full),
]
