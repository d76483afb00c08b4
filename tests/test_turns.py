"""Which worker takes a new client: config/turns.py, and the worker that keeps to it."""

import os
import selectors
import socket
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.workers.gthread import ThreadWorker

from config.receiving import GIVE_WAY_SECONDS, PatientWorker
from config.turns import Turns, turns
from tests.together import PATIENCE


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def worker(listener):
    worker = PatientWorker(1, os.getppid(), [listener], SimpleNamespace(), 30, Config(), SimpleNamespace())
    worker.poller = selectors.DefaultSelector()
    worker.taken = []
    worker.enqueue_req = worker.taken.append
    worker.set_accept_enabled(True)
    yield worker
    worker.poller.close()
    for conn in worker.taken:
        conn.sock.close()
    for age in (1, 2):
        turns.forget(age)


@pytest.fixture
def clock(monkeypatch):
    """The worker's clock, which goes on when it is told to."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr("config.receiving.time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_whoever_has_more_than_another_gives_way_and_takes_the_client_if_nobody_came(worker, listener, clock):
    turns.note(2, 3)
    worker.nr_conns = 4
    with socket.create_connection(listener.getsockname()):
        worker.accept(listener)
        assert (worker.taken, worker._accepting) == ([], False)
        worker.set_accept_enabled(True)  # as the main loop does each time round
        assert not worker._accepting
        clock.now += GIVE_WAY_SECONDS
        worker.set_accept_enabled(True)
        worker.wait_for_and_dispatch_events(PATIENCE)
    assert (len(worker.taken), worker.nr_conns) == (1, 5)


def test_it_gives_way_no_longer_than_that(worker, listener, clock, monkeypatch):
    waited = []
    monkeypatch.setattr(ThreadWorker, "wait_for_and_dispatch_events", lambda self, timeout: waited.append(timeout))
    turns.note(2, 0)
    worker.nr_conns = 1
    with socket.create_connection(listener.getsockname()):
        worker.wait_for_and_dispatch_events(1.0)
        worker.accept(listener)
        worker.wait_for_and_dispatch_events(1.0)
        clock.now += GIVE_WAY_SECONDS
        worker.wait_for_and_dispatch_events(1.0)
    assert waited == [1.0, pytest.approx(GIVE_WAY_SECONDS), 1.0]


def test_it_gives_way_for_each_client_that_comes_later(worker, listener, clock):
    """The other took the first: the next one, much later, is looked at anew."""
    turns.note(2, 0)
    worker.nr_conns = 8
    for _ in range(3):
        worker.accept(listener)
        assert not worker._accepting
        clock.now += 60
        worker.set_accept_enabled(True)
    assert worker.taken == []


def test_a_worker_that_stops_is_waited_for_by_nobody(worker):
    turns.note(2, 5)
    worker.nr_conns = 0
    assert turns.somebody_has_fewer(5)
    worker.method_queue = SimpleNamespace(defer=lambda work: None)
    worker.handle_exit(None, None)
    worker.nr_conns = 0  # and its clients go
    assert not turns.somebody_has_fewer(5)


@pytest.mark.parametrize("others", [4, 5, None])
def test_whoever_has_no_more_than_the_others_takes_it_at_once(worker, listener, others):
    if others is not None:
        turns.note(2, others)
    worker.nr_conns = 4
    with socket.create_connection(listener.getsockname()):
        worker.accept(listener)
    assert (len(worker.taken), worker.nr_conns) == (1, 5)


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


def test_a_count_that_went_wrong_ends_no_worker():
    seen = Turns()
    seen.note(1, -1)
    assert seen.somebody_has_fewer(1)
