"""Doing things at once, with real connections and commits (mark the test ``transaction=True``)."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection

Result = TypeVar("Result")


def run_together(*works: Callable[[], Result]) -> list[Result]:
    """What each work gives, all begun at the same moment, in a thread and with a connection of its own."""
    barrier = Barrier(len(works))

    def one(work: Callable[[], Result]) -> Result:
        try:
            barrier.wait(timeout=30)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(one, work) for work in works]]


def sorted_statuses(responses: Sequence[object]) -> list[int]:
    return sorted(response.status_code for response in responses)  # type: ignore[attr-defined]
