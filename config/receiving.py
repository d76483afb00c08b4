"""gunicorn's threaded worker, in which no client that is slow has a thread.

gunicorn gives a thread to a connection as soon as it is there, and the thread waits for whatever the
client sends: eight clients that send a byte now and then would stop a desk with eight threads. Here the
worker's main loop gathers each request, head and body, as bytes arrive, and a thread gets it whole. What is
larger than any body may be is passed on unread, to be refused. The same loop waits for clients that are told
to go and don't: gunicorn's would stand still for 2 s for each.

Bounds: MOST_HEAD and the largest body for each connection, ``worker_connections`` of them, for
REQUEST_SECONDS each. A client that is slow to read an answer has a thread until the answer fits into the
kernel's buffer, as most do, or for ANSWER_SECONDS: that is what a buffering proxy in front is for.
"""

import re
import socket
import time
from collections import deque
from functools import partial
from selectors import EVENT_READ
from typing import Any

from django.conf import settings
from gunicorn.workers.gthread import TConn, ThreadWorker

MOST_HEAD = 65_536
REQUEST_SECONDS = 20
ANSWER_SECONDS = 300
LINGER_SECONDS = 2
MOST_LINGERING = 200
_PIECE = 65_536

_LENGTH = re.compile(rb"\r\ncontent-length[ \t]*:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding[ \t]*:", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\n(expect)[ \t]*:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
_CHUNK_SIZE = re.compile(rb"([0-9a-f]{1,8})[^\r\n]{0,64}\r\n", re.IGNORECASE)


class Connection(TConn):
    """One client: what has arrived of its next request, and how much there is to come."""

    def __init__(self, worker: "PatientWorker", *arguments: Any) -> None:
        super().__init__(*arguments)
        self.worker = worker
        self.most_body = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        self.handled_since = 0.0
        self.drained = 0
        self.received = bytearray()
        self.begin()

    def begin(self) -> None:
        """Expect another request."""
        self.head = 0  # its length, once it is known
        self.end = 0  # where the request ends; of a chunked one, where its next chunk begins
        self.chunked = False
        self.body = 0  # decoded bytes of the chunks so far
        self.whole = False

    def close(self, graceful: bool = False) -> None:
        if graceful:
            self.worker.linger(self)
        else:
            super().close()

    def is_ready(self) -> bool:
        """Whether a thread can do with what has arrived without waiting for more."""
        if not self.head and not self._read_head():
            return False
        if not self.chunked:
            self.whole = len(self.received) >= self.end
            return self.whole or self.end - self.head > self.most_body
        return self._read_chunks() or self.body > self.most_body

    @property
    def is_hopeless(self) -> bool:
        """A head without an end, or chunks with more frames than content: nobody means well with it."""
        return len(self.received) > (MOST_HEAD if not self.head else self.head + 8 * self.most_body)

    def _read_head(self) -> bool:
        end = self.received.find(b"\r\n\r\n")
        if end < 0:
            return False
        self.head = self.end = end + 4
        head = bytes(self.received[: self.head])
        self.chunked = _CHUNKED.search(head) is not None
        if length := _LENGTH.search(head):
            self.end += int(length[1])
        if expected := _EXPECT.search(head):
            # Said here, and not a second time by whoever reads the header.
            self.received[expected.start(1) : expected.end(1)] = b"x-told"
            if self.end - self.head <= self.most_body:
                self.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _read_chunks(self) -> bool:
        """Go from chunk to chunk as far as they have arrived; whether the last one has."""
        while frame := _CHUNK_SIZE.match(self.received, self.end):
            size = int(frame[1], 16)
            if size == 0:
                self.whole = self.received.find(b"\r\n\r\n", frame.end() - 2) >= 0
                return self.whole
            if len(self.received) < frame.end() + size + 2:
                return self.body + len(self.received) - frame.end() > self.most_body
            self.body += size
            self.end = frame.end() + size + 2
        if len(self.received) <= self.end + 80:
            return False
        self.sock.shutdown(socket.SHUT_RD)  # no chunk: it will be refused, and nothing more is read for it
        return True


class PatientWorker(ThreadWorker):
    """Threads for requests that have arrived, and none for clients that are slow."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.handled: set[Connection] = set()
        self.lingering: deque[Connection] = deque()

    def accept(self, listener: socket.socket) -> None:
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        self.enqueue_req(Connection(self, self.cfg, client, address, listener.getsockname()))

    def enqueue_req(self, conn: Connection) -> None:
        """A connection has, or is to have, another request. Called in the main loop only."""
        conn.begin()
        conn.sock.setblocking(False)
        if conn.initialized:  # what came behind the request before
            conn.received += conn.parser.unreader.take_buffered()
        if not conn.received or not conn.is_ready():
            self.receive(conn, waits=False)
        else:
            self.hand_over(conn)

    def receive(self, conn: Connection, *, waits: bool) -> None:
        """Take what has arrived; ``waits`` where the loop is watching the connection already."""
        try:
            piece = conn.sock.recv(_PIECE)
        except (BlockingIOError, InterruptedError):
            piece = None
        except OSError:
            piece = b""
        conn.received += piece or b""
        if piece == b"" or conn.is_hopeless:
            self.stop_waiting(conn, waits)
            self.nr_conns -= 1
            conn.close()
        elif conn.is_ready():
            self.stop_waiting(conn, waits)
            self.hand_over(conn)
        elif not waits:
            conn.timeout = time.monotonic() + REQUEST_SECONDS
            self.pending_conns.append(conn)
            self.poller.register(conn.sock, EVENT_READ, lambda _: self.receive(conn, waits=True))

    def stop_waiting(self, conn: Connection, waits: bool) -> None:
        if waits:
            self.poller.unregister(conn.sock)
            self.pending_conns.remove(conn)

    def hand_over(self, conn: Connection) -> None:
        conn.handled_since, conn.data_ready = time.monotonic(), True
        self.handled.add(conn)
        super().enqueue_req(conn)

    def handle(self, conn: Connection) -> Any:
        """In a thread."""
        conn.sock.setblocking(True)
        conn.init()
        conn.parser.unreader.unread(bytes(conn.received))
        conn.received.clear()
        return super().handle(conn)

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        # What was not worth receiving is not worth waiting for.
        return conn.whole and super()._keepalive_after(conn, keepalive)

    def finish_request(self, conn: Connection, future: Any) -> None:
        self.handled.discard(conn)
        super().finish_request(conn, future)

    def murder_pending(self) -> None:
        """Called by the main loop about once a second."""
        now = time.monotonic()
        if not self.alive:  # a connection on which nothing has come is no reason to stay
            for conn in self.pending_conns:
                conn.timeout -= 0 if conn.received else REQUEST_SECONDS
        super().murder_pending()
        while self.lingering and self.lingering[0].timeout <= now:
            self.let_go(self.lingering[0])
        for conn in self.handled:
            if now - conn.handled_since > ANSWER_SECONDS:
                # Wakes the thread that waits for it, with an error that says the client is gone.
                _hang_up(conn.sock)

    def linger(self, conn: Connection) -> None:
        """Close when the client has, so that it reads the answer to its end (RFC 9112, 9.6)."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
        except OSError:
            return conn.close()
        conn.timeout = time.monotonic() + LINGER_SECONDS
        self.lingering.append(conn)
        self.poller.register(conn.sock, EVENT_READ, partial(self.drain, conn))
        if len(self.lingering) > MOST_LINGERING:
            self.let_go(self.lingering[0])

    def drain(self, conn: Connection, _: Any) -> None:
        try:
            piece = conn.sock.recv(_PIECE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            piece = b""
        conn.drained += len(piece)
        if not piece or conn.drained > MOST_HEAD:
            self.let_go(conn)

    def let_go(self, conn: Connection) -> None:
        self.lingering.remove(conn)
        self.poller.unregister(conn.sock)
        conn.close()


def _hang_up(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # gone by itself
