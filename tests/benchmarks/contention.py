"""Measure competing buyers: for the same numbers, and for the results of the same search."""

import json

from tests.benchmarks import load, requests, server
from tests.benchmarks.contestants import DESK, serving
from tests.benchmarks.deck import Deck
from tests.benchmarks.measuring import http, measure, ratio, summary
from tests.benchmarks.report import Report
from tests.benchmarks.world import World

FIGHTERS = 16
SIZE = 10
BUYERS = 200
AREA_CODE = "415"


def measure_fights(report: Report, world: World, *, rounds: int, seconds: float) -> None:
    """All clients ask for the same numbers in the same order: one of each wave buys, the rest are refused."""
    refusals, successes, wins = [], [], []
    for number in range(rounds):
        deck = Deck(world, seed=number)
        with (
            server.fresh_copy(world.template, "fights") as database,
            serving(DESK, database) as running,
        ):
            alone = measure(
                http(running),
                deck,
                size=SIZE,
                connections=FIGHTERS,
                seconds=seconds,
                pids=[running.pid],
            )
            (hands,) = deck.deal(SIZE, connections=1, most=int(600 * seconds))
            lanes = [
                [requests.order(hand.numbers, world.customers[lane]) for hand in hands]
                for lane in range(FIGHTERS)
            ]
            outcome = load.run(load.Job(running.port, lanes, seconds)).require_only(200, 409)
            refusals.append(outcome.statuses.get(409, 0) / outcome.seconds)
            wins.append(outcome.statuses.get(200, 0) / outcome.seconds)
            successes.append(alone.rate)
        report.progress(f"contention: round {number + 1} of {rounds}")
    report.figure("fight_refusals_rate", summary(refusals))
    report.figure("fight_orders_rate", summary(wins))
    report.figure("fight_uncontended_rate", summary(successes))
    report.ratio("refusals_of_successes", ratio(refusals, successes))


def measure_conflicts(report: Report, database: str, world: World) -> None:
    """200 buyers who want the same search, all of them, and only then order of what they saw."""
    # With a stock too small for all buyers, the result would only measure its size.
    if len(world.numbers) < 100 * BUYERS:
        return report.progress(
            f"{BUYERS} buyers are left out: the largest stock is too small for them"
        )
    with serving(DESK, database) as running:
        for size in (1, 5):
            searches = [
                [
                    requests.post(
                        "/search", {"area_code": AREA_CODE, "quantity": 10}, secret=customer.secret
                    )
                ]
                for customer in _buyers(world)
            ]
            shown = [_numbers(body) for body in _at_once(running.port, searches).bodies]
            orders = [
                [requests.order(numbers[:size], customer)]
                for numbers, customer in zip(shown, _buyers(world), strict=True)
            ]
            outcome = _at_once(running.port, orders).require_only(200, 409)
            refused = outcome.statuses.get(409, 0) / BUYERS
            report.figure(f"conflicts_orders_{size}_refused", outcome.statuses.get(409, 0))
            report.ratio(f"conflicts_orders_{size}", refused)


def _buyers(world: World):  # type: ignore[no-untyped-def]
    return [world.customers[number % len(world.customers)] for number in range(BUYERS)]


def _at_once(port: int, lanes: list[list[bytes]]) -> load.Outcome:
    """One request of each buyer, all together."""
    return load.run(load.Job(port, lanes, seconds=60))


def _numbers(answer: bytes) -> list[str]:
    _, _, body = answer.partition(b"\r\n\r\n")
    return [one["number"] for one in json.loads(body)["data"]]
