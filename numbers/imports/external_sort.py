"""External merge sort: sort more lines than fit in memory, in runs on disk."""

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO

IN_MEMORY = 50_000
MOST_RUNS = 200  # files open at once


class SortedSpool:
    """Lines that are iterated in sorted order, any number of times.

    Each line must end in a newline and contain no other. The files have no name, so a killed
    process leaves nothing behind.
    """

    def __init__(self, *, in_memory: int = IN_MEMORY) -> None:
        self._in_memory = in_memory
        self._lines: list[str] = []
        self._runs: list[IO[str]] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, line: str) -> None:
        self._lines.append(line)
        self._count += 1
        if len(self._lines) >= self._in_memory:
            self._runs.append(_written(sorted(self._lines)))
            self._lines.clear()
            if len(self._runs) >= MOST_RUNS:
                self._runs = [_written(heapq.merge(*map(_from_start, self._runs)))]

    def __iter__(self) -> Iterator[str]:
        self._lines.sort()
        return heapq.merge(*map(_from_start, self._runs), self._lines)


def _written(lines: Iterable[str]) -> IO[str]:
    # Invalid UTF-8 is kept as lone surrogates, and only \n ends a line.
    run = tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogateescape", newline="\n")  # noqa: SIM115
    run.writelines(lines)
    return run


def _from_start(run: IO[str]) -> IO[str]:
    run.seek(0)
    return run
