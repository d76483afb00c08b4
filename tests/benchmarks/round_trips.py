"""Count the round trips of an order to PostgreSQL, on the wire."""

import selectors
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.dev import postgres
from tests.benchmarks import load, requests, server
from tests.benchmarks.contestants import DESK, serving
from tests.benchmarks.deck import Deck
from tests.benchmarks.report import Report
from tests.benchmarks.world import World

COUNTED = 20
WARM_UP = 100  # every organization: the first use of a key in a minute is a round trip more


def measure_round_trips(report: Report, world: World) -> None:
    """Of the dearest order there is: with an Idempotency-Key and a campaign."""
    with server.fresh_copy(world.template, "trips") as database, counting_proxy() as proxy:
        # One worker, so that the warm-up reaches the connection that is counted.
        through = server.address(database).replace(
            postgres.database_settings()["HOST"], str(proxy.folder)
        )
        with serving(DESK, database, DATABASE_URL=through, WEB_CONCURRENCY="1") as running:
            deck = Deck(world, seed=0)
            trips = [_trips(running.port, deck, size, proxy) for size in (1, 100)]
    report.figure("round_trips_by_size", {"1": trips[0], "100": trips[1]})
    report.ratio("round_trips", max(trips))


def _trips(port: int, deck: Deck, size: int, proxy: "Proxy") -> float:
    for count in (WARM_UP, COUNTED):
        (hands,) = deck.deal(size, connections=1, most=count)
        lane = [
            requests.order(hand.numbers, hand.customer, key=hand.numbers[0], campaign=True)
            for hand in hands
        ]
        before = proxy.turns
        load.run(load.Job(port, [lane], seconds=60)).require_only(200)
    return (proxy.turns - before) / COUNTED


class Proxy:
    """Passes bytes between clients and the server; ``turns`` counts questions after an answer."""

    def __init__(self) -> None:
        # Short: a socket's path may have 103 bytes.
        self.folder = Path(tempfile.mkdtemp(dir="/tmp", prefix="bench-"))
        self.turns = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.folder / _socket_name()))
        self.listener.listen()
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.closing = False

    def serve(self) -> None:
        while not self.closing:
            for key, _ in self.selector.select(0.2):
                if key.data is None:
                    self._accept()
                else:
                    self._pass_on(*key.data)

    def _accept(self) -> None:
        client, _ = self.listener.accept()
        database = socket.socket(socket.AF_UNIX)
        database.connect(str(Path(postgres.database_settings()["HOST"]) / _socket_name()))
        pair = {"asking": False}
        self.selector.register(client, selectors.EVENT_READ, (client, database, True, pair))
        self.selector.register(database, selectors.EVENT_READ, (database, client, False, pair))

    def _pass_on(
        self, source: socket.socket, target: socket.socket, from_client: bool, pair: dict[str, bool]
    ) -> None:
        data = source.recv(1 << 20)
        if not data:
            for end in (source, target):
                self.selector.unregister(end)
                end.close()
            return
        if from_client and not pair["asking"]:
            self.turns += 1
        pair["asking"] = from_client
        target.sendall(data)


def _socket_name() -> str:
    return f".s.PGSQL.{postgres.database_settings()['PORT']}"


@contextmanager
def counting_proxy() -> Iterator[Proxy]:
    proxy = Proxy()
    thread = threading.Thread(target=proxy.serve)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.closing = True
        thread.join()
        proxy.listener.close()
        shutil.rmtree(proxy.folder, ignore_errors=True)
