"""`make run`, `make stop` and `make clean`: start and stop everything, in one process.

It is one process, because each start of Django costs most of a second. It locks the port, starts
the embedded PostgreSQL, migrates, seeds the demo, and becomes gunicorn. In production gunicorn is
started by itself, see docs/configuration.md.
"""

import contextlib
import fcntl
import io
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import config  # noqa: F401  makes the `numbers` app importable, see config/__init__.py
from config.dev import postgres
from config.dev.postgres_server import try_lock
from config.dev.worker import BackgroundWorker

WORKERS_SECONDS = 15  # gunicorn's workers check once a second whether their master is alive


class CannotServe(Exception):
    """The desk can't start. The message is one line and says what to do."""


class PortLock:
    """The locks of one desk on a port of this checkout. They end with their processes.

    ``desk-8000.lock`` belongs to the master and contains its pid, which is valid only while the
    lock is held. The workers hold ``desk-8000.workers`` too. After a ``kill -9`` of the master
    they keep the port until they notice.
    """

    def __init__(self, port: int) -> None:
        folder = postgres.local_folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"desk-{port}.lock"
        master = try_lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if master is None:
            raise CannotServe(
                f"already running on port {port} (process {read_pid(path)}): `make stop` stops it"
            )
        self.master = master
        os.ftruncate(self.master, 0)
        os.pwrite(self.master, str(os.getpid()).encode(), 0)
        self.workers_path = path.with_suffix(".workers")
        workers = wait_for_lock(self.workers_path, WORKERS_SECONDS)
        if workers is None:
            raise CannotServe(
                f"workers of a killed desk still hold port {port}: end them and try again"
            )
        self.workers = workers  # the workers inherit it

    def leave_to_master(self) -> None:
        """Close the master's lock in a worker, so that only the master holds it."""
        os.close(self.master)

    def wait_for_workers(self) -> None:
        """Release the second lock, and wait until no worker holds it."""
        os.close(self.workers)
        lock = wait_for_lock(self.workers_path, WORKERS_SECONDS)
        if lock is not None:
            os.close(lock)


def read_pid(path: Path) -> int:
    return int(path.read_text() or 0)


def wait_for_lock(path: Path, seconds: float) -> int | None:
    deadline = time.monotonic() + seconds
    while (
        lock := try_lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    ) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return lock


def require_port(host: str, port: int) -> None:
    """Raise CannotServe if the port is taken, before anything is started."""
    from config.gunicorn_conf import why_port_is_taken

    if reason := why_port_is_taken(host, port):
        raise CannotServe(
            f"port {port} of {host} can't be used ({reason}): try `make run PORT={port + 1}`"
        )


def prepare_database() -> dict[str, Any] | None:
    """Migrate if needed and seed the demo, which changes nothing the second time."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # whitenoise needs the folder
    if settings.EMBEDDED_DATABASE:
        postgres.ensure_running()
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        say("preparing the database")
        call_command("migrate", verbosity=0, interactive=False)
    if settings.PRODUCTION:
        # Production gets no demo, because its operator and keys are public.
        call_command("collectstatic", verbosity=0, interactive=False)
        return None
    answer = io.StringIO()
    call_command("seed_demo", "--json", stdout=answer)
    return dict(json.loads(answer.getvalue()))


def close_connections() -> None:
    """Close the connections, which don't survive the fork of the workers."""
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.close()


def banner(url: str, demo: dict[str, Any] | None, worker: int) -> str:
    lines = [
        "",
        f"Numberdesk is running at {url} (Ctrl-C stops it)",
        "",
        f"  Docs       {url}/docs",
    ]
    lines.append(
        f"  Worker     process {worker}, for backorders, events, webhooks, jobs and duties"
    )
    if demo is None:
        lines += [f"  Admin      {url}/admin/   (first operator: manage.py createsuperuser)", ""]
        return "\n".join(lines)
    order = json.dumps({"numbers": [demo["number"]]})
    return "\n".join(
        [
            *lines,
            f"  Admin      {url}/admin/   {demo['admin']['username']} / {demo['admin']['password']}",
            f"  API key    {demo['api_key']}",
            f"  Sandbox    {demo['sandbox_api_key']}",
            "",
            "Order a number:",
            "",
            f"  curl -sS {url}/v1/phone-numbers/orders -H 'Authorization: Bearer {demo['api_key']}'"
            f" -H 'Content-Type: application/json' -d '{order}'",
            "",
        ]
    )


def run() -> None:
    from config import gunicorn_conf
    from config.dev.server import DeskServer

    host, _, port = gunicorn_conf.bind.rpartition(":")
    port_lock = PortLock(int(port))
    require_port(host, int(port))
    import django

    django.setup()
    demo = prepare_database()
    close_connections()
    shown = "localhost" if host in ("0.0.0.0", "::", "[::]") else host  # noqa: S104  compared, not bound
    background = BackgroundWorker()
    DeskServer(
        banner(f"http://{shown}:{port}", demo, background.pid),
        port_lock=port_lock,
        background=background,
    ).run()


def stop() -> None:
    """Stop every desk of this checkout, and a database that has no users."""
    stopped = False
    for path in sorted(postgres.local_folder().glob("desk-*.lock")):
        lock = try_lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if lock is None:
            lock = end_master(path)
            say(f"stopped {path.stem}")
            stopped = True
        os.close(lock)
    postgres.stop_if_unused()
    if not stopped:
        say("nothing is running")


def clean() -> None:
    """Stop everything and delete the local database with its operators, keys and numbers."""
    stop()
    postgres.remove()


def end_master(path: Path) -> int:
    pid = read_pid(path)
    if pid == 0:
        raise CannotServe(f"{path.stem} is still starting: try again")
    os.kill(pid, signal.SIGTERM)
    lock = wait_for_lock(path, 60)
    if lock is None:
        raise CannotServe(f"{path.stem} (process {pid}) does not stop")
    return lock


def say(words: str) -> None:
    print(f"numberdesk: {words}", flush=True)


@contextlib.contextmanager
def errors_in_one_line() -> Iterator[None]:
    from django.core.exceptions import ImproperlyConfigured
    from django.db import OperationalError

    try:
        yield
    except (CannotServe, ImproperlyConfigured, postgres.LocalDatabaseError) as error:
        sys.exit(f"numberdesk: {error}")
    except OperationalError as error:
        sys.exit(f"numberdesk: the database can't be reached: {' '.join(str(error).split())}")
    except KeyboardInterrupt:
        sys.exit(130)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    # Until gunicorn sets its handlers, exit through atexit, which releases the database.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    commands = {"run": run, "stop": stop, "clean": clean}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        sys.exit("usage: python -m config.dev.run run|stop|clean")
    with errors_in_one_line():
        commands[sys.argv[1]]()


if __name__ == "__main__":
    main()
