"""Measure what the search indexes cost an order: with them, and with only the unique one."""

from collections import defaultdict

from tests.benchmarks import server
from tests.benchmarks.contestants import DESK, serving
from tests.benchmarks.deck import Deck
from tests.benchmarks.measuring import http, measure, ratio, summary
from tests.benchmarks.report import Report
from tests.benchmarks.world import World, leave, stock_indexes, use_database

SIZE = 10
CLIENTS = 8
KEPT = "phone_number_unique"


def measure_indexes(report: Report, world: World, *, rounds: int, seconds: float) -> None:
    rates = defaultdict(list)
    for number in range(rounds):
        for indexed in (True, False):
            deck = Deck(world, seed=number)
            with server.fresh_copy(world.template, "indexes") as database:
                if not indexed:
                    _drop_search_indexes(database)
                with serving(DESK, database) as running:
                    run = measure(
                        http(running),
                        deck,
                        size=SIZE,
                        connections=CLIENTS,
                        seconds=seconds,
                        pids=[running.pid],
                    )
                    rates[indexed].append(run.rate)
        report.progress(f"indexes: round {number + 1} of {rounds}")
    for indexed, name in ((True, "with"), (False, "without")):
        report.figure(f"orders_{SIZE}_{name}_search_indexes_rate", summary(rates[indexed]))
    report.ratio("orders_with_search_indexes", ratio(rates[True], rates[False]))


def _drop_search_indexes(database: str) -> None:
    use_database(database)
    names = [name for name in stock_indexes() if name != KEPT]
    leave()
    with server.connect(database) as connection:
        for name in names:
            connection.execute(f"DROP INDEX {name}".encode())
    server.checkpoint()
