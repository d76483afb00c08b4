"""Measure what the limits of a key cost its orders: one customer, two keys, in turn."""

import time
from decimal import Decimal
from http.client import HTTPConnection
from statistics import fmean

from apikeys.lifecycle import issue_key
from apikeys.limits.spending_limits import NO_LIMITS, KeyLimits, SpendingLimit
from campaigns.models import Organization
from config.actors import command_actor
from tests.benchmarks import requests, server
from tests.benchmarks.contestants import DESK, Running, serving
from tests.benchmarks.deck import Deck, Hand
from tests.benchmarks.measuring import WARM_UP_ORDERS, ratio, summary
from tests.benchmarks.report import Report
from tests.benchmarks.world import Customer, World, leave, use_database

PAIRS = 1_500
KEPT = 0.8  # the slowest fifth of each series says more about the machine

Series = dict[str, list[float]]


def measure_limits(report: Report, world: World, *, rounds: int) -> None:
    """Each pair orders one number with each key, on one connection, each first in every other."""
    means: Series = {"without": [], "with": []}
    for number in range(rounds):
        with server.fresh_copy(world.template, "limits") as database:
            use_database(database)
            keys = _keys_of(world.customers[0])
            leave()
            with serving(DESK, database) as running:
                for key, times in _one_round(world, running, keys, number).items():
                    means[key].append(_mean_of_fast(times))
        report.progress(f"limits: round {number + 1} of {rounds}")
    of_without = ratio(means["with"], means["without"])
    for key, found in means.items():
        report.figure(f"order_{key}_limit_us", summary(found))
    report.ratio("limited_of_unlimited", of_without)
    report.table(
        "Orders of one number by keys without and with a spending limit, one client",
        ["", "without, us", "with, us", "ratio of each round"],
        [
            [
                "order",
                *(f"{summary(found)['median']:.0f}" for found in means.values()),
                f"{of_without['median']:.3f} ({of_without['min']:.3f} to {of_without['max']:.3f})",
            ]
        ],
    )


def _keys_of(customer: Customer) -> dict[str, Customer]:
    """Return the customer with each of two new keys."""
    limit = KeyLimits(SpendingLimit(Decimal("1000000.00"), "day"), None)
    actor = command_actor("bench")
    organization = Organization.objects.get(pk=customer.organization_id)
    secrets = {
        name: issue_key(
            organization=organization,
            scopes=["numbers:write"],
            label=name,
            actor=actor,
            limits=limits,
        )[1]
        for name, limits in (("without", NO_LIMITS), ("with", limit))
    }
    return {
        name: Customer(customer.organization_id, customer.campaign_id, secret)
        for name, secret in secrets.items()
    }


def _one_round(world: World, running: Running, keys: dict[str, Customer], number: int) -> Series:
    (hands,) = Deck(world, seed=number).deal(1, connections=1, most=2 * PAIRS)
    found: Series = {name: [] for name in keys}
    connection = HTTPConnection("127.0.0.1", running.port)
    for pair in range(len(hands) // 2):
        names = list(keys) if pair % 2 else list(keys)[::-1]
        for name, hand in zip(names, hands[2 * pair : 2 * pair + 2], strict=True):
            took = _order(connection, Hand(keys[name], hand.numbers))
            if pair >= WARM_UP_ORDERS:
                found[name].append(took)
    connection.close()
    return found


def _order(connection: HTTPConnection, hand: Hand) -> float:
    """Return the microseconds from the first byte sent to the last one received."""
    head, _, body = requests.order(hand.numbers, hand.customer).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines if line)
    began = time.perf_counter()
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    answer = response.read()
    took = time.perf_counter() - began
    if response.status != 200:
        raise RuntimeError(f"an order was refused: {answer!r:.600}")
    return took * 1e6


def _mean_of_fast(times: list[float]) -> float:
    return fmean(sorted(times)[: int(len(times) * KEPT)])
