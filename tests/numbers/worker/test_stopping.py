"""How a worker ends: what it waits for, and what makes it hurry."""

import signal
from typing import Any

import pytest

from numbers.worker import run
from numbers.worker.run import Worker


class Step:
    """A thread that ends once it has been waited for."""

    name = "a step"

    def __init__(self) -> None:
        self.waited = False

    def is_alive(self) -> bool:
        return not self.waited

    def join(self, seconds: float) -> None:
        self.waited = True

    def wake(self) -> None:
        pass


def ending(*signals: int) -> bool:
    """Return whether a worker let its step end, with these signals after the first."""
    worker = Worker()
    steps: Any = [Step()]
    worker._lanes = steps
    for number in signals:
        worker._signals.put(number)
    return worker._end()


def test_step_ends_after_one_signal() -> None:
    assert ending() is True


def test_step_ends_after_a_signal_sent_twice_at_once() -> None:
    assert ending(signal.SIGTERM, signal.SIGTERM) is True


def test_later_signal_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "TOGETHER_SECONDS", 0.0)
    assert ending(signal.SIGTERM) is False
