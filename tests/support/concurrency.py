"""Concurrent clients with threads and real commits, synchronized by events and locks."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from types import ModuleType, TracebackType
from typing import Any

import pytest
from django.db import connection, connections, transaction

from tests.support import db_assertions

PATIENCE = 30  # seconds, before a test that hangs fails


class Clients:
    """Threads that each have a connection of their own, like clients of a server."""

    def __init__(self, number: int) -> None:
        self.number = number
        self._executor = ThreadPoolExecutor(number)

    def __enter__(self) -> "Clients":
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown(wait=error is None, cancel_futures=True)

    def start(self, work: Callable[..., Any], *arguments: Any, **options: Any) -> "Future[Any]":
        def run() -> Any:
            try:
                return work(*arguments, **options)
            finally:
                connections.close_all()

        return self._executor.submit(run)

    def all_at_once(self, works: Iterable[Callable[[], Any]]) -> list[Any]:
        """Run each in a thread, none before all are there; their results in order."""
        works = list(works)
        assert len(works) <= self.number
        barrier = threading.Barrier(len(works))

        def run(work: Callable[[], Any]) -> Any:
            connection.ensure_connection()
            barrier.wait(PATIENCE)
            return work()

        return [future.result(PATIENCE) for future in [self.start(run, work) for work in works]]


def at_once(works: Iterable[Callable[[], Any]]) -> list[Any]:
    works = list(works)
    with Clients(len(works)) as clients:
        return clients.all_at_once(works)


class Gate:
    """Stop the first thread that passes until the gate is opened; later ones pass through."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self._first = threading.Lock()

    def pass_by(self) -> None:
        if self._first.acquire(blocking=False):
            self.reached.set()
            assert self.opened.wait(PATIENCE)

    def wait_for_someone(self) -> None:
        assert self.reached.wait(PATIENCE)

    def open(self) -> None:
        self.opened.set()


def gate_before(monkeypatch: pytest.MonkeyPatch, module: ModuleType, function: str) -> Gate:
    return _gate(monkeypatch, module, function, before=True)


def gate_after(monkeypatch: pytest.MonkeyPatch, module: ModuleType, function: str) -> Gate:
    return _gate(monkeypatch, module, function, before=False)


def _gate(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, function: str, *, before: bool
) -> Gate:
    gate, original = Gate(), getattr(module, function)

    def gated(*arguments: Any, **options: Any) -> Any:
        if before:
            gate.pass_by()
        result = original(*arguments, **options)
        if not before:
            gate.pass_by()
        return result

    monkeypatch.setattr(module, function, gated)
    return gate


@contextmanager
def uncommitted(change: Callable[[], Any] = lambda: None, *, commit: bool = True) -> Iterator[None]:
    """Make a change and keep its transaction open for the block; then commit it, or take it back."""
    with transaction.atomic():
        change()
        yield
        transaction.set_rollback(not commit)


OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def wait_until_blocked(number: int = 1) -> None:
    """Return when so many connections wait for a lock: PostgreSQL itself says that they got there."""
    wait_until(f"SELECT count(*) >= {number} {OTHERS} AND wait_event_type = 'Lock'")


def wait_until_idle() -> None:
    """Return when no other connection is at work: what a killed process had begun is rolled back then."""
    wait_until(f"SELECT count(*) = 0 {OTHERS} AND state IN ('active', 'idle in transaction')")


def wait_until(sql: str) -> None:
    for _ in range(PATIENCE * 100):
        if db_assertions.rows(sql)[0][0]:
            return
        # In a transaction PostgreSQL shows who was connected when it was first asked.
        db_assertions.rows("SELECT pg_stat_clear_snapshot() IS NULL, pg_sleep(0.01)")
    raise AssertionError(f"this did not become true: {sql}")
