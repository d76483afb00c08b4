"""Measure routes: look-ups beside orders of one, a snapshot of a million, and how soon a change is there."""

import http.client
import json
import random
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import Any

import psutil
from django.db import connection

from apikeys.lifecycle import issue_key
from apikeys.scopes import Scope
from config.actors import command_actor
from tests.benchmarks import BASE_DIR, load, requests, server
from tests.benchmarks.contestants import DESK, Running, environment_of, serving
from tests.benchmarks.deck import Deck
from tests.benchmarks.load import percentile
from tests.benchmarks.measuring import http as drive_http
from tests.benchmarks.measuring import measure, ratio, summary
from tests.benchmarks.report import Report
from tests.benchmarks.world import World, leave, use_database

ROUTES = "/v1/platform/routes"
CONNECTIONS = 8
ASKED = 20_000  # look-ups of a round that are put together beforehand
CHANGES = 20

# Owned numbers, so many that a snapshot has a million: all of one past order, whatever it says.
OWN = """
    WITH sold AS (
        UPDATE numbers_phonenumber SET status = 'assigned' WHERE id IN (
            SELECT id FROM numbers_phonenumber WHERE status = 'available' ORDER BY id DESC LIMIT %(most)s)
        RETURNING id
    ), past AS (SELECT id, organization_id FROM numbers_order LIMIT 1)
    INSERT INTO numbers_assignment (id, number_id, organization_id, order_id, price, inbound_url, status_url, label)
    SELECT gen_random_uuid(), sold.id, past.organization_id, past.id, 1.00,
           'https://customer.example/inbound', 'https://customer.example/status', 'bench'
    FROM sold CROSS JOIN past
"""
OWNED = """
    SELECT n.number FROM numbers_assignment a JOIN numbers_phonenumber n ON n.id = a.number_id
    WHERE a.ended_at IS NULL ORDER BY random() LIMIT %s
"""


def measure_routes(
    report: Report, world: World, *, routes: int, rounds: int, seconds: float
) -> None:
    """On the database of ``world`` itself: a copy of ten million numbers would take longer."""
    use_database(world.template)
    _, secret = issue_key(
        organization=None,
        scopes=[Scope.PLATFORM_ROUTING],
        label="bench",
        actor=command_actor("bench"),
    )
    with connection.cursor() as cursor:
        cursor.execute(OWN, {"most": routes})
        cursor.execute("VACUUM ANALYZE")
        cursor.execute(OWNED, [ASKED])
        owned = [number for (number,) in cursor.fetchall()]
    leave()
    free = _without(world, owned)
    with serving(DESK, world.template) as running:
        _look_ups(report, free, running, secret, owned, rounds=rounds, seconds=seconds)
        _snapshot(report, running, secret)
        with _worker(world.template):
            _changes(report, Deck(free, seed=rounds), running, secret)


def _without(world: World, owned: list[str]) -> World:
    """Return the world with what is still for sale."""
    use_database(world.template)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT number FROM numbers_phonenumber WHERE number = ANY(%s) AND status = 'available'",
            [world.numbers],
        )
        numbers = [number for (number,) in cursor.fetchall()]
    leave()
    return World(world.template, world.customers, numbers)


def _look_ups(
    report: Report,
    world: World,
    running: Running,
    secret: str,
    owned: list[str],
    *,
    rounds: int,
    seconds: float,
) -> None:
    """In turn: orders of one and look-ups at eight clients; then look-ups of one client."""
    chance, deck = random.Random(0), Deck(world, seed=0)
    orders, look_ups, latencies = [], [], []
    for number in range(rounds):
        server.checkpoint()
        run = measure(
            drive_http(running),
            deck,
            size=1,
            connections=CONNECTIONS,
            seconds=seconds,
            pids=[running.pid],
        )
        orders.append(run.rate)
        lanes = [_lane(secret, chance.choices(owned, k=ASKED // 4)) for _ in range(CONNECTIONS)]
        _drive(running, [lane[:50] for lane in lanes], 30)  # warm
        look_ups.append(_drive(running, lanes, seconds).rate)
        alone = _drive(running, lanes[:1], seconds)
        latencies.append(percentile(alone.latencies, 0.99) * 1000)
        report.progress(f"routes: round {number + 1} of {rounds}")
    report.figure("orders_of_one_per_second", summary(orders))
    report.figure("route_look_ups_per_second", summary(look_ups))
    report.ratio("routes_of_orders_1", ratio(look_ups, orders))
    report.ratio("route_p99_ms", summary(latencies))


def _lane(secret: str, numbers: list[str]) -> list[bytes]:
    headers = f"Authorization: Bearer {secret}\r\n"
    return [requests.get(f"{ROUTES}/{number}", headers=headers) for number in numbers]


def _drive(running: Running, lanes: list[list[bytes]], seconds: float) -> load.Outcome:
    job = load.Job(running.port, lanes, seconds, running.pid)
    return load.run(job).require_only(200)


def _snapshot(report: Report, running: Running, secret: str) -> None:
    """The whole snapshot as one client reads it, and the memory that the server needs more for it."""
    workers = psutil.Process(running.pid).children()
    before = max(worker.memory_info().rss for worker in workers)
    most, lines, last = before, 0, b""
    began = time.perf_counter()
    client, response = _open(running, secret, "/snapshot", timeout=300)
    while part := response.read(1 << 20):
        lines += part.count(b"\n")
        last = (last + part)[-200:]
        most = max(most, *(worker.memory_info().rss for worker in workers))
    seconds = time.perf_counter() - began
    client.close()
    if b'{"cursor":' not in last:
        raise RuntimeError(f"the snapshot broke off: {last!r}")
    report.figure("snapshot_routes", lines - 1)
    report.ratio("snapshot_seconds_of_a_million", round(seconds * 1e6 / (lines - 1), 2))
    report.ratio("snapshot_memory_mb", round((most - before) / 2**20, 1))
    report.progress(f"a snapshot of {lines - 1:,} routes took {seconds:.1f} s")


@contextmanager
def _worker(database: str) -> Any:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "worker"],
        cwd=BASE_DIR,
        env=environment_of(DESK, database),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def _changes(report: Report, deck: Deck, running: Running, secret: str) -> None:
    """From the answer to an order until its number is among the changes."""
    delays = []
    cursor = _ask(running, secret, "/changes?after=latest")["meta"]["next_cursor"]
    for position in range(CHANGES + 1):
        ((hand,),) = deck.deal(1, connections=1, most=1)
        load.run(
            load.Job(running.port, [[requests.order(hand.numbers, hand.customer)]], 10, running.pid)
        )
        began = time.perf_counter()
        found: set[str] = set()
        while hand.numbers[0] not in found:
            page = _ask(running, secret, f"/changes?after={cursor}")
            cursor = page["meta"]["next_cursor"]
            found = {route["number"] for route in page["data"]}
            if time.perf_counter() - began > 60:
                raise RuntimeError("a change did not come within a minute")
        if position:  # the worker has started
            delays.append(time.perf_counter() - began)
    report.ratio("route_change_seconds", summary(delays))


def _ask(running: Running, secret: str, path: str) -> Any:
    client, response = _open(running, secret, path, timeout=60)
    body = json.loads(response.read())
    client.close()
    return body


def _open(
    running: Running, secret: str, path: str, *, timeout: float
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    client = http.client.HTTPConnection("127.0.0.1", running.port, timeout=timeout)
    client.request("GET", ROUTES + path, headers={"Authorization": f"Bearer {secret}"})
    response = client.getresponse()
    if response.status != 200:
        raise RuntimeError(f"{path}: {response.status} {response.read()!r}")
    return client, response
