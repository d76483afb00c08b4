"""The desk and FastAPI on several Pythons, which take turns in every round."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from tests.benchmarks.contestants import DESK, FASTAPI, Contestant
from tests.benchmarks.measuring import ratio
from tests.benchmarks.orders import SIZES
from tests.benchmarks.paired import Series, one_round
from tests.benchmarks.report import Report
from tests.benchmarks.world import World


def measure_pythons(
    report: Report, world: World, others: Sequence[str], *, rounds: int, seconds: float
) -> None:
    """Compare the Pythons of other environments, each with this one's packages, with this one."""
    pythons = {_version(path): path for path in (sys.executable, *others)}
    first = next(iter(pythons))
    contestants = [
        replace(one, name=f"{one.name}_{version}", python=path)
        for one in (DESK, FASTAPI)
        for version, path in pythons.items()
    ]
    series: Series = {(one.name, size): [] for one in contestants for size in SIZES}
    for number in range(rounds):
        for contestant in contestants if number % 2 else contestants[::-1]:
            one_round(contestant, world, number, seconds, series)
        report.progress(f"pythons: round {number + 1} of {rounds}")
    for one in (DESK, FASTAPI):
        rows = [
            [f"{version}, orders of {size}", *_compared(report, series, one, first, version, size)]
            for version in pythons
            for size in SIZES
        ]
        head = ["", "orders/s", f"of {first}, each round", "Python µs", f"of {first}, each round"]
        report.table(f"{one.title} on {len(pythons)} Pythons", head, rows)


def _version(python: str) -> str:
    question = "import platform; print(platform.python_version())"
    done = subprocess.run([python, "-c", question], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _compared(
    report: Report, series: Series, one: Contestant, first: str, version: str, size: int
) -> list[str]:
    """Return the cells of a row: speed and CPU time of Python, and their ratios to the first."""
    runs, base = series[f"{one.name}_{version}", size], series[f"{one.name}_{first}", size]
    cells = []
    for field in ("rate", "python_us"):
        values = [getattr(run, field) for run in runs]
        compared = ratio(values, [getattr(run, field) for run in base])
        report.ratio(f"{one.name}_{version}_{size}_{field}_of_{first}", compared)
        cells += [
            f"{median(values):.0f}",
            f"{compared['median']:.2f} ({compared['min']:.2f} to {compared['max']:.2f})",
        ]
    return cells
