"""`make bench`, or `python -m tests.benchmarks`: docs/speed.md describes what it measures."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks import use_own_server

if TYPE_CHECKING:
    from tests.benchmarks.report import Report

SECTIONS = (
    "orders",
    "round-trips",
    "contention",
    "indexes",
    "bulk",
    "growth",
    "searching",
    "routes",
    "webhooks",
    "feed",
    "mcp",
    "rent",
    "limits",
)


def main() -> None:
    options = _options()
    use_own_server()
    import config  # noqa: F401  makes the `numbers` app importable
    from tests.benchmarks import server

    server.start()
    import django

    django.setup()
    logging.disable(logging.INFO)
    try:
        _measure(options)
    finally:
        server.drop_all()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=", description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=5, help="interleaved rounds of every contestant (5)"
    )
    parser.add_argument(
        "--seconds", type=float, default=1.2, help="length of each measurement (1.2)"
    )
    parser.add_argument(
        "--stock", type=int, default=400_000, help="numbers in each fresh database (400000)"
    )
    parser.add_argument(
        "--largest", type=int, default=10_000_000, help="the largest stock and feed (10000000)"
    )
    parser.add_argument(
        "--bulk", type=int, default=1_000_000, help="numbers to seed and import (1000000)"
    )
    parser.add_argument(
        "--against",
        type=Path,
        help="only paired rounds of orders against the desk of this checkout",
    )
    parser.add_argument(
        "--pythons",
        nargs="+",
        metavar="PYTHON",
        help="only rounds of orders by the desk and FastAPI on this Python and these, each of an "
        "environment with the packages of requirements/bench.txt",
    )
    parser.add_argument(
        "--only", choices=SECTIONS, nargs="+", default=SECTIONS, help="some of the sections"
    )
    return parser.parse_args()


def _measure(options: argparse.Namespace) -> None:
    from tests.benchmarks import (
        bulk,
        contention,
        feed,
        indexes,
        limits,
        machine,
        mcp,
        orders,
        paired,
        plots,
        pythons,
        round_trips,
        webhooks,
        world,
    )
    from tests.benchmarks.report import Report

    report = Report(machine.description())
    print(
        "Numberdesk's benchmark on",
        ", ".join(f"{name} {value}" for name, value in report.machine.items()),
    )
    stock = world.create_template("bench_template", stock=options.stock)
    report.progress(f"{options.stock:,} numbers and {len(stock.customers)} organizations are ready")
    pace = {"rounds": options.rounds, "seconds": options.seconds}
    if options.against:
        paired.measure_against(report, stock, options.against.resolve(), **pace)
        return print(f"written to {report.save()}")
    if options.pythons:
        pythons.measure_pythons(report, stock, options.pythons, **pace)
        return print(f"written to {report.save()}")
    sections = {
        "orders": lambda: orders.measure_orders(report, stock, **pace),
        "round-trips": lambda: round_trips.measure_round_trips(report, stock),
        "contention": lambda: contention.measure_fights(report, stock, **pace),
        "indexes": lambda: indexes.measure_indexes(report, stock, **pace),
        "bulk": lambda: bulk.measure_bulk(
            report,
            world.create_template("bench_empty", stock=0),
            numbers=options.bulk,
            rounds=max(options.rounds // 5, 1),
        ),
        "growth": lambda: _measure_growth(report, options),
        "webhooks": lambda: webhooks.measure_webhooks(report, stock, backlog=options.bulk),
        "feed": lambda: feed.measure_feed(report, stock, events=options.largest),
        "mcp": lambda: mcp.measure_mcp(report, stock, **pace),
        "rent": lambda: _measure_rent(report, options),
        "limits": lambda: limits.measure_limits(report, stock, rounds=options.rounds),
        "searching": lambda: _measure_searching(report, options),
        "routes": lambda: _measure_routes(report, options),
    }
    for name in options.only:
        sections[name]()
        report.save()
    plots.draw(report)
    report.verdict()
    print(f"written to {report.save()}")


def _measure_searching(report: Report, options: argparse.Namespace) -> None:
    """Search alone, which growth measures too, at the largest stock."""
    from tests.benchmarks import searching, world

    if "growth" not in options.only:
        stock = world.create_template("bench_searched", stock=options.largest, known=100_000)
        report.progress(f"{options.largest:,} numbers are in stock")
        searching.measure_search(report, stock)


def _measure_rent(report: Report, options: argparse.Namespace) -> None:
    """Measure the renewal of as many numbers as ``--bulk`` says, beside orders of others."""
    from tests.benchmarks import rent, world

    stock = world.create_template("bench_rent", stock=options.bulk * 2, known=100_000)
    rent.measure_rent(
        report, stock, numbers=options.bulk, rounds=options.rounds, seconds=options.seconds
    )


def _measure_routes(report: Report, options: argparse.Namespace) -> None:
    """Measure routes at the largest stock, with as many owned numbers as ``--bulk`` says."""
    from tests.benchmarks import routes, world

    stock = world.create_template("bench_routes", stock=options.largest, known=100_000)
    report.progress(f"{options.largest:,} numbers are in stock")
    most = min(options.bulk, options.largest // 2)
    routes.measure_routes(
        report, stock, routes=most, rounds=options.rounds, seconds=options.seconds
    )


def _measure_growth(report: Report, options: argparse.Namespace) -> None:
    from tests.benchmarks import admin_pages, contention, growth, searching

    worlds = growth.create_stocks(report, options.largest)
    largest = worlds[max(worlds)]
    searching.measure_search(report, largest)
    report.progress("search is measured")
    admin_pages.measure_admin(report, largest)
    growth.measure_growth(report, worlds, rounds=options.rounds)
    contention.measure_conflicts(report, largest.template, largest)


if __name__ == "__main__":
    main()
