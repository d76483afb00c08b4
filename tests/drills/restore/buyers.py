"""Customers who order one number after the other, and write down what they sent and what was acknowledged."""

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

import psycopg

from tests.drills.drill.cluster import PATIENCE
from tests.drills.drill.prepared import prepared

ORDERS = "/v1/phone-numbers/orders"
STOCK = 20_000


@dataclass(frozen=True)
class Point:
    """A moment of the database's clock, and the orders that certainly came before it, or after."""

    moment: str
    before: frozenset[str]
    not_after: frozenset[str]


@dataclass
class Notebook:
    """Numbers, each ordered once: when all that is known is that it was sent, and when it was acknowledged."""

    sent: list[str] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)


def prepare(url: str) -> tuple[str, list[str]]:
    """A migrated and seeded database; gives a key's secret and the numbers in stock."""
    (secret,) = prepared(url, "Buyer", stock=STOCK, price="0.01").values()
    with psycopg.connect(url) as session:
        numbers = [
            row[0]
            for row in session.execute("SELECT number FROM numbers_phonenumber ORDER BY spread")
        ]
    return secret, numbers


def order(port: int, key: str, number: str) -> int:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        client.request("POST", ORDERS, json.dumps({"numbers": [number]}), headers)
        return client.getresponse().status
    finally:
        client.close()


class Buyers:
    """Four threads, from entering the block to leaving it."""

    def __init__(self, port: int, key: str, numbers: list[str]) -> None:
        self.port, self.key = port, key
        self.stock = iter(numbers)
        self.notebook = Notebook()
        self.trouble: list[str] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._buy, daemon=True) for _ in range(4)]

    def __enter__(self) -> "Buyers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _buy(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                number = next(self.stock)
                self.notebook.sent.append(number)
            status = order(self.port, self.key, number)
            with self._lock:
                if status == 200:
                    self.notebook.acknowledged.append(number)
                else:
                    self.trouble.append(f"{number}: {status}")

    def wait_for(self, orders: int) -> None:
        """Return when so many more were acknowledged."""
        wanted, deadline = len(self.notebook.acknowledged) + orders, time.monotonic() + PATIENCE
        while len(self.notebook.acknowledged) < wanted:
            if time.monotonic() > deadline or self.trouble:
                raise TimeoutError(f"orders are not answered: {self.trouble[:3]}")
            time.sleep(0.02)

    def choose_point(self, now: Callable[[], str]) -> Point:
        """Ask the database for the time, while the others go on."""
        with self._lock:
            before = frozenset(self.notebook.acknowledged)
        moment = now()
        with self._lock:
            not_after = frozenset(self.notebook.sent)
        return Point(moment, before, not_after)
