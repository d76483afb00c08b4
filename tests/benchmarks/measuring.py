"""Measure one run of a contestant, and summarize rounds of them."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from apikeys import key_format
from tests.benchmarks import ceiling, load, machine, requests, server
from tests.benchmarks.contestants import Running
from tests.benchmarks.deck import Deck, Lanes
from tests.benchmarks.world import Customer

# For each connection: past the third time, a statement is prepared.
WARM_UP_ORDERS = 8
# More orders a second than any machine of today does: what is not sent is dealt again.
MOST = {1: 6000, 10: 3000, 100: 500}


@dataclass(frozen=True, slots=True)
class Run:
    """What one run came to. CPU is in microseconds for each order."""

    rate: float
    p50_ms: float
    p99_ms: float
    python_us: float
    postgresql_us: float
    generator_us: float


Drive = Callable[[Lanes, float], load.Outcome]


def http(running: Running) -> Drive:
    """Send orders to a server."""
    return lambda lanes, seconds: load.run(
        load.Job(
            running.port,
            [[requests.order(hand.numbers, hand.customer) for hand in lane] for lane in lanes],
            seconds,
            running.pid,
        )
    ).require_only(200)


def in_database(database: str) -> Drive:
    """Call the ceiling's function."""
    digests: dict[str, str] = {}

    def drive(lanes: Lanes, seconds: float) -> load.Outcome:
        orders = [
            [
                (
                    digests.setdefault(
                        hand.customer.secret, key_format.digest(hand.customer.secret)
                    ),
                    hand.numbers,
                )
                for hand in lane
            ]
            for lane in lanes
        ]
        return ceiling.run(database, orders, seconds)

    return drive


def measure(
    drive: Drive,
    deck: Deck,
    *,
    size: int,
    connections: int,
    seconds: float,
    pids: list[int],
    customers: list[Customer] | None = None,
    warm: bool = False,
    most: int | None = None,
) -> Run:
    """Warm up with orders of this size, then measure."""
    if not warm:
        warm_up = WARM_UP_ORDERS * connections
        _dealt(
            drive,
            deck,
            size=size,
            connections=connections,
            most=warm_up,
            seconds=30,
            customers=customers,
        )
    postmaster = server.postmaster_pid()
    before = machine.spent(pids, postmaster)
    most = most or int(MOST[size] * seconds) + connections
    outcome = _dealt(
        drive,
        deck,
        size=size,
        connections=connections,
        most=most,
        seconds=seconds,
        customers=customers,
    )
    cpu = machine.spent(pids, postmaster) - before
    each = 1e6 / outcome.count
    return Run(
        rate=outcome.rate,
        p50_ms=load.percentile(outcome.latencies, 0.5) * 1000,
        p99_ms=load.percentile(outcome.latencies, 0.99) * 1000,
        python_us=cpu.python * each,
        postgresql_us=cpu.postgresql * each,
        generator_us=outcome.generator_cpu * each,
    )


def _dealt(
    drive: Drive,
    deck: Deck,
    *,
    size: int,
    connections: int,
    most: int,
    seconds: float,
    customers: list[Customer] | None,
) -> load.Outcome:
    lanes = deck.deal(size, connections=connections, most=most, customers=customers)
    outcome = drive(lanes, seconds)
    deck.take_back(lanes, outcome)
    return outcome


def summary(values: list[float]) -> dict[str, float]:
    return {
        name: _rounded(f(values)) for name, f in (("median", median), ("min", min), ("max", max))
    }


def ratio(one: list[float], other: list[float]) -> dict[str, Any]:
    """Of two interleaved series: the ratio of each round, since a machine's mood lasts longer than one."""
    return summary([a / b for a, b in zip(one, other, strict=True)])


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
