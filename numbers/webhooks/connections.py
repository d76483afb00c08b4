"""Connections to judged addresses: opened, kept for the next request, and closed.

The connection goes to the address that was judged, and TLS is verified against the name. One that
is kept is used again without resolving the name; it ends after a minute, so that a host that moves
is followed.
"""

import ssl
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from functools import cache

from urllib3.connection import HTTPConnection, HTTPSConnection

from numbers.webhooks.addresses import Target, judged_address
from numbers.webhooks.deadlines import Deadline, watch_for_this_thread

MOST_KEPT = 256
IDLE_SECONDS = 15.0
AGE_SECONDS = 60.0


class _WatchedTls(ssl.SSLSocket):
    """A TLS socket whose handshake ends at the deadline of its attempt, like all else."""

    def do_handshake(self, block: bool = False) -> None:
        watch_for_this_thread(self)
        super().do_handshake(block)


@cache
def tls_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    # Some builds of Python leave the oldest version to OpenSSL's configuration.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _WatchedTls
    return context


@dataclass(slots=True)
class Connection:
    """A connection to the host of a target, and when it was opened and last used."""

    http: HTTPConnection
    opened_at: float
    used_at: float = 0.0

    def is_usable(self, now: float) -> bool:
        """Return whether it is young, was used recently, and is still open."""
        is_fresh = now - self.opened_at < AGE_SECONDS and now - self.used_at < IDLE_SECONDS
        return is_fresh and self.http.is_connected


def open_connection(target: Target, deadline: Deadline) -> Connection:
    """Connect to an address of the target that may be called. Raise NoAddress or OSError."""
    address = judged_address(target, seconds=deadline.left())
    http: HTTPConnection
    if target.scheme == "https":
        http = HTTPSConnection(
            address,
            target.port,
            timeout=deadline.left(),
            ssl_context=tls_context(),
            server_hostname=target.host,
        )
    else:
        http = HTTPConnection(address, target.port, timeout=deadline.left())
    try:
        http.connect()
    except BaseException:
        http.close()
        raise
    return Connection(http, time.monotonic())


class KeptConnections:
    """Connections between two requests, by the host that they go to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[tuple[str, str, int], list[Connection]] = defaultdict(list)
        self._count = 0

    def take(self, target: Target) -> Connection | None:
        """Return a connection to the target's host that is still open, or None."""
        while True:
            with self._lock:
                found = self._of.get(target.origin)
                if not found:
                    return None
                connection = found.pop()
                self._count -= 1
            if connection.is_usable(time.monotonic()):
                return connection
            connection.http.close()

    def keep(self, target: Target, connection: Connection) -> None:
        """Keep a connection whose last response was read to its end."""
        connection.used_at = time.monotonic()
        with self._lock:
            if self._count < MOST_KEPT:
                self._of[target.origin].append(connection)
                self._count += 1
                return
        connection.http.close()

    def close_old(self) -> None:
        """Close what is no longer usable."""
        now = time.monotonic()
        with self._lock:
            every = [(origin, one) for origin, found in self._of.items() for one in found]
            usable = [(origin, one) for origin, one in every if one.is_usable(now)]
            self._of.clear()
            for origin, one in usable:
                self._of[origin].append(one)
            self._count = len(usable)
        kept = {id(one) for _, one in usable}
        for _, one in every:
            if id(one) not in kept:
                one.http.close()


kept = KeptConnections()
