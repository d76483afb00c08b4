"""Measure orders, searches and admin pages from ten thousand to ten million numbers."""

from collections import defaultdict
from contextlib import ExitStack

from tests.benchmarks import ceiling, server
from tests.benchmarks.contestants import DESK, serving
from tests.benchmarks.deck import Deck
from tests.benchmarks.measuring import Drive, http, in_database, measure, ratio, summary
from tests.benchmarks.report import Report
from tests.benchmarks.world import World, create_template

SMALLEST = 10_000
# One client, some orders of each size: of ten thousand numbers, eight thousand are for sale.
ORDERS = {1: 150, 10: 60, 100: 12}


def create_stocks(report: Report, largest: int) -> dict[int, World]:
    """Templates of ten thousand, a hundred thousand … numbers, up to the largest."""
    worlds = {}
    stock = SMALLEST
    while stock <= largest:
        worlds[stock] = create_template(f"bench_stock_{stock}", stock=stock, known=100_000)
        report.progress(f"{stock:,} numbers are in stock")
        stock *= 10
    return worlds


def measure_growth(report: Report, worlds: dict[int, World], *, rounds: int) -> None:
    """Measure order latency for each stock, in fresh databases except for the largest."""
    largest = max(worlds)
    latencies: dict[tuple[str, int, int], list[float]] = defaultdict(list)
    # A copy of the largest would take longer than all of its orders: it is used as it is, and what was sold
    # in one round can't be bought in the next.
    of_largest = Deck(worlds[largest], seed=0)
    for number in range(rounds):
        for stock, world in worlds.items():
            deck = of_largest
            for name in (DESK.name, "ceiling"):
                with ExitStack() as stack:
                    database = world.template
                    if stock != largest:
                        database = stack.enter_context(server.fresh_copy(world.template, "growth"))
                        deck = Deck(world, seed=number)
                    else:
                        server.checkpoint()
                    drive, pids = _drive(stack, name, database)
                    for size, orders in ORDERS.items():
                        run = measure(
                            drive,
                            deck,
                            size=size,
                            connections=1,
                            seconds=60,
                            most=orders,
                            pids=pids,
                        )
                        latencies[name, size, stock].append(run.p50_ms)
        report.progress(f"stock: round {number + 1} of {rounds}")
    for (name, size, stock), values in latencies.items():
        report.figure(f"{name}_orders_{size}_stock_{stock}_p50_ms", summary(values))
    for name, prefix in ((DESK.name, ""), ("ceiling", "ceiling_")):
        for size in ORDERS:
            of_stock = ratio(latencies[name, size, largest], latencies[name, size, SMALLEST])
            report.ratio(f"{prefix}latency_of_stock_orders_{size}", of_stock)


def _drive(stack: ExitStack, name: str, database: str) -> tuple[Drive, list[int]]:
    if name == "ceiling":
        ceiling.install(database)
        return in_database(database), []
    running = stack.enter_context(serving(DESK, database))
    return http(running), [running.pid]
