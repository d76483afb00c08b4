"""A thread stays with the client it has answered, for a moment and while nobody else waits (config/receiving.py)."""

import os
import socket
from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from gunicorn.config import Config

from config.incoming import Connection
from config.receiving import PatientWorker
from config.sending import Outlet

REQUEST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def client():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield SimpleNamespace(socket=theirs, server_side=ours)


@pytest.fixture
def worker():
    """Answers by noting the request; gunicorn's own way is tested on a server (test_slow_clients)."""
    worker = PatientWorker(1, os.getppid(), [], SimpleNamespace(), 30, Config(), SimpleNamespace())
    worker.answered = []

    def answer(conn):
        conn.init()
        worker.answered.append(bytes(conn.received))
        conn.received.clear()
        conn.sock.hold_head()
        conn.sock.sendall(b"head ")
        conn.sock.sendall(b"body ")
        return b"close" not in worker.answered[-1]

    worker.answer = answer
    return worker


@pytest.fixture
def conn(worker, client):
    conn = Connection(worker, worker.cfg, Outlet(client.server_side), ("127.0.0.1", 1), ("127.0.0.1", 2))
    conn.received += REQUEST
    worker.handled.add(conn)
    yield conn
    conn.sock.close()


@pytest.fixture
def at_once(monkeypatch):
    """What is to come has come: nobody waits for the clock."""
    monkeypatch.setattr("config.receiving.STAY_SECONDS", 0.000001)


def test_requests_that_follow_are_answered_in_the_same_thread(worker, conn, client, at_once):
    client.socket.sendall(REQUEST)
    assert worker.handle(conn)
    assert worker.answered == [REQUEST, REQUEST]
    assert client.socket.recv(100) == b"head body head body "


def test_half_a_request_is_kept_for_the_loop_to_wait_for_the_rest(worker, conn, client, at_once):
    client.socket.sendall(REQUEST[:9])
    assert worker.handle(conn)
    assert (worker.answered, conn.received) == ([REQUEST], REQUEST[:9])


def test_a_client_that_is_silent_goes_back_to_the_loop(worker, conn, at_once):
    assert worker.handle(conn)
    assert worker.answered == [REQUEST]


def test_a_client_that_has_gone_is_let_go(worker, conn, client):
    client.socket.shutdown(socket.SHUT_WR)
    assert not worker.handle(conn)


def test_where_somebody_waits_for_a_thread_it_goes_to_them(worker, conn, client):
    worker.handled |= {object() for _ in range(worker.cfg.threads)}
    client.socket.sendall(REQUEST)
    assert worker.handle(conn)
    assert worker.answered == [REQUEST]


def test_nobody_stays_in_a_worker_that_stops(worker, conn, client):
    worker.alive = False
    client.socket.sendall(REQUEST)
    assert worker.handle(conn)
    assert worker.answered == [REQUEST]


def test_the_last_answer_of_a_connection_is_sent_though_nothing_follows(worker, conn, client):
    conn.received[:] = REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert not worker.handle(conn)
    assert client.socket.recv(100) == b"head body "
    conn.sock.hold_head()
    conn.sock.sendall(b"a head without a body")
    assert conn.sock.flush()
    assert client.socket.recv(100) == b"a head without a body"


def test_an_accident_in_the_thread_costs_its_client_and_not_the_worker(worker, conn, client):
    answered: Future[bool] = Future()
    answered.set_exception(MemoryError())
    conn.received[:] = REQUEST[:9]
    worker.finish_request(conn, answered)
    assert conn.sock.fileno() == -1
