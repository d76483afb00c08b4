"""Measure seeding and importing, beside a bare COPY of the same rows."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice

import psutil

from numbers.numbering.nanp import Block, draw
from tests.benchmarks import BASE_DIR, BUILD_DIR, server
from tests.benchmarks.contestants import DESK, environment_of
from tests.benchmarks.measuring import ratio, summary
from tests.benchmarks.report import Report
from tests.benchmarks.world import World

AREA_CODE = "907"
COPY = """
    COPY numbers_phonenumber (number, number_type, status, sandbox, sms_enabled, mms_enabled, region, rate_center,
                              carrier, price, batch_id, created_at, updated_at) FROM STDIN
"""


def measure_bulk(report: Report, world: World, *, numbers: int, rounds: int) -> None:
    """Into an empty stock, each in a fresh database, in turn."""
    file = BUILD_DIR / "bench-import.csv"
    drawn = list(islice(draw(Block(AREA_CODE, sandbox=False), numbers, random_state=1), numbers))
    file.write_text("number\n" + "".join(f"{number}\n" for number in drawn))
    contestants: dict[str, Callable[[str], tuple[float, float]]] = {
        "copy": lambda database: _copy(database, drawn),
        "seeding": lambda database: _command(
            database, "seed_numbers", "--area-code", AREA_CODE, "--count", str(numbers)
        ),
        "importing": lambda database: _command(database, "import_numbers", str(file)),
    }
    speeds: dict[str, list[float]] = {name: [] for name in contestants}
    memory: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(rounds):
        for name, run in contestants.items():
            with server.fresh_copy(world.template, "bulk") as database:
                seconds, megabytes = run(database)
            speeds[name].append(numbers / seconds)
            memory[name].append(megabytes)
        report.progress(f"seeding and importing {numbers:,}: round {number + 1} of {rounds}")
    file.unlink()
    _report(report, speeds, memory)


def _report(report: Report, speeds: dict[str, list[float]], memory: dict[str, list[float]]) -> None:
    for name, values in speeds.items():
        report.figure(f"{name}_rows_per_second", summary(values))
        if name != "copy":
            report.ratio(f"{name}_of_copy", ratio(values, speeds["copy"]))
            report.ratio(f"{name}_memory_mb", max(memory[name]))


def _copy(database: str, numbers: list[str]) -> tuple[float, float]:
    with server.connect(database) as connection:
        (batch,) = connection.execute(
            "INSERT INTO numbers_stockbatch (id, source, actor, request_id, note, created_at) "
            "VALUES (gen_random_uuid(), 'seed', 'command:bench', 'bench', '', now()) RETURNING id"
        ).fetchone()  # type: ignore[misc]
        tail = f"local\tavailable\tf\tt\tt\tAK\t\t\t1.00\t{batch}\t2026-01-01\t2026-01-01\n"
        lines = "".join(f"{number}\t{tail}" for number in numbers).encode()
        began = time.perf_counter()
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            copy.write(lines)
        return time.perf_counter() - began, 0.0


def _command(database: str, *arguments: str) -> tuple[float, float]:
    """Seconds of the whole process, its start included, and the most memory that it had, in MB."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=BASE_DIR,
        env=environment_of(DESK, database),
        stdout=subprocess.DEVNULL,
    )
    most = 0.0
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        with contextlib.suppress(psutil.Error):
            most = max(most, watched.memory_info().rss / 2**20)
        time.sleep(0.05)
    seconds = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"{arguments[0]} ended with {process.returncode}")
    return seconds, most
