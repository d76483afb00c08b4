"""Gunicorn's settings, for ``python -m gunicorn config.wsgi -c config/gunicorn.py`` and for `make run`.

docs/configuration.md documents the variables.
"""

import gc
import logging
import os
import resource
from pathlib import Path
from typing import Any

from gunicorn.glogging import Logger

from config import draining, metrics_folder
from config.environment import Environment
from config.logs import JsonFormatter
from config.turns import turns

_env = Environment()
metrics_folder.prepare()


def _cores() -> int:
    # What a container may use, where the system tells: cpu_count() is the whole machine.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class JsonLogger(Logger):
    """The server's own lines in the form of the application's."""

    def setup(self, cfg: object) -> None:
        super().setup(cfg)
        for handler in logging.getLogger("gunicorn.error").handlers:
            handler.setFormatter(JsonFormatter())


def _connections() -> int:
    """As many as there are file descriptors for: with none left, a worker would stand still."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _DESCRIPTORS:
        soft = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return 1000 if soft == resource.RLIM_INFINITY else max(min(1000, soft - _OTHER_DESCRIPTORS), 50)


_DESCRIPTORS = 2048
_OTHER_DESCRIPTORS = 300  # connections that are being closed, the database's, counters, the server's own
_port = _env.integer("PORT", default=8000, minimum=1, maximum=65_535)
bind = f"{_env.text('HOST', default='127.0.0.1')}:{_port}"
workers = _env.integer("WEB_CONCURRENCY", default=_cores(), minimum=1)
# An order waits for the database half of its time, so four would be busy enough; but a thread that can stay with its
# client (config/receiving.py) answers quicker than one that serves many.
threads = _env.integer("WEB_THREADS", default=8, minimum=1)
worker_class = "config.receiving.PatientWorker"  # gthread, but that threads get whole requests only
worker_connections = _connections()
preload_app = True  # one import, memory shared by the workers
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  heartbeats never wait for a disk

# Whom to believe is Django's to know (BEHIND_TLS_PROXY, TRUSTED_PROXIES). gunicorn would believe whatever comes
# from this machine, a proxy on it included: that the path begins behind SCRIPT_NAME, or that it came by HTTPS.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}

keepalive = 75  # longer than the 60 s of common load balancers, so that they close first
timeout = 60
graceful_timeout = 20
backlog = 2048

sendfile = False  # in a thread it would wait for the client, see config/sending.py

limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190

control_socket_disable = True  # it would open a socket in the home folder
accesslog = None  # config.middleware.RequestId logs each request, with its id
errorlog = "-"
loglevel = _env.choice("LOG_LEVEL", ["DEBUG", "INFO", "WARNING", "ERROR"], default="INFO").lower()
logger_class = JsonLogger


def pre_fork(server: object, worker: object) -> None:
    # What the master has loaded stays: no worker need look through it for garbage, nor copy its pages by that.
    gc.freeze()


def when_ready(server: object) -> None:
    draining.drain_before_stopping(_env.integer("DRAIN_SECONDS", default=0, minimum=0, maximum=600))


def child_exit(server: object, worker: Any) -> None:
    metrics_folder.forget_worker(worker.pid)
    turns.forget(worker.age)


def on_exit(server: object) -> None:
    metrics_folder.remove()
