"""A proxy in front of a served desk that fails as networks and servers do."""

import http.client
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from config import json_text

ORDERS = "/v1/phone-numbers/orders"
RETRY_AFTER = 1


@dataclass
class Attempt:
    """A POST of an order as it arrived."""

    key: str | None
    body: Any
    at: float


@dataclass
class FaultyProxy:
    """Forward requests to a port. Each fault is used up by one attempt to order."""

    port: int
    faults: "deque[Callable[[FaultyProxy, Handler], None]]" = field(default_factory=deque)
    attempts: list[Attempt] = field(default_factory=list)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    proxy: FaultyProxy

    def do_GET(self) -> None:
        self._take("GET")

    def do_POST(self) -> None:
        self._take("POST")

    def _take(self, method: str) -> None:
        self.sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if method == "POST" and self.path == ORDERS:
            at = time.monotonic()
            self.proxy.attempts.append(
                Attempt(self.headers.get("Idempotency-Key"), json_text.load(self.sent), at)
            )
            if self.proxy.faults:
                self.proxy.faults.popleft()(self.proxy, self)
                return
        self.answer(*self.forward())

    def forward(self) -> tuple[int, dict[str, str], bytes]:
        client = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=60)
        headers = {
            name: value for name, value in self.headers.items() if name.lower() != "connection"
        }
        client.request(self.command, self.path, self.sent or None, headers)
        response = client.getresponse()
        body = response.read()
        client.close()
        hop_by_hop = ("connection", "transfer-encoding", "content-length")
        kept = {
            name: value for name, value in response.getheaders() if name.lower() not in hop_by_hop
        }
        return response.status, kept, body

    def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in (
            headers | {"Content-Length": str(len(body)), "Connection": "close"}
        ).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Keep quiet: the attempts are recorded."""


def bad_gateway(_: FaultyProxy, handler: Handler) -> None:
    """Answer as a proxy does whose server is away: a page, no JSON."""
    handler.answer(502, {"Content-Type": "text/html"}, b"<html><h1>502 Bad Gateway</h1></html>")


def refuse(status: int, code: str) -> Callable[[FaultyProxy, Handler], None]:
    """Answer as the desk does that asks to wait."""

    def fault(_: FaultyProxy, handler: Handler) -> None:
        error = {"code": code, "message": "later", "request_id": "01JTBQH2FZ8K1RXC0WJ4Z9P3VM"}
        headers = {"Content-Type": "application/json", "Retry-After": str(RETRY_AFTER)}
        handler.answer(status, headers, json_text.dump({"success": False, "error": error}))

    return fault


def lose_answer(action: Callable[[], None]) -> Callable[[FaultyProxy, Handler], None]:
    """Have the order placed, and break the connection instead of answering."""

    def fault(_: FaultyProxy, handler: Handler) -> None:
        handler.forward()
        action()
        handler.close_connection = True

    return fault


def first(action: Callable[[Any], None]) -> Callable[[FaultyProxy, Handler], None]:
    """Let something happen before the order arrives."""

    def fault(_: FaultyProxy, handler: Handler) -> None:
        action(json_text.load(handler.sent))
        handler.answer(*handler.forward())

    return fault


@contextmanager
def faulty_proxy(port: int) -> Iterator[FaultyProxy]:
    proxy = FaultyProxy(port)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"proxy": proxy}))
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
