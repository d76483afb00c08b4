"""Deal the numbers of one database, without repeats within a run."""

import random
from dataclasses import dataclass

from tests.benchmarks.load import Outcome
from tests.benchmarks.world import Customer, World


@dataclass(frozen=True, slots=True)
class Hand:
    """Who orders what."""

    customer: Customer
    numbers: list[str]


Lanes = list[list[Hand]]


class Deck:
    """The stock in a random order: the same for every contestant of a round."""

    def __init__(self, world: World, *, seed: int) -> None:
        self._numbers = world.numbers.copy()
        random.Random(seed).shuffle(self._numbers)
        self._customers = world.customers
        self._turn = 0

    def deal(
        self, size: int, *, connections: int, most: int, customers: list[Customer] | None = None
    ) -> Lanes:
        """Orders of ``size`` for each connection, up to ``most`` in all; customers buy in turn."""
        customers = customers or self._customers
        lanes: Lanes = [[] for _ in range(connections)]
        most = min(most, len(self._numbers) // size)
        if most < connections:
            raise RuntimeError("the stock of this run is sold out")
        for position in range(most):
            self._turn += 1
            numbers, self._numbers[-size:] = self._numbers[-size:], []
            lanes[position % connections].append(
                Hand(customers[self._turn % len(customers)], numbers)
            )
        return lanes

    def take_back(self, lanes: Lanes, outcome: Outcome) -> None:
        """What was never asked for can be dealt again."""
        for lane, sent in zip(lanes, outcome.sent, strict=True):
            for hand in lane[sent:]:
                self._numbers += hand.numbers
