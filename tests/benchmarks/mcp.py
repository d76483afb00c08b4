"""Measure what a call costs by an agent's tool, beside the same call by REST: search, and orders."""

import random
from collections.abc import Callable
from itertools import count
from typing import Any

from apikeys.authentication import Caller
from apikeys.models import ApiKey
from config.actors import command_actor
from numbers.api.orders import OrderRequest
from numbers.mcp import confirmation
from numbers.mcp.order_tools import ORDER, bound_by
from numbers.mcp.versions import CAPABILITIES_KEY, CURRENT, VERSION_KEY
from numbers.orders.place import OrderRequest as Wanted
from numbers.orders.place import quote_order
from numbers.orders.purchase import Buyer
from numbers.orders.quote import QuoteLineJson
from numbers.ownership.routing import Routing
from tests.benchmarks import load, requests, server
from tests.benchmarks.contestants import DESK, Running, serving
from tests.benchmarks.deck import Deck, Hand
from tests.benchmarks.measuring import MOST, WARM_UP_ORDERS, ratio, summary
from tests.benchmarks.report import Report
from tests.benchmarks.world import Customer, World, leave, use_database

SIZES = (1, 100)
CONNECTIONS = 8
SEARCHES = 4_000
ROUTING = {
    "inbound_url": "https://customer.example/inbound",
    "status_url": "https://customer.example/status",
    "label": "support-line",
}

Make = Callable[[Hand], bytes]
_keys = count(1)


def measure_mcp(report: Report, world: World, *, rounds: int, seconds: float) -> None:
    rates: dict[str, list[float]] = {}
    for number in range(rounds):
        with server.fresh_copy(world.template, "mcp") as database:
            use_database(database)
            agents = Agents(world)
            leave()
            with serving(DESK, database) as running:
                _one_round(world, running, agents, number, seconds, rates)
        report.progress(f"mcp: round {number + 1} of {rounds}")
    rows = []
    for what in ("search", *(f"orders_{size}" for size in SIZES)):
        by_mcp, by_rest = rates[f"{what} mcp"], rates[f"{what} rest"]
        of_rest = ratio(by_mcp, by_rest)
        report.figure(f"mcp_{what}_per_second", summary(by_mcp))
        report.ratio(f"mcp_{what}_of_rest", of_rest)
        rows.append(
            [
                what,
                *(f"{summary(one)['median']:.0f}" for one in (by_mcp, by_rest)),
                f"{of_rest['median']:.2f} ({of_rest['min']:.2f} to {of_rest['max']:.2f})",
            ]
        )
    head = ["", "by tool/s", "by REST/s", "ratio of each round"]
    report.table(f"Agents' tools and REST, {CONNECTIONS} clients", head, rows)


def _one_round(
    world: World,
    running: Running,
    agents: "Agents",
    number: int,
    seconds: float,
    rates: dict[str, list[float]],
) -> None:
    """Each of the two ways is first in every other round."""
    deck = Deck(world, seed=number)
    ways: list[tuple[str, Make, Make]] = [
        ("rest", _rest_search, _rest_order),
        ("mcp", agents.search, agents.order),
    ]
    for way, search, order in ways if number % 2 else ways[::-1]:
        customers = random.Random(number).choices(world.customers, k=SEARCHES)
        lanes = [
            [search(Hand(one, [])) for one in customers[lane::CONNECTIONS]]
            for lane in range(CONNECTIONS)
        ]
        _drive(running, [lane[:WARM_UP_ORDERS] for lane in lanes], 30)
        found = _drive(running, lanes, seconds)
        rates.setdefault(f"search {way}", []).append(found.rate)
        for size in SIZES:
            rates.setdefault(f"orders_{size} {way}", []).append(
                _orders(running, deck, order, size=size, seconds=seconds)
            )


def _orders(running: Running, deck: Deck, make: Make, *, size: int, seconds: float) -> float:
    outcome = load.Outcome()
    for most, limit in (
        (WARM_UP_ORDERS * CONNECTIONS, 30.0),
        (int(MOST[size] * seconds) + CONNECTIONS, seconds),
    ):
        lanes = deck.deal(size, connections=CONNECTIONS, most=most)
        outcome = _drive(running, [[make(hand) for hand in lane] for lane in lanes], limit)
        deck.take_back(lanes, outcome)
    return outcome.rate


def _drive(running: Running, lanes: list[list[bytes]], seconds: float) -> load.Outcome:
    outcome = load.run(load.Job(running.port, lanes, seconds, running.pid)).require_only(200)
    if failed := [body for body in outcome.bodies if b'"isError":true' in body]:
        raise RuntimeError(f"a tool failed: {failed[0]!r:.600}")
    return outcome


def _rest_search(hand: Hand) -> bytes:
    return requests.post("/search", {"quantity": 10}, secret=hand.customer.secret)


def _rest_order(hand: Hand) -> bytes:
    return requests.order(hand.numbers, hand.customer, key=f"bench-{next(_keys)}")


class Agents:
    """Messages of agents; the confirm token of each order is signed here, as its quote would."""

    def __init__(self, world: World) -> None:
        rows = ApiKey.objects.filter(prefix__in=[one.secret[:12] for one in world.customers])
        self._callers = {
            key.organization_id: Caller(
                key.pk, key.organization_id, False, frozenset(key.scopes), key.prefix, ""
            )
            for key in rows
        }
        buyer = Buyer(world.customers[0].organization_id, False, command_actor("bench"))
        quote = quote_order(Wanted(world.numbers[:1], Routing()), buyer=buyer)
        # Every number of this stock costs the same.
        (self._line,), self._each = quote["numbers"], quote["total"]

    def search(self, hand: Hand) -> bytes:
        return self._call(hand.customer, "search_numbers", {"quantity": 10})

    def order(self, hand: Hand) -> bytes:
        given = {"numbers": hand.numbers, **ROUTING}
        lines: list[QuoteLineJson] = [{**self._line, "number": one} for one in hand.numbers]
        total = self._each * len(lines)
        confirm = confirmation.sign(
            confirmation.shown_by(total, lines),
            purpose=ORDER,
            caller=self._callers[hand.customer.organization_id],
            request=bound_by(OrderRequest.model_validate(given)),
        )["confirm"]
        given |= {"confirm": confirm, "idempotency_key": f"bench-{next(_keys)}"}
        return self._call(hand.customer, "order_numbers", given)

    def _call(self, customer: Customer, tool: str, arguments: dict[str, Any]) -> bytes:
        meta = {VERSION_KEY: CURRENT, CAPABILITIES_KEY: {}}
        params = {"name": tool, "arguments": arguments, "_meta": meta}
        document = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers = (
            f"MCP-Protocol-Version: {CURRENT}\r\nMcp-Method: tools/call\r\nMcp-Name: {tool}\r\n"
        )
        made = requests.post("", document, secret=customer.secret, headers=headers)
        return made.replace(b"POST /v1/phone-numbers ", b"POST /v1/mcp ", 1)
