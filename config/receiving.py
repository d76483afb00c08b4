"""gunicorn's threaded worker, in which no client that is slow has a thread.

gunicorn gives a thread to a connection as soon as it is there, and the thread waits for whatever the
client sends or does not read: eight clients that are slow would stop a desk with eight threads. Here the
worker's main loop gathers each request, head and body, as bytes arrive, and a thread gets it whole. What is
larger than any body may be is passed on unread, to be refused. What the client does not take of its answer at
once, the same loop sends (config/sending.py). It also waits for clients that are told to go and don't:
gunicorn's would stand still for 2 s for each.

A thread that has answered stays with its client for STAY_SECONDS, unless somebody waits for a thread: programs
order one after the other, and the way through the loop and back costs three changes of threads.

Bounds: MOST_HEAD and the largest body for each connection, ``worker_connections`` of them, for
REQUEST_SECONDS each; MOST_UNSENT_IN_ALL of answers, each for SEND_SECONDS. Where there are more, the client that has
been silent for longest goes, and the one to whom most is still to be sent.
"""

import socket
import time
from collections import deque
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any

from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import ThreadWorker

from config.incoming import MOST_HEAD, PIECE, Connection
from config.sending import Outlet
from config.turns import turns

REQUEST_SECONDS = 20
ANSWER_SECONDS = 300
SEND_SECONDS = 60
MOST_UNSENT_IN_ALL = 67_108_864
LINGER_SECONDS = 2
GIVE_WAY_SECONDS = 0.003
GAVE_WAY_SECONDS = 0.03  # for so long after it, who gave way takes what comes
MOST_LINGERING = 200
STAY_SECONDS = 0.002


class PatientWorker(ThreadWorker):
    """Threads for requests that have arrived, and none for clients that are slow."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.handled: set[Connection] = set()
        self.sending: dict[Connection, Any] = {}  # in the order in which they began
        self.lingering: deque[Connection] = deque()
        self.listens_from = 0.0

    @property
    def nr_conns(self) -> int:
        """How many clients this worker has: gunicorn counts them, the other workers are told."""
        return self._clients

    @nr_conns.setter
    def nr_conns(self, clients: int) -> None:
        self._clients = clients
        if self.alive:
            turns.note(self.age, clients)

    def handle_exit(self, *signal: Any) -> None:
        turns.forget(self.age)  # it takes no more clients
        super().handle_exit(*signal)

    def accept(self, listener: socket.socket) -> None:
        now = time.monotonic()
        if now - self.listens_from > GAVE_WAY_SECONDS and turns.somebody_has_fewer(self.nr_conns):
            # They have been woken for it too. If none of them comes meanwhile, it is ours.
            self.listens_from = now + GIVE_WAY_SECONDS
            return self.set_accept_enabled(False)
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        if self.nr_conns >= self.worker_connections:
            self.make_room()
        self.enqueue_req(Connection(self, self.cfg, Outlet(client), address, listener.getsockname()))

    def make_room(self) -> None:
        """Whoever has kept us waiting for longest goes: else those who say nothing would keep out all others."""
        for waiting in (self.pending_conns, self.keepalived_conns):
            if waiting:
                conn = waiting.popleft()
                self.poller.unregister(conn.sock)
                self.nr_conns -= 1
                conn.close()
                return

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        if client.fileno() >= 0:  # else it had to go since the poller told of it
            super().on_client_socket_readable(conn, client)

    def set_accept_enabled(self, enabled: bool) -> None:
        super().set_accept_enabled(enabled and self.listens_from <= time.monotonic())

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        gives_way = self.listens_from - time.monotonic()
        super().wait_for_and_dispatch_events(min(timeout, gives_way) if gives_way > 0 else timeout)

    def enqueue_req(self, conn: Connection) -> None:
        """A connection has, or is to have, another request. Called in the main loop only."""
        conn.begin()
        conn.sock.setblocking(False)
        if not conn.received or not conn.is_ready():
            self.receive(conn, waits=False)
        else:
            self.hand_over(conn)

    def receive(self, conn: Connection, *, waits: bool) -> None:
        """Take what has arrived; ``waits`` where the loop is watching the connection already."""
        if conn.sock.fileno() < 0:  # it had to go since the poller told of it
            return
        try:
            piece = conn.sock.recv(PIECE)
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
        """In a thread; whether the client stays."""
        while True:
            stays = self.answer(conn)
            if not conn.sock.flush() or not stays:
                return False
            if conn.sock.unsent or not self.alive or len(self.handled) > self.cfg.threads:
                return stays
            if not conn.next_comes_within(STAY_SECONDS):
                return not conn.gone
            conn.handled_since = time.monotonic()

    def answer(self, conn: Connection) -> Any:
        conn.sock.setblocking(True)
        conn.sock.hold_head()
        if conn.refusal:
            self.handle_error(None, conn.sock, conn.client, conn.refusal)
            return False
        conn.init()
        conn.parser.unreader.unread(bytes(conn.received))
        conn.received.clear()
        return super().handle(conn)

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        # What was not worth receiving is not worth waiting for.
        try:
            return conn.whole and super()._keepalive_after(conn, keepalive)
        except ParseException:
            return False  # the request has its answer: a second one would be taken for the next one's

    def handle_error(self, request: Any, client: socket.socket, address: Any, error: Exception) -> None:
        """In a thread: what is no HTTP request is answered like everything else."""
        from config.malformed import answer_to_malformed  # gunicorn imports this module before Django is set up

        client.sendall(answer_to_malformed(error, request))

    def finish_request(self, conn: Connection, future: Any) -> None:
        self.handled.discard(conn)
        if conn.sock.unsent:
            self.send_rest(conn, future)
        else:
            self.go_on(conn, future)

    def go_on(self, conn: Connection, future: Any) -> None:
        """The answer is with the client."""
        stays = future.exception() is None and future.result()
        if stays and conn.received:  # a part of its next request is here already
            self.enqueue_req(conn)
        else:
            super().finish_request(conn, future)
        if self.nr_conns >= self.worker_connections:  # nobody is accepted meanwhile
            self.make_room()

    def send_rest(self, conn: Connection, future: Any) -> None:
        """Send what the client has not taken of its answer, and go on from there when it has."""
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + SEND_SECONDS
        self.sending[conn] = future
        self.poller.register(conn.sock, EVENT_WRITE, partial(self.send_more, conn))
        while sum(len(one.sock.unsent) for one in self.sending) > MOST_UNSENT_IN_ALL:
            self.cut_off(max(self.sending, key=lambda one: len(one.sock.unsent)))

    def send_more(self, conn: Connection, _: Any) -> None:
        if conn not in self.sending:  # cut off since the poller told of it
            return
        try:
            conn.sock.send_on()
        except OSError:
            return self.cut_off(conn)
        if not conn.sock.unsent:
            self.poller.unregister(conn.sock)
            self.go_on(conn, self.sending.pop(conn))

    def cut_off(self, conn: Connection) -> None:
        self.poller.unregister(conn.sock)
        del self.sending[conn]
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        """Called by the main loop about once a second."""
        now = time.monotonic()
        if not self.alive:  # a connection on which nothing has come is no reason to stay
            for conn in self.pending_conns:
                conn.timeout -= 0 if conn.received else REQUEST_SECONDS
        super().murder_pending()
        while self.lingering and self.lingering[0].timeout <= now:
            self.let_go(self.lingering[0])
        while self.sending and (first := next(iter(self.sending))).timeout <= now:
            self.cut_off(first)
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
        if conn.sock.fileno() < 0:  # let go since the poller told of it
            return
        try:
            piece = conn.sock.recv(PIECE)
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
    with suppress(OSError):  # gone by itself
        sock.shutdown(socket.SHUT_RDWR)
