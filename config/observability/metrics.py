"""Prometheus metrics, and ``/metrics`` to read them.

A count takes a few microseconds and never a statement. Under gunicorn every worker counts in files
that it maps into memory, and any worker can add them up (``PROMETHEUS_MULTIPROC_DIR``, created by
config/gunicorn_conf.py). Figures from the database are queried at each scrape. config can't know
those tables, so apps register readers.
"""

import hmac
import os
import re
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from types import TracebackType
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from config.errors import ApiError, NotFound, answer_to, refused
from config.http.addresses import parse_address
from config.http.context import current

_COUNTED = CollectorRegistry()
_SECONDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS = {"GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"}

REQUESTS = Counter(
    "numberdesk_requests",
    "Requests by the path's template. Those of a sandbox, where errors can be forced, are separate.",
    ["method", "endpoint", "status", "sandbox"],
    registry=_COUNTED,
)
REQUEST_SECONDS = Histogram(
    "numberdesk_request_seconds",
    "Time from a request's arrival at the application to its response.",
    ["method", "endpoint"],
    buckets=_SECONDS,
    registry=_COUNTED,
)
REFUSALS = Counter(
    "numberdesk_refusals",
    "Error responses by their code. Those of a sandbox are separate.",
    ["code", "sandbox"],
    registry=_COUNTED,
)
TOOL_CALLS = Counter(
    "numberdesk_tool_calls",
    "Calls of agents' tools by their outcome: OK, or the code of the error.",
    ["tool", "code", "sandbox"],
    registry=_COUNTED,
)
ORDER_NUMBERS = Histogram(
    "numberdesk_order_numbers",
    "Numbers in each committed order.",
    ["kind"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
    registry=_COUNTED,
)
TRANSACTION_RETRIES = Counter(
    "numberdesk_transaction_retries",
    "Transactions run again, by PostgreSQL's reason: 40001 serialization, 40P01 deadlock.",
    ["sqlstate"],
    registry=_COUNTED,
)
# A free lock is taken in a fraction of a millisecond. Counting those too would double the cost of
# counting in an order.
WAITED_SECONDS = 0.005
LOCK_WAIT_SECONDS = Histogram(
    "numberdesk_lock_wait_seconds",
    "Statements that lock rows and took longer than 5 ms, by the rows that they lock.",
    ["lock"],
    buckets=_SECONDS[2:],
    registry=_COUNTED,
)


READS = Counter(
    "numberdesk_reads",
    "Reads that may be slightly stale, by database. Only with a REPLICA_URL.",
    ["from"],
    registry=_COUNTED,
)


def count_request(request: HttpRequest, status: int, seconds: float) -> None:
    """Count a request, once at its end."""
    match = request.resolver_match
    method = request.method if request.method in METHODS else "OTHER"
    endpoint = template(match.route) if match else "unmatched"
    _counters(method, endpoint, status, in_sandbox()).inc()
    _latency(method, endpoint).observe(seconds)


def in_sandbox() -> bool:
    """Return whether the request under way came with a key of a sandbox."""
    context = current.get()
    return context is not None and context.sandbox


def _flag(value: bool) -> str:
    return "true" if value else "false"


# prometheus_client builds the name of a child each time: 5 µs that this cache saves.
@lru_cache(maxsize=4096)
def _counters(method: str, endpoint: str, status: int, sandbox: bool) -> Any:
    return REQUESTS.labels(method, endpoint, str(status), _flag(sandbox))


@lru_cache(maxsize=1024)
def _latency(method: str, endpoint: str) -> Any:
    return REQUEST_SECONDS.labels(method, endpoint)


@lru_cache(maxsize=256)
def template(route: str) -> str:
    """Return the path's template, such as ``/v1/phone-numbers/{number_id}``.

    Their number is bounded: ids are replaced by names, and the admin is one template.
    """
    if route.startswith("admin/"):
        return "/admin"
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


@lru_cache(maxsize=2)
def _sizes(kind: str) -> Any:
    return ORDER_NUMBERS.labels(kind)


def count_order(*, quantity: int, named: bool) -> None:
    """Count an order, once it is committed."""
    _sizes("named" if named else "quantity").observe(quantity)


def count_refusal(refusal: ApiError, **signal: Any) -> None:
    REFUSALS.labels(refusal.code, _flag(in_sandbox())).inc()


def count_tool_call(tool: str, code: str) -> None:
    """Count a call of a tool. ``code`` is that of its error, or OK."""
    TOOL_CALLS.labels(tool, code, _flag(in_sandbox())).inc()


refused.connect(count_refusal, dispatch_uid="config.observability.metrics")


@lru_cache(maxsize=32)
def _locks(name: str) -> Any:
    return LOCK_WAIT_SECONDS.labels(name)


class locking:
    """Count a statement that locks rows if it had to wait: ``with locking("numbers"):``."""

    __slots__ = ("began", "name")

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        self.began = time.perf_counter()

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = time.perf_counter() - self.began
        if seconds > WAITED_SECONDS:
            _locks(self.name).observe(seconds)


# --- reading -------------------------------------------------------------------------------------

Reader = Callable[[], Iterable[Metric]]
_readers: list[Reader] = []


def read_at_scrape(reader: Reader) -> None:
    """Register a reader of the database: a few cheap statements, run at each scrape."""
    _readers.append(reader)


class _Asked(Collector):
    """Metrics from the database. If it is away, report that and still return the counts."""

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("numberdesk_database_up", "Whether the database is reachable.")
        try:
            metrics = [metric for reader in _readers for metric in reader()]
            up.add_metric([], 1)
        except (DatabaseError, InterfaceError):
            metrics = []
            up.add_metric([], 0)
        return [up, *metrics]

    def describe(self) -> Iterable[Metric]:
        return []  # otherwise registering this would query the database


def exposition() -> bytes:
    """Return all metrics in Prometheus' text format."""
    asked = CollectorRegistry()
    asked.register(_Asked())
    counted = _COUNTED
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        counted = CollectorRegistry()
        MultiProcessCollector(counted, folder)
    return generate_latest(counted) + generate_latest(asked)


def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics to an allowed reader, and 404 to anyone else."""
    if not may_read(request):
        return answer_to(NotFound())
    return HttpResponse(exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")


def may_read(request: HttpRequest) -> bool:
    """Return whether the request has ``METRICS_TOKEN``, or comes from this machine if none is set.

    A proxy on this machine also connects from loopback, but adds a header.
    """
    if settings.METRICS_TOKEN:
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(
            token.encode(), settings.METRICS_TOKEN.encode()
        )
    if any(
        name in request.META
        for name in ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_FORWARDED")
    ):
        return False
    # A Unix socket has no address, so its client is unknown.
    address = parse_address(request.META.get("REMOTE_ADDR", ""))
    return address is not None and address.is_loopback
