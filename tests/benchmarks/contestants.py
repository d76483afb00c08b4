"""The desk and its rivals, each as its own server on a free port of this machine."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks import BASE_DIR, BUILD_DIR, server
from tests.benchmarks.machine import cores

START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Contestant:
    """How to start one: ``arguments`` of Python, with its port in the environment or as {port}."""

    name: str
    title: str
    arguments: tuple[str, ...]
    settings: str = "config.settings"
    environment: tuple[tuple[str, str], ...] = ()
    folder: Path = BASE_DIR
    python: str = sys.executable


@dataclass(frozen=True, slots=True)
class Running:
    contestant: Contestant
    port: int
    pid: int


_GUNICORN = ("-m", "gunicorn", "-c", "config/gunicorn_conf.py")

# Every server gets one process for each core; the desk and the other two on Django the very same gunicorn.
DESK = Contestant("desk", "Numberdesk", (*_GUNICORN, "config.wsgi"))
FASTAPI = Contestant(
    "fastapi",
    "FastAPI + asyncpg",
    (
        *(
            "-m",
            "uvicorn",
            "tests.benchmarks.rivals.fastapi_asgi:app",
            "--loop",
            "uvloop",
            "--http",
            "httptools",
        ),
        *(
            "--port",
            "{port}",
            "--workers",
            str(cores()),
            "--no-access-log",
            "--log-level",
            "warning",
        ),
    ),
)
FASTAPI_BARE = replace(
    FASTAPI,
    name="fastapi_bare",
    title="the same, no log, no counters",
    environment=(("FASTAPI_BARE", "1"),),
)
NINJA = Contestant(
    "ninja",
    "django-ninja",
    (*_GUNICORN, "tests.benchmarks.rivals.ninja_wsgi"),
    settings="tests.benchmarks.rivals.ninja_settings",
)
USUAL_DRF = Contestant(
    "usual_drf",
    "DRF, the usual way",
    (*_GUNICORN, "tests.benchmarks.rivals.usual_wsgi"),
    settings="tests.benchmarks.rivals.usual_settings",
)
USUAL_DRF_KEPT = replace(
    USUAL_DRF,
    name="usual_drf_kept",
    title="the same, connections kept",
    environment=(("CONN_MAX_AGE", "60"),),
)


def desk_of(checkout: Path) -> Contestant:
    """Return the desk of another checkout, on this one's Python and packages.

    Its code must run on this checkout's schema, as that of the release before does.
    """
    settings = (
        "config/gunicorn_conf.py"
        if (checkout / "config/gunicorn_conf.py").exists()
        else "config/gunicorn.py"
    )
    arguments = ("-m", "gunicorn", "-c", settings, "config.wsgi")
    return Contestant("other", checkout.name, arguments, folder=checkout)


@contextmanager
def serving(contestant: Contestant, database: str, **environment: str) -> Iterator[Running]:
    """Run a contestant's server on ``database``, until the block ends."""
    port = free_port()
    arguments = [argument.replace("{port}", str(port)) for argument in contestant.arguments]
    log = BUILD_DIR / f"bench-{contestant.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [contestant.python, *arguments],
            cwd=contestant.folder,
            env=environment_of(contestant, database) | {"PORT": str(port)} | environment,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
        )
        try:
            _wait_for(port, process)
            yield Running(contestant, port, process.pid)
        except BaseException:
            print(
                f"the last words of {contestant.name}: {log.read_text(errors='replace')[-2000:]}",
                file=sys.stderr,
            )
            raise
        finally:
            process.terminate()
            process.wait(30)


def environment_of(contestant: Contestant, database: str) -> dict[str, str]:
    """What every process of a contestant gets."""
    return (
        os.environ
        | {
            "DATABASE_URL": server.address(database),
            "PRODUCTION": "false",
            "DJANGO_SETTINGS_MODULE": contestant.settings,
            # Requests are counted as ever, but the benchmark's are more than a customer's.
            "RATE_LIMIT_PER_MINUTE": "1000000000",
            "PLATFORM_RATE_LIMIT_PER_MINUTE": "1000000000",
        }
        | dict(contestant.environment)
    )


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode} before it answered")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as probe:
                probe.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
                if probe.recv(16):
                    return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"no answer on port {port} within {START_SECONDS} seconds")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
