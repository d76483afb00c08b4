"""Exchange raw bytes with a server, for requests that no HTTP client sends."""

import contextlib
import re
import socket
from dataclasses import dataclass
from typing import Any

from config import json_text

PATIENCE = 20
END = b"\r\n\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = b"POST /v1/phone-numbers/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CLOSE = b"Connection: close\r\n"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json_text.load(self.body)


def authorized(secret: str) -> bytes:
    return b"Authorization: Bearer " + secret.encode() + b"\r\n"


def connect(port: int, sent: bytes = b"", *, source: str = "127.0.0.1") -> socket.socket:
    """Open a connection from an address of this machine and send something on it."""
    client = socket.create_connection(
        ("127.0.0.1", port), timeout=PATIENCE, source_address=(source, 0)
    )
    client.sendall(sent)
    return client


def receive_all(client: socket.socket) -> bytes:
    """Return all that comes until the server hangs up."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(65536):
            received += piece
    return received


def exchange(
    port: int, sent: bytes, *, half_close: bool = False, source: str = "127.0.0.1"
) -> bytes:
    """Send, and return all that comes back until the server hangs up."""
    with connect(port, source=source) as client:
        with contextlib.suppress(OSError):  # it may hang up before all is sent
            client.sendall(sent)
            if half_close:
                client.shutdown(socket.SHUT_WR)
        return receive_all(client)


def parse(received: bytes) -> Answer:
    """Return the only answer in these bytes."""
    # On Python 3.14 and later the blank line of gunicorn's own error has no CR; RFC 9112, 2.2 lets
    # clients read it.
    head, body = re.split(rb"\r\n\r?\n", received, maxsplit=1)
    assert len(statuses(received)) == 1, received
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return Answer(int(status.split()[1]), headers, body)


def statuses(received: bytes) -> list[int]:
    """Return the statuses of all answers in these bytes."""
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]


def ask(port: int, sent: bytes, *, source: str = "127.0.0.1") -> Answer:
    return parse(exchange(port, sent, source=source))
