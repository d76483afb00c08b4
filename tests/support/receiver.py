"""A real receiver of webhooks on loopback, which answers and fails as a test wants."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behavior = Callable[[BaseHTTPRequestHandler], None]


def answer(status: int, **headers: str) -> Behavior:
    """Answer with a status; ``Retry_After="9"`` is the header Retry-After."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"ok")

    return behave


def drop(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection in the middle of the status line."""
    handler.wfile.write(b"HTTP/1.1 20")
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)


@dataclass
class Receiver:
    """What has come, each as headers and body, and how the next ones are answered."""

    port: int
    behavior: Behavior = field(default_factory=lambda: answer(204))
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    clients: list[int] = field(default_factory=list)  # the port that each came from
    scheme: str = "http"
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.received]


@contextmanager
def receiver(
    *, keeps: bool = False, tls: ssl.SSLContext | None = None, port: int = 0
) -> Iterator[Receiver]:
    """Serve until the block ends. ``keeps``: it keeps connections open for the next request.

    ``port``: of one that was away; nothing else has taken it since.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if keeps else "HTTP/1.0"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            state.received.append((headers, body))
            state.paths.append(self.path)
            state.clients.append(self.client_address[1])
            state.behavior(self)

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    state = Receiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
