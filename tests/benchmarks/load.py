"""The load generator: raw keep-alive sockets in its own process, to cost little CPU.

It sends requests that were put together beforehand, one at a time on each connection, and reads no
more of an answer than its status and its length: some 30 µs of its own for each request.

Its connections are spread evenly over the workers of the server, as a proxy in front of one port
for each worker does it. With SO_REUSEPORT the kernel draws lots, and of eight connections one
worker may get seven.
"""

import pickle
import selectors
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import psutil

from tests.benchmarks import BASE_DIR

Requests = Sequence[bytes]

# Answers for each connection: a run goes on until it has them, however slow the server.
AT_LEAST = 3
CONNECTIONS_TRIED = 1000


@dataclass(slots=True)
class Job:
    """One closed-loop run: ``lanes`` has the requests of each connection, in order.

    ``pid`` is the server's main process. Its workers get the same number of connections each.
    """

    port: int
    lanes: Sequence[Requests]
    seconds: float
    pid: int = 0


@dataclass(slots=True)
class Outcome:
    """What came back, in the time in which every connection was busy."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)  # of each connection's last answer
    sent: list[int] = field(default_factory=list)  # of each connection's requests
    generator_cpu: float = 0.0

    @property
    def count(self) -> int:
        return len(self.latencies)

    @property
    def rate(self) -> float:
        return self.count / self.seconds

    def require_only(self, *expected: int) -> "Outcome":
        """A measurement of failures is none."""
        unexpected = {
            status: count for status, count in self.statuses.items() if status not in expected
        }
        if unexpected or not self.count:
            raise RuntimeError(f"answers of the wrong kind: {unexpected}; {self.bodies[:1]!r:.600}")
        return self


def run(job: Job) -> Outcome:
    """Do the job in another process."""
    finished = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.load"],
        input=pickle.dumps(job),
        stdout=subprocess.PIPE,
        cwd=BASE_DIR,
        check=True,
        timeout=job.seconds + 60,
    )
    outcome: Outcome = pickle.loads(finished.stdout)
    return outcome


class Lane:
    """One connection and what it still has to send."""

    def __init__(self, connected: socket.socket, requests: Requests) -> None:
        self.socket = connected
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.requests = iter(requests)
        self.sent = 0
        self.received = bytearray()
        self.needed = 0  # of the answer, head included; 0 while that is not known
        self.sent_at = 0.0

    def send_next(self) -> bool:
        request = next(self.requests, None)
        if request is None:
            return False
        self.received.clear()
        self.needed = 0
        self.sent += 1
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)
        return True

    def receive(self) -> bool:
        """Whether the answer is whole now."""
        part = self.socket.recv(262_144)
        if not part:
            raise ConnectionError("the server closed a connection in the middle of the run")
        self.received += part
        if not self.needed:
            self.needed = length_of_answer(self.received)
        return 0 < self.needed <= len(self.received)

    @property
    def status(self) -> int:
        return int(self.received[9:12])


def connections(job: Job) -> Iterator[socket.socket]:
    """Yield connections: the same number for each worker."""
    workers = len(_workers(job))
    share = -(-len(job.lanes) // max(workers, 1))
    has: Counter[int] = Counter()
    for _ in range(CONNECTIONS_TRIED):
        connected = socket.create_connection(("127.0.0.1", job.port), timeout=30)
        if workers < 2:
            yield connected
        elif has[worker := _accepted_by(job, connected)] < share:
            has[worker] += 1
            yield connected
        else:
            connected.close()
    raise TimeoutError(f"the workers did not take the same number of connections: {has}")


def _workers(job: Job) -> list[psutil.Process]:
    """Return the processes below the server's main one that listen on its port."""
    children = psutil.Process(job.pid).children() if job.pid else []
    return [
        child
        for child in children
        if any(one.laddr.port == job.port and not one.raddr for one in child.net_connections("tcp"))
    ]


def _accepted_by(job: Job, connected: socket.socket) -> int:
    """Return the pid of the worker at the other end, which may wait for a request to accept it."""
    connected.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    received = bytearray()
    while not received or len(received) < length_of_answer(received):
        received += connected.recv(262_144)
    own = connected.getsockname()[1]
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for worker in _workers(job):
            if any(one.raddr and one.raddr.port == own for one in worker.net_connections("tcp")):
                return worker.pid
    raise TimeoutError("no worker accepted a connection within 30 seconds")


def length_of_answer(received: bytearray) -> int:
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return 0
    head = received[:end].lower()
    at = head.find(b"content-length:")
    if at < 0:
        raise RuntimeError(f"an answer without a length: {bytes(head)!r}")
    stop = head.find(b"\r", at)
    return end + 4 + int(head[at + 15 : stop if stop > 0 else end])


def drive(job: Job) -> Outcome:
    outcome = Outcome()
    # zip() asks its first argument first, so no connection too many is made.
    lanes = [
        Lane(connected, requests)
        for requests, connected in zip(job.lanes, connections(job), strict=False)
    ]
    selector = selectors.DefaultSelector()
    for lane in lanes:
        selector.register(lane.socket, selectors.EVENT_READ, lane)
    cpu, started = time.process_time(), time.perf_counter()
    deadline = started + job.seconds
    waiting = sum(lane.send_next() for lane in lanes)
    now = started
    while waiting:
        for key, _ in selector.select(30) or _give_up():
            lane = key.data
            if not lane.receive():
                continue
            now = time.perf_counter()
            if now <= deadline or outcome.count < AT_LEAST * len(
                lanes
            ):  # later ones found connections idle
                deadline = max(deadline, now)
                outcome.latencies.append(now - lane.sent_at)
                outcome.statuses[lane.status] = outcome.statuses.get(lane.status, 0) + 1
                if lane.send_next():
                    continue
                deadline = min(
                    deadline, now
                )  # nothing left to send: a faster machine than foreseen
            waiting -= 1
    outcome.seconds = deadline - started
    outcome.generator_cpu = time.process_time() - cpu
    outcome.sent = [lane.sent for lane in lanes]
    outcome.bodies = [bytes(lane.received) for lane in lanes]
    return outcome


def _give_up() -> list[tuple[selectors.SelectorKey, int]]:
    raise TimeoutError("no answer for 30 seconds")


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


if __name__ == "__main__":
    # Pickled under the module's own name, so that the parent can read it.
    from tests.benchmarks import load

    sys.stdout.buffer.write(pickle.dumps(load.drive(pickle.load(sys.stdin.buffer))))
