"""Measure webhooks: deliveries a second, commit to first attempt, claims, dead endpoints."""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from statistics import median
from urllib.request import urlopen

from django.conf import settings
from django.db import connection, transaction

from campaigns.event_types import EventType
from campaigns.outbox import write_event
from config.actors import command_actor
from config.db.fields import new_id
from numbers.models import Webhook
from numbers.webhooks.claims import claim_deliveries
from numbers.webhooks.endpoints import create_webhook
from numbers.webhooks.secrets import seal
from numbers.webhooks.sender import THREADS
from tests.benchmarks import BASE_DIR, machine, server
from tests.benchmarks.contestants import DESK, environment_of
from tests.benchmarks.hook_receiver import Received
from tests.benchmarks.load import percentile
from tests.benchmarks.report import Report
from tests.benchmarks.world import Customer, World, leave, use_database

ENDPOINTS = 1_000
DEAD = 100  # of them, in the second of two measurements
DELIVERIES = 10_000
# Commits between which the sender has time, and how many of them.
PACE_SECONDS = 0.1  # ten deliveries each: a fifth of what it must be able to do
COMMITS = 300
CLAIMS = 60
WAIT_SECONDS = 300.0
# One endpoint of ten of each organization.
_POINT = """
    UPDATE numbers_webhook SET url = %(url)s || CASE WHEN place %% 10 = 0 AND %(dead)s THEN '/dead/' ELSE '/' END
                                     || place
    FROM (SELECT id, row_number() OVER (ORDER BY organization_id, id) AS place FROM numbers_webhook) AS placed
    WHERE placed.id = numbers_webhook.id
"""
_EVENTS = "SELECT id, data -> 0 ->> 'balance' FROM numbers_feedentry WHERE type = 'credit.low'"

_BACKLOG = """
    INSERT INTO numbers_webhookdelivery (id, webhook_id, event_id, event_type, status, due_at, tries)
    SELECT gen_random_uuid(), hooks.ids[i %% cardinality(hooks.ids) + 1], gen_random_uuid(),
           'credit.low', 'pending', statement_timestamp() - make_interval(secs => (i %% 3600)), 0
    FROM (SELECT array_agg(id) AS ids FROM numbers_webhook) AS hooks,
         generate_series(1, %s::bigint) AS i
"""


def measure_webhooks(report: Report, world: World, *, backlog: int) -> None:
    with server.fresh_copy(world.template, "hooks_template") as template:
        use_database(template)
        _create_endpoints(world.customers)
        leave()
        report.progress(f"webhooks: {ENDPOINTS:,} endpoints are ready")
        hooked = replace(world, template=template)
        _measure_rate(report, hooked)
        healthy = _measure_latency(report, hooked, dead=False)
        with_dead = _measure_latency(report, hooked, dead=True)
        report.ratio("webhook_first_attempt_p99_s", round(healthy, 3))
        report.ratio(
            "webhook_first_attempt_p99_with_dead_of_without", round(with_dead / healthy, 2)
        )
        _measure_claims(report, hooked, backlog)


def _measure_rate(report: Report, world: World) -> None:
    """Measure the deliveries a second of one worker, from events that are there when it starts."""
    with _desk(world) as (database, receiver):
        for position in range(DELIVERIES * len(world.customers) // ENDPOINTS):
            _commit_event(world.customers[position % len(world.customers)], position)
        leave()
        postmaster = server.postmaster_pid()
        with _worker(database, receiver) as pid:
            before = machine.spent([pid], postmaster)
            received = receiver.wait_for(DELIVERIES)
            cpu = machine.spent([pid], postmaster) - before
    times = sorted(at for at, _, _ in received)
    rate = (len(times) - 1) / (times[-1] - times[0])
    python, postgresql = (1e6 * spent / len(times) for spent in (cpu.python, cpu.postgresql))
    report.ratio("webhook_deliveries_per_second", round(rate))
    report.figure("webhook_delivery_python_us", round(python))
    report.figure("webhook_delivery_postgresql_us", round(postgresql))
    report.progress(
        f"webhooks: {rate:.0f} deliveries a second, each {python:.0f} µs of Python and "
        f"{postgresql:.0f} µs of PostgreSQL"
    )


def _measure_latency(report: Report, world: World, *, dead: bool) -> float:
    """Return the p99 of the seconds from a commit to its first attempts, at those that answer."""
    with _desk(world, dead=dead) as (database, receiver):
        with _worker(database, receiver):
            _commit_event(world.customers[0], -1)
            receiver.wait_for(1)
            committed = {}
            picker = random.Random(0)
            for marker in range(COMMITS):
                _commit_event(picker.choice(world.customers), marker)
                committed[str(marker)] = time.time()
                time.sleep(PACE_SECONDS)
            each = (ENDPOINTS - (DEAD if dead else 0)) // len(world.customers)
            received = receiver.wait_for(COMMITS * each)
        with connection.cursor() as cursor:
            cursor.execute(_EVENTS)
            markers = {str(event): marker for event, marker in cursor.fetchall()}
        leave()
    seconds = [
        at - committed[markers[event]] for at, _, event in received if markers[event] != "-1"
    ]
    p50, p99 = percentile(seconds, 0.5), percentile(seconds, 0.99)
    name = f"webhook_first_attempt_{'with_dead_' if dead else ''}"
    report.figure(f"{name}p50_s", round(p50, 3))
    report.figure(f"{name}p99_s", round(p99, 3))
    report.progress(
        f"webhooks: commit to first attempt p50 {p50:.3f} s, p99 {p99:.3f} s, "
        f"{DEAD if dead else 0} of {ENDPOINTS:,} endpoints dead"
    )
    return p99


def _measure_claims(report: Report, world: World, backlog: int) -> None:
    """Measure how long one claim takes, with a small and with a large backlog."""
    typical = {}
    for name, size in (("small", ENDPOINTS * 10), ("large", backlog)):
        with server.fresh_copy(world.template, "webhooks") as database:
            use_database(database)
            with connection.cursor() as cursor:
                cursor.execute(_BACKLOG, [size])
                cursor.execute("UPDATE numbers_webhook SET due_at = statement_timestamp()")
                cursor.execute("VACUUM ANALYZE numbers_webhookdelivery, numbers_webhook")
            server.checkpoint()
            seconds = []
            for _ in range(CLAIMS):
                began = time.perf_counter()
                claimed = claim_deliveries(THREADS)
                seconds.append(time.perf_counter() - began)
                assert len(claimed) == THREADS, len(claimed)
            leave()
        typical[name] = median(seconds) * 1000
        report.figure(f"webhook_claim_{name}_backlog_ms", round(typical[name], 2))
        report.progress(f"webhooks: a claim with {size:,} waiting takes {typical[name]:.2f} ms")
    report.ratio(
        "webhook_claim_with_backlog_of_without", round(typical["large"] / typical["small"], 2)
    )


def _create_endpoints(customers: list[Customer]) -> None:
    """Create one as customers do, which begins to follow the feed, and the others like it."""
    with transaction.atomic():
        first, secret = create_webhook(
            organization_id=customers[0].organization_id,
            url="https://hooks.example.com/",
            events=[EventType.CREDIT_LOW.value],
            description="",
            actor=command_actor("bench"),
        )
    ids = [new_id() for _ in range(ENDPOINTS - 1)]
    Webhook.objects.bulk_create(
        Webhook(
            id=webhook_id,
            organization_id=customers[position % len(customers)].organization_id,
            url=first.url,
            events=first.events,
            secret=seal(secret, webhook_id=webhook_id),
            followed_from=first.followed_from,
        )
        for position, webhook_id in enumerate(ids, 1)
    )


def _commit_event(customer: Customer, marker: int) -> None:
    write_event(
        EventType.CREDIT_LOW,
        {"balance": str(marker), "currency": "USD", "alert_below": "9.00"},
        organization_id=customer.organization_id,
    )


class _Receiver:
    """The receiver's process, seen from here."""

    def __init__(self, port: int) -> None:
        self.authority = f"127.0.0.1:{port}"
        self.url = f"http://{self.authority}"
        self._received: list[Received] = []

    def wait_for(self, count: int) -> list[Received]:
        """Return what came at endpoints that answer, once it is as many; then start again."""
        ends = time.monotonic() + WAIT_SECONDS
        while len(self._received) < count and time.monotonic() < ends:
            time.sleep(0.05)
            with urlopen(f"{self.url}/received") as response:
                self._received += [one for one in json.load(response) if "/dead/" not in one[1]]
        received, self._received = self._received, []
        if len(received) < count:
            raise SystemExit(f"numberdesk: {len(received)} of {count} deliveries came in time")
        return received


@contextmanager
def _desk(world: World, *, dead: bool = False) -> Iterator[tuple[str, _Receiver]]:
    """Make a database whose endpoints are paths of a receiver, used by this process."""
    with server.fresh_copy(world.template, "webhooks") as database, _receiver() as receiver:
        use_database(database)
        with connection.cursor() as cursor:
            cursor.execute(_POINT, {"url": receiver.url, "dead": dead})
        yield database, receiver


@contextmanager
def _receiver() -> Iterator[_Receiver]:
    command = [sys.executable, "-m", "tests.benchmarks.hook_receiver"]
    with subprocess.Popen(command, cwd=BASE_DIR, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield _Receiver(int(process.stdout.readline()))
        finally:
            process.kill()


@contextmanager
def _worker(database: str, receiver: _Receiver) -> Iterator[int]:
    environment = environment_of(DESK, database) | {
        "WEBHOOK_PRIVATE_HOSTS": receiver.authority,
        "WEBHOOK_SECRET_KEYS": settings.SECRET_KEY,
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "manage.py", "worker"]
    with subprocess.Popen(command, cwd=BASE_DIR, env=environment) as process:
        try:
            yield process.pid
        finally:
            process.terminate()
