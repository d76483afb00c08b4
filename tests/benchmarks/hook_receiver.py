"""A receiver of webhooks in a process of its own: ``python -m tests.benchmarks.hook_receiver``.

It prints its port, answers each POST with 200 on a kept connection, and never answers one whose
path begins with ``/dead``. ``GET /received`` gives time, path and ``webhook-id`` of all that came
since the last such request.
"""

import asyncio
import json
import time

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
Received = tuple[float, str, str]


class _Requests(asyncio.Protocol):
    """Requests of one connection, one after the other."""

    received: list[Received] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._buffer = transport, b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (request := self._next()) is not None:
            self._answer(*request)

    def _next(self) -> tuple[str, str, dict[str, str]] | None:
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)
        }
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        method, path, _ = first.split(" ")
        return method, path, headers

    def _answer(self, method: str, path: str, headers: dict[str, str]) -> None:
        if method == "POST":
            self.received.append((time.time(), path, headers.get("webhook-id", "")))
            if not path.startswith("/dead"):
                self._write(_OK)
            return
        body = json.dumps(self.received).encode()
        self.received.clear()
        self._write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    def _write(self, data: bytes) -> None:
        assert isinstance(self._transport, asyncio.WriteTransport)
        self._transport.write(data)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Requests, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
