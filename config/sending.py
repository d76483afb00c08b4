"""A client's socket on which an answer never waits for the client, unless it is larger than any of ours.

What the kernel does not take at once is kept, and the worker's main loop (config/receiving.py) sends it when
the client reads. Only a stream that is longer than MOST_UNSENT, an operator's export say, waits in its thread,
and for a client that reads nothing no longer than STALL_SECONDS.
"""

import errno
import socket

MOST_UNSENT = 8_388_608
STALL_SECONDS = 20
_PIECE = 262_144


class Outlet(socket.socket):
    """As gunicorn knows a socket. One thread at a time has it: its request's, then the main loop."""

    def __init__(self, accepted: socket.socket) -> None:
        family, kind, protocol = accepted.family, accepted.type, accepted.proto
        super().__init__(family, kind, protocol, fileno=accepted.detach())
        self.unsent = bytearray()
        self._holds = False

    def hold_head(self) -> None:
        """Have what is sent next wait for what follows it: a client that gets both at once is woken once."""
        self._holds = True

    def sendall(self, data: bytes, flags: int = 0) -> None:  # type: ignore[override]
        if self._holds:
            self._holds = False
            self.unsent += data
        elif self.unsent:
            self.unsent += data
            self.send_on()
        else:
            sent = self._send(data)
            if sent < len(data):
                self.unsent += memoryview(data)[sent:]
        while len(self.unsent) > MOST_UNSENT:
            self._wait()

    def flush(self) -> bool:
        """Send what was held and nothing followed; False where the client has gone."""
        self._holds = False
        if self.unsent:
            try:
                self.send_on()
            except OSError:
                self.unsent.clear()
                return False
        return True

    def send_on(self) -> None:
        """As much of what is left as the kernel takes now."""
        del self.unsent[: self._send(self.unsent)]

    def _send(self, data: bytes | bytearray) -> int:
        try:
            return self.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0

    def _wait(self) -> None:
        self.settimeout(STALL_SECONDS)
        try:
            sent = self.send(memoryview(self.unsent)[:_PIECE])
        except TimeoutError:
            self.unsent.clear()
            raise BrokenPipeError(errno.EPIPE, "the client does not read") from None
        finally:
            self.settimeout(None)
        del self.unsent[:sent]
