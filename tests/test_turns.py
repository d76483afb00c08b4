"""Which worker takes a new client: config/turns.py, and the worker that keeps to it."""

import os
import socket
from types import SimpleNamespace

import pytest
from gunicorn.config import Config

from config.receiving import PatientWorker
from config.turns import Turns, turns


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def worker(listener):
    worker = PatientWorker(1, os.getppid(), [listener], SimpleNamespace(), 30, Config(), SimpleNamespace())
    worker.tpool, worker.taken = None, []
    worker.set_accept_enabled = lambda enabled: worker.taken.append(("listens", enabled))
    worker.enqueue_req = lambda conn: worker.taken.append(conn)
    yield worker
    for conn in worker.taken:
        if not isinstance(conn, tuple):
            conn.sock.close()
    for age in (1, 2):
        turns.forget(age)


def test_whoever_has_more_than_another_gives_way_once_and_then_takes_the_client(worker, listener):
    turns.note(2, 3)
    worker.nr_conns = 4
    with socket.create_connection(listener.getsockname()):
        worker.accept(listener)
        assert worker.taken == [("listens", False)]
        worker.accept(listener)  # the other did not come
    assert len(worker.taken) == 2
    assert worker.nr_conns == 5


@pytest.mark.parametrize("others", [4, 5, None])
def test_whoever_has_no_more_than_the_others_takes_it_at_once(worker, listener, others):
    if others is not None:
        turns.note(2, others)
    worker.nr_conns = 4
    with socket.create_connection(listener.getsockname()):
        worker.accept(listener)
    assert worker.nr_conns == 5
    assert ("listens", False) not in worker.taken


def test_a_worker_that_has_gone_is_waited_for_by_nobody():
    seen = Turns()
    seen.note(1, 7)
    seen.note(2, 0)
    assert seen.somebody_has_fewer(7)
    seen.forget(2)
    assert not seen.somebody_has_fewer(7)


def test_what_one_process_notes_another_one_sees():
    seen = Turns()
    seen.note(1, 5)
    child = os.fork()
    if child == 0:
        seen.note(2, 1)
        os._exit(0)
    os.waitpid(child, 0)
    assert seen.somebody_has_fewer(5)


def test_more_clients_than_fit_into_a_place_are_still_somebody():
    seen = Turns()
    seen.note(1, 1_000_000)
    assert seen.somebody_has_fewer(1_000_001)
