"""Measure a night's renewals: how many a second, and what they cost live orders beside them."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from django.db import connection

from tests.benchmarks import BASE_DIR, server
from tests.benchmarks.contestants import DESK, environment_of, serving
from tests.benchmarks.deck import Deck
from tests.benchmarks.measuring import http as drive_http
from tests.benchmarks.measuring import measure, summary
from tests.benchmarks.report import Report
from tests.benchmarks.world import World, leave, use_database

CONNECTIONS = 8

# Numbers that the organizations bought a month and up to a day ago, all of them due this night.
RENT = """
    WITH buyers AS (
        SELECT organization_id, id AS order_id, row_number() OVER (ORDER BY organization_id) - 1 AS place
        FROM (SELECT DISTINCT ON (organization_id) organization_id, id FROM numbers_order) AS past
    ), sold AS (
        UPDATE numbers_phonenumber SET status = 'assigned', monthly_price = 1.00 WHERE id IN (
            SELECT id FROM numbers_phonenumber WHERE status = 'available' ORDER BY id DESC LIMIT %(most)s)
        RETURNING id
    ), placed AS (
        SELECT id, row_number() OVER (ORDER BY id) AS place FROM sold
    ), owned AS (
        INSERT INTO numbers_assignment (id, number_id, organization_id, order_id, price, monthly_price,
                                        inbound_url, status_url, label, created_at)
        SELECT gen_random_uuid(), placed.id, buyers.organization_id, buyers.order_id, 1.00, 1.00, '', '',
               'bench', now() - interval '1 month' - interval '1 day' * random()
        FROM placed JOIN buyers ON buyers.place = placed.place %% (SELECT count(*) FROM buyers)
        RETURNING id, organization_id, created_at
    )
    INSERT INTO numbers_rent (assignment_id, organization_id, sandbox, anchor, monthly_price, first_period,
                              next_period, next_charge_at, release_at_period_end, is_open)
    SELECT id, organization_id, false, created_at, 1.00, 1, 1, numberdesk_period_start(created_at, 1),
           false, true
    FROM owned
"""
CHARGED = "SELECT count(*) FROM numbers_rentcharge"
SKIPPED = "SELECT count(*) FROM numbers_rent WHERE next_charge_at <= now()"


def measure_rent(
    report: Report, world: World, *, numbers: int, rounds: int, seconds: float
) -> None:
    """On the database of ``world`` itself: orders alone, then beside the run until it has ended."""
    use_database(world.template)
    with connection.cursor() as cursor:
        cursor.execute(RENT, {"most": numbers})
        report.progress(f"{cursor.rowcount:,} numbers are due")
        cursor.execute("VACUUM ANALYZE")
        cursor.execute(
            "SELECT number FROM numbers_phonenumber WHERE number = ANY(%s) AND status = 'available'",
            [world.numbers],
        )
        free = World(world.template, world.customers, [row[0] for row in cursor.fetchall()])
    leave()
    with serving(DESK, world.template) as running:
        deck = Deck(free, seed=1)
        drive = drive_http(running)
        options = {"size": 1, "connections": CONNECTIONS, "seconds": seconds, "pids": [running.pid]}
        alone = [measure(drive, deck, **options).p99_ms for _ in range(rounds)]
        server.checkpoint()
        beside = []
        began = time.perf_counter()
        with _run(world.template) as process:
            while process.poll() is None and len(beside) < rounds * 4:
                beside.append(measure(drive, deck, warm=bool(beside), **options).p99_ms)
            if process.wait(3_600):
                raise RuntimeError("renew_numbers failed")
        took = time.perf_counter() - began
    _report(report, world, alone, beside, took)


def _report(
    report: Report, world: World, alone: list[float], beside: list[float], took: float
) -> None:
    use_database(world.template)
    with connection.cursor() as cursor:
        cursor.execute(CHARGED)
        ((charged,),) = cursor.fetchall()
        cursor.execute(SKIPPED)
        ((skipped,),) = cursor.fetchall()
    leave()
    if skipped:
        raise RuntimeError(f"{skipped:,} months were skipped")
    report.figure("renewals_charged", charged)
    report.figure("renewals_per_second_beside_orders", round(charged / took))
    report.figure("order_p99_ms_alone", summary(alone))
    report.figure("order_p99_ms_beside_renewals", summary(beside))
    report.ratio("order_p99_beside_renewals", round(median(beside) / median(alone), 2))
    report.progress(f"{charged:,} months were charged in {took:.1f} s")


@contextmanager
def _run(database: str) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "renew_numbers"],
        cwd=BASE_DIR,
        env=environment_of(DESK, database),
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(30)
