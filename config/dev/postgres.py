"""An embedded PostgreSQL for development and tests, used if DATABASE_URL is not set.

Settings only name the database. manage.py, wsgi.py and the tests call ``ensure_running``. Two file
locks coordinate the processes. The kernel drops both when a process dies.

- ``start.lock``, exclusive: held around every start and stop.
- ``users.lock``, shared: held by every process that uses the server. On exit a process tries for
  an exclusive lock; if it gets one, no other user is left and it stops the server. If the last
  user was killed, the server stays for the next process. Forked children hold their parent's lock
  too, because they use the server as long as they live.
"""

import atexit
import contextlib
import fcntl
import os
import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config.dev import postgres_paths, postgres_server
from config.dev.postgres_paths import LocalDatabaseError as LocalDatabaseError
from config.dev.postgres_paths import ServerPaths

__all__ = [
    "LocalDatabaseError",
    "binaries",
    "database_settings",
    "ensure_running",
    "local_secret",
    "remove",
    "stop",
]

_IMPATIENCE = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)
BASE_DIR = Path(__file__).resolve().parent.parent.parent

# The server's paths, our descriptor of its users.lock, and the process that took it.
_membership: tuple[ServerPaths, int, int] | None = None


def local_folder() -> Path:
    """Return the folder of this checkout's secrets and of an ordinary user's database."""
    return Path(os.environ.get("NUMBERDESK_LOCAL_DIR") or BASE_DIR / ".local").resolve()


def database_settings() -> dict[str, Any]:
    """Return Django's settings for the embedded database, without starting it.

    They name the checkout, which gets its identity here. If it can't be written, ``ensure_running``
    says so: commands that need no database go on.
    """
    with contextlib.suppress(LocalDatabaseError):
        local_secret(postgres_paths.IDENTITY)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": postgres_server.DATABASE,
        "USER": postgres_server.ROLE,
        "HOST": str(postgres_paths.socket_folder(local_folder())),
        "PORT": postgres_server.PORT,
    }


def ensure_running() -> None:
    """Use the embedded server until this process exits, and start it if it is not running."""
    global _membership
    if _membership is not None or os.environ.get("DATABASE_URL"):
        return
    local_secret(postgres_paths.IDENTITY)
    with _in_one_line():
        paths = postgres_paths.paths_for(local_folder())
        postgres_server.prepare_folder(paths)
        with _starting_or_stopping(paths):
            users = postgres_server.try_lock(paths.folder / "users.lock", fcntl.LOCK_SH)
            assert users is not None  # noqa: S101  blocking: it returns with the lock or raises
            try:
                postgres_server.run_server(paths)
            except BaseException:
                os.close(users)
                _stop_if_unused(paths)
                raise
            _membership = paths, users, os.getpid()
    atexit.register(stop)


def stop() -> None:
    """Stop using the server. The last user stops it. Do nothing in a process that is not a user."""
    global _membership
    if _membership is None:
        return
    paths, users, taken_by = _membership
    _membership = None
    if os.getppid() == taken_by:
        return  # a forked child: its parent is alive and leaves later
    with _in_one_line(), _undisturbed(), _starting_or_stopping(paths):
        # Close without unlocking: unlocking would release a lock that a parent or child shares.
        os.close(users)
        _stop_if_unused(paths)


def stop_if_unused() -> None:
    """Stop a server whose last user was killed."""
    with _in_one_line():
        paths = postgres_paths.paths_for(local_folder())
        if paths.folder.exists():
            with _undisturbed(), _starting_or_stopping(paths):
                _stop_if_unused(paths)


def remove() -> None:
    """Delete the database of this checkout. Raise LocalDatabaseError if it is in use."""
    with _in_one_line():
        paths = postgres_paths.paths_for(local_folder())
        if not paths.folder.exists():
            return
        with _undisturbed(), _starting_or_stopping(paths):
            if not _stop_if_unused(paths):
                raise LocalDatabaseError("the local database is in use: stop what uses it first")
            shutil.rmtree(paths.folder)
            shutil.rmtree(paths.sockets, ignore_errors=True)


def binaries() -> Path:
    """Return the folder of psql, pg_dump and PostgreSQL's other programs."""
    return postgres_server.binaries(postgres_paths.paths_for(local_folder()))


def local_secret(name: str) -> str:
    """Return a random secret of this checkout, created once and readable by its owner only."""
    path = postgres_paths.secret_file(local_folder(), name)
    with _in_one_line():
        if not path.exists():
            _create_secret(path)
        return path.read_text().strip()


def _create_secret(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
        # A link appears whole, and the first of several processes wins.
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)


def _stop_if_unused(paths: ServerPaths) -> bool:
    """Stop the server if no process uses it. Return whether it is stopped."""
    alone = postgres_server.try_lock(paths.folder / "users.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
    if alone is None:
        return False
    try:
        if postgres_server.is_alive(paths):
            postgres_server.stop_server(paths)
    finally:
        os.close(alone)
    return True


@contextlib.contextmanager
def _starting_or_stopping(paths: ServerPaths) -> Iterator[None]:
    lock = postgres_server.try_lock(paths.folder / "start.lock", fcntl.LOCK_EX)
    assert lock is not None  # noqa: S101  blocking: it returns with the lock or raises
    try:
        yield
    finally:
        os.close(lock)


@contextlib.contextmanager
def _in_one_line() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise LocalDatabaseError(f"the embedded PostgreSQL can't be used: {error}") from error


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Ignore signals, so that a second Ctrl-C does not leave a server behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {}
    while len(before) < len(_IMPATIENCE):
        # A signal that has already arrived is handled here, where it ends nothing.
        with contextlib.suppress(KeyboardInterrupt, SystemExit):
            for number in _IMPATIENCE:
                before.setdefault(number, signal.signal(number, signal.SIG_IGN))
    try:
        yield
    finally:
        for ignored, handler in before.items():
            signal.signal(ignored, signal.SIG_DFL if handler is None else handler)
