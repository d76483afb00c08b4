"""Orders a second: the desk, its rivals and the ceiling, round after round."""

from collections import defaultdict
from contextlib import ExitStack

from tests.benchmarks import ceiling, server
from tests.benchmarks.contestants import (
    DESK,
    FASTAPI,
    FASTAPI_BARE,
    NINJA,
    USUAL_DRF,
    USUAL_DRF_KEPT,
    Contestant,
    serving,
)
from tests.benchmarks.deck import Deck
from tests.benchmarks.measuring import Run, http, in_database, measure, ratio, summary
from tests.benchmarks.report import Report
from tests.benchmarks.world import World

SIZES = (1, 10, 100)
CEILING = "ceiling"
RIVALS = (FASTAPI, FASTAPI_BARE, USUAL_DRF, USUAL_DRF_KEPT, NINJA)
TITLES = {CEILING: "the ceiling", **{one.name: one.title for one in (DESK, *RIVALS)}}
# By all, then by those that are plotted against the number of clients.
COMPARED_AT = 8
ALSO_AT = {1: (1, 32), 10: (1, 2, 4, 16, 32), 100: (1, 32)}
PLOTTED = (DESK.name, FASTAPI.name, CEILING)
PLOTTED_ROUNDS = 3
HOT_CONNECTIONS = 16

Series = dict[tuple[str, int, int], list[Run]]


def measure_orders(report: Report, world: World, *, rounds: int, seconds: float) -> None:
    series: Series = defaultdict(list)
    hot: dict[int, list[tuple[Run, Run]]] = defaultdict(list)
    for number in range(rounds):
        for contestant in (DESK, None, *RIVALS):
            _one_round(contestant, world, number, seconds, series)
        _hot_organization(world, number, seconds, hot)
        report.progress(f"orders: round {number + 1} of {rounds}")
    _report(report, series)
    _report_hot(report, hot)


def _one_round(
    contestant: Contestant | None, world: World, number: int, seconds: float, series: Series
) -> None:
    name = contestant.name if contestant else CEILING
    deck = Deck(world, seed=number)
    with ExitStack() as stack:
        database = stack.enter_context(server.fresh_copy(world.template, "orders"))
        if contestant is None:
            ceiling.install(database)
            drive, pids = in_database(database), []
        else:
            running = stack.enter_context(serving(contestant, database))
            drive, pids = http(running), [running.pid]
        for size in SIZES:
            also = ALSO_AT[size] if name in PLOTTED and number < PLOTTED_ROUNDS else ()
            for connections in (COMPARED_AT, *also):
                run = measure(
                    drive,
                    deck,
                    size=size,
                    connections=connections,
                    seconds=seconds,
                    pids=pids,
                    warm=connections != COMPARED_AT,
                )
                series[name, size, connections].append(run)


def _hot_organization(
    world: World, number: int, seconds: float, hot: dict[int, list[tuple[Run, Run]]]
) -> None:
    """Every buyer of one organization, beside the same load over all: its credit is one row."""
    deck = Deck(world, seed=number)
    with server.fresh_copy(world.template, "hot") as database, serving(DESK, database) as running:
        for size in (1, 10):
            spread, one = (
                measure(
                    http(running),
                    deck,
                    size=size,
                    connections=HOT_CONNECTIONS,
                    seconds=seconds,
                    pids=[running.pid],
                    customers=customers,
                )
                for customers in (world.customers, world.customers[:1])
            )
            hot[size].append((spread, one))


def _report(report: Report, series: Series) -> None:
    for (name, size, connections), runs in series.items():
        for field in Run.__slots__:
            report.figure(
                f"{name}_orders_{size}_clients_{connections}_{field}",
                summary([getattr(r, field) for r in runs]),
            )

    def rates(name: str, size: int) -> list[float]:
        return [run.rate for run in series[name, size, COMPARED_AT]]

    for size in SIZES:
        for other in (CEILING, *(rival.name for rival in RIVALS)):
            report.ratio(
                f"orders_{size}_of_{other}", ratio(rates(DESK.name, size), rates(other, size))
            )
        report.ratio(
            f"fastapi_{size}_of_ceiling", ratio(rates(FASTAPI.name, size), rates(CEILING, size))
        )
        runs = series[DESK.name, size, COMPARED_AT]
        report.ratio(
            f"p99_of_p50_orders_{size}", ratio([r.p99_ms for r in runs], [r.p50_ms for r in runs])
        )
    for size in SIZES:
        report.table(
            f"Orders of {size}, {COMPARED_AT} clients, 100 organizations",
            ["", "orders/s", "min to max", "p50 ms", "p99 ms", "Python µs", "PostgreSQL µs"],
            [_row(report, name, size) for name in TITLES],
        )


def _row(report: Report, name: str, size: int) -> list[str]:
    def of(field: str) -> dict[str, float]:
        figure: dict[str, float] = report.figures[
            f"{name}_orders_{size}_clients_{COMPARED_AT}_{field}"
        ]
        return figure

    rate = of("rate")
    others = [
        f"{of(field)['median']:.4g}" for field in ("p50_ms", "p99_ms", "python_us", "postgresql_us")
    ]
    return [
        TITLES[name],
        f"{rate['median']:.0f}",
        f"{rate['min']:.0f} to {rate['max']:.0f}",
        *others,
    ]


def _report_hot(report: Report, hot: dict[int, list[tuple[Run, Run]]]) -> None:
    for size, pairs in hot.items():
        spread, one = [a.rate for a, _ in pairs], [b.rate for _, b in pairs]
        report.figure(f"spread_orders_{size}_clients_{HOT_CONNECTIONS}_rate", summary(spread))
        report.figure(f"hot_orders_{size}_clients_{HOT_CONNECTIONS}_rate", summary(one))
        report.ratio(f"hot_organization_orders_{size}", ratio(one, spread))
