"""The desk of this checkout beside the desk of another one, in paired rounds."""

from contextlib import ExitStack
from pathlib import Path
from statistics import median

from tests.benchmarks import server
from tests.benchmarks.contestants import DESK, Contestant, desk_of, serving
from tests.benchmarks.deck import Deck
from tests.benchmarks.measuring import Run, http, measure, ratio
from tests.benchmarks.orders import COMPARED_AT, SIZES
from tests.benchmarks.report import Report
from tests.benchmarks.world import World

Series = dict[tuple[str, int], list[Run]]


def measure_against(
    report: Report, world: World, other: Path, *, rounds: int, seconds: float
) -> None:
    """Measure both in every round, on fresh copies of one database, each first in every other round."""
    theirs = desk_of(other)
    series: Series = {(one.name, size): [] for one in (DESK, theirs) for size in SIZES}
    for number in range(rounds):
        for contestant in (DESK, theirs) if number % 2 else (theirs, DESK):
            one_round(contestant, world, number, seconds, series)
        report.progress(f"paired: round {number + 1} of {rounds}")
    _report(report, series, theirs)


def one_round(
    contestant: Contestant, world: World, number: int, seconds: float, series: Series
) -> None:
    """Measure orders of each size on a fresh copy of the database, and add the runs to ``series``."""
    deck = Deck(world, seed=number)
    with ExitStack() as stack:
        database = stack.enter_context(server.fresh_copy(world.template, "paired"))
        running = stack.enter_context(serving(contestant, database))
        for size in SIZES:
            run = measure(
                http(running),
                deck,
                size=size,
                connections=COMPARED_AT,
                seconds=seconds,
                pids=[running.pid],
            )
            series[contestant.name, size].append(run)


def _report(report: Report, series: Series, theirs: Contestant) -> None:
    rows = []
    for size in SIZES:
        ours, others = series[DESK.name, size], series[theirs.name, size]
        rates = ratio([run.rate for run in ours], [run.rate for run in others])
        python = ratio([run.python_us for run in ours], [run.python_us for run in others])
        report.ratio(f"orders_{size}_of_other", rates)
        report.ratio(f"python_{size}_of_other", python)
        rows.append(
            [
                f"orders of {size}",
                *(f"{median(run.rate for run in runs):.0f}" for runs in (ours, others)),
                f"{rates['median']:.2f} ({rates['min']:.2f} to {rates['max']:.2f})",
                *(f"{median(run.python_us for run in runs):.0f}" for runs in (ours, others)),
                f"{python['median']:.2f} ({python['min']:.2f} to {python['max']:.2f})",
            ]
        )
    head = [
        "",
        "orders/s",
        "other",
        "ratio of each round",
        "Python µs",
        "other",
        "ratio of each round",
    ]
    report.table(f"This checkout and {theirs.title}, {COMPARED_AT} clients", head, rows)
