"""Settings of gunicorn, for production and `make run`.

Production runs ``python -m gunicorn config.wsgi -c config/gunicorn_conf.py``.
Only documented settings and hooks of gunicorn are used (docs/adr/0004-server.md).
docs/configuration.md documents the variables.
"""

import gc
import os
import resource
import signal
import socket
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from config.env import Environment
from config.observability import prometheus_dir

_env = Environment()
prometheus_dir.prepare()


def _cores() -> int:
    # Use the cores of this process if the system knows them: cpu_count() is the whole machine.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _connections() -> int:
    """Raise the limit of file descriptors. Return how many connections a worker may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _DESCRIPTORS:
        soft = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return 1000 if soft == resource.RLIM_INFINITY else max(min(1000, soft - _OTHER_DESCRIPTORS), 50)


_DESCRIPTORS = 2048
_OTHER_DESCRIPTORS = 300  # the database's, counters, files, the server's own
_HOST = _env.text("HOST", default="127.0.0.1")
_PORT = _env.integer("PORT", default=8000, minimum=1, maximum=65_535)
_PORT_SECONDS = 5

bind = f"{_HOST}:{_PORT}"
workers = _env.integer("WEB_CONCURRENCY", default=_cores(), minimum=1)
worker_class = "gthread"
threads = _env.integer("WEB_THREADS", default=8, minimum=1)
worker_connections = _connections()
# Each worker has its own listening socket and the kernel distributes the clients. With a shared
# socket, one worker took all of eight clients. Only Linux balances this way.
reuse_port = workers > 1 and sys.platform == "linux"
backlog = 2048

preload_app = True  # one import, memory shared by the workers
# In memory, because heartbeats must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108

# Django decides which proxies to trust (BEHIND_TLS_PROXY, TRUSTED_PROXIES). By default gunicorn
# also trusts every client on this machine about the scheme and SCRIPT_NAME.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}

keepalive = 75  # longer than the 60 s of common proxies, so that they close first
timeout = 60
graceful_timeout = 20

limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190

control_socket_disable = True  # it would create a socket in the home folder
accesslog = None  # config.http.middleware.RequestId logs each request, with its id
loglevel = _env.choice("LOG_LEVEL", ["DEBUG", "INFO", "WARNING", "ERROR"], default="INFO").lower()
# The same format as the application's. No level here: ``loglevel`` and --log-level set it.
logconfig_dict = {
    "formatters": {"json": {"()": "config.observability.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": loglevel.upper(), "handlers": ["stderr"]},
    "loggers": {"gunicorn.error": {"handlers": ["stderr"], "propagate": False}},
}


def on_starting(server: object) -> None:
    """Exit if another server has the port. SO_REUSEPORT would silently share it."""
    if reuse_port and (reason := why_port_is_taken(_HOST, _PORT, _PORT_SECONDS)):
        sys.exit(f"numberdesk: port {_PORT} of {_HOST} can't be used: {reason}")


def pre_fork(server: object, worker: object) -> None:
    # Exclude the master's objects from garbage collection, which would copy their pages.
    gc.freeze()


def post_fork(server: object, worker: object) -> None:
    # A request makes few cycles. By default the collector looks for them five times in each order,
    # and takes 6 % of its time.
    gc.set_threshold(50_000, 20, 50)


def post_worker_init(worker: object) -> None:
    """Make SIGTERM close the worker's listening sockets at once.

    gunicorn keeps them open until the last running request is done. Clients that connect in
    the meantime would wait for a response that never comes, instead of being refused.
    """
    stop = signal.getsignal(signal.SIGTERM)

    def refuse_and_stop(number: int, frame: FrameType | None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as idle:
            idle.setblocking(False)
            for descriptor in list(listening_descriptors()):
                # Replace instead of close: gunicorn may be about to accept on this descriptor.
                os.dup2(idle.fileno(), descriptor)
        if callable(stop):
            stop(number, frame)

    signal.signal(signal.SIGTERM, refuse_and_stop)


def child_exit(server: object, worker: Any) -> None:
    prometheus_dir.forget_worker(worker.pid)


def on_exit(server: object) -> None:
    prometheus_dir.remove()


def why_port_is_taken(host: str, port: int, seconds: float = 0) -> str:
    """Return the reason why the port can't be bound, or "" if it can within ``seconds``.

    The workers of a killed server keep the port for a moment.
    """
    deadline = time.monotonic() + seconds
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        try:
            socket.create_server((host.strip("[]"), port), family=family).close()
            return ""
        except OSError as error:
            if time.monotonic() >= deadline:
                return os.strerror(error.errno or 0)
        time.sleep(0.1)


def listening_descriptors() -> Iterator[int]:
    """Yield the descriptors on which this process listens for TCP connections."""
    for name in os.listdir("/dev/fd"):
        try:
            if not stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                continue
            with socket.socket(fileno=os.dup(int(name))) as found:
                internet = found.family in (socket.AF_INET, socket.AF_INET6)
                listens = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        except OSError:  # the folder's own descriptor, or not a socket
            continue
        if internet and listens:
            yield int(name)
