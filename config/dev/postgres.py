"""An embedded PostgreSQL for trying out, developing and testing, where DATABASE_URL is not set.

Settings only name the database; manage.py, wsgi.py and the tests call ``ensure_running``. Two flocks
keep any number of processes from each other's way, and the kernel drops both when a process dies:

- ``start.lock``, exclusive, held around every start and stop;
- ``users.lock``, shared, held for the life of each process that uses the server. Who leaves and then
  gets it exclusively was the last, and stops the server. If the last one was killed, the server stays
  and serves whoever comes next. Forked children hold their parent's lock too, which is right: they use
  the server as long as they live.
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

from config.dev import postgres_server
from config.dev.postgres_server import LocalDatabaseError as LocalDatabaseError
from config.dev.postgres_server import Place

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
BASE_DIR = Path(__file__).resolve().parent.parent

_membership: tuple[Place, int, int] | None = None  # our place, our hold on its users.lock, and who took it


def local_folder() -> Path:
    """What this checkout keeps for itself: secrets, and an ordinary user's database."""
    return Path(os.environ.get("NUMBERDESK_LOCAL_DIR") or BASE_DIR / ".local").resolve()


def database_settings() -> dict[str, Any]:
    """Django's settings for the embedded database. Starts nothing."""
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": postgres_server.DATABASE,
        "USER": postgres_server.ROLE,
        "HOST": str(postgres_server.socket_folder(local_folder())),
        "PORT": postgres_server.PORT,
    }


def ensure_running() -> None:
    """Use the embedded server for the life of this process, and start it where it does not run."""
    global _membership
    if _membership is not None or os.environ.get("DATABASE_URL"):
        return
    with _in_one_line():
        place = postgres_server.place_for(local_folder())
        postgres_server.prepare_folder(place)
        with _starting_or_stopping(place):
            users = postgres_server.try_lock(place.folder / "users.lock", fcntl.LOCK_SH)
            assert users is not None  # noqa: S101  blocking: it returns with the lock or raises
            try:
                postgres_server.run_server(place)
            except BaseException:
                os.close(users)
                _stop_if_unused(place)
                raise
            _membership = place, users, os.getpid()
    atexit.register(stop)


def stop() -> None:
    """Leave the server; the last to leave stops it. Does nothing in a process that does not use it."""
    global _membership
    if _membership is None:
        return
    place, users, taken_by = _membership
    _membership = None
    if os.getppid() == taken_by:
        return  # a forked child, whose parent lives and leaves after it
    with _in_one_line(), _undisturbed(), _starting_or_stopping(place):
        # Closed, not unlocked: unlocking would take the hold from a parent or child that shares it.
        os.close(users)
        _stop_if_unused(place)


def stop_if_unused() -> None:
    """Stop a server whose last user was killed."""
    with _in_one_line():
        place = postgres_server.place_for(local_folder())
        if place.folder.exists():
            with _undisturbed(), _starting_or_stopping(place):
                _stop_if_unused(place)


def remove() -> None:
    """Delete the database of this checkout, which nobody may be using."""
    with _in_one_line():
        place = postgres_server.place_for(local_folder())
        if not place.folder.exists():
            return
        with _undisturbed(), _starting_or_stopping(place):
            if not _stop_if_unused(place):
                raise LocalDatabaseError("the local database is in use: stop what uses it first")
            shutil.rmtree(place.folder)
            shutil.rmtree(place.sockets, ignore_errors=True)


def binaries() -> Path:
    """The folder of psql, pg_dump and the rest."""
    return postgres_server.binaries(postgres_server.place_for(local_folder()))


def local_secret(name: str) -> str:
    """A random secret of this checkout, the same at every call, readable by its owner only."""
    path = local_folder() / f"{name}.secret"
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
        # Linked, so that it appears whole, and the first of several processes wins.
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)


def _stop_if_unused(place: Place) -> bool:
    """True when nobody uses the server, which then does not run any more."""
    alone = postgres_server.try_lock(place.folder / "users.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
    if alone is None:
        return False
    try:
        if postgres_server.is_alive(place):
            postgres_server.stop_server(place)
    finally:
        os.close(alone)
    return True


@contextlib.contextmanager
def _starting_or_stopping(place: Place) -> Iterator[None]:
    lock = postgres_server.try_lock(place.folder / "start.lock", fcntl.LOCK_EX)
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
    """A second, impatient Ctrl-C does not leave a server behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: dict[int, Any] = {}
    while len(before) < len(_IMPATIENCE):
        # One that has arrived already is handled in here, where there is nothing left for it to end.
        with contextlib.suppress(KeyboardInterrupt, SystemExit):
            for number in _IMPATIENCE:
                before.setdefault(number, signal.signal(number, signal.SIG_IGN))
    try:
        yield
    finally:
        for ignored, handler in before.items():
            signal.signal(ignored, signal.SIG_DFL if handler is None else handler)
