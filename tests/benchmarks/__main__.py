"""`make bench`, or `python -m tests.benchmarks`: what it measures is told in docs/speed.md."""

import argparse
import logging

from tests.benchmarks import use_own_server

SECTIONS = ("orders",)


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
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds of every contestant (5)")
    parser.add_argument("--seconds", type=float, default=1.2, help="length of each measurement (1.2)")
    parser.add_argument("--stock", type=int, default=400_000, help="numbers in each fresh database (400000)")
    parser.add_argument("--only", choices=SECTIONS, nargs="+", default=SECTIONS, help="some of the sections")
    return parser.parse_args()


def _measure(options: argparse.Namespace) -> None:
    from tests.benchmarks import machine
    from tests.benchmarks.orders import measure_orders
    from tests.benchmarks.report import Report
    from tests.benchmarks.world import create_template

    report = Report(machine.description())
    print("Numberdesk's benchmark on", ", ".join(f"{value} {name}" for name, value in report.machine.items()))
    world = create_template("bench_template", stock=options.stock)
    report.progress(f"{options.stock:,} numbers and {len(world.customers)} organizations are ready")
    if "orders" in options.only:
        measure_orders(report, world, rounds=options.rounds, seconds=options.seconds)
    report.verdict()
    print(f"written to {report.save()}")


if __name__ == "__main__":
    main()
