"""More lines than fit in memory, in order: sorted in runs that lie in temporary files, merged as they are read."""

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO

IN_MEMORY = 50_000
MOST_RUNS = 200  # files open at once


class SortedSpool:
    """Lines that end in a newline and have no other; they come back sorted, as often as they are asked for.

    The files have no name, so nothing is left behind when the process is killed.
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
    # Bytes that are no UTF-8 travel as lone surrogates, and only \n ends a line.
    run = tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogateescape", newline="\n")  # noqa: SIM115
    run.writelines(lines)
    return run


def _from_start(run: IO[str]) -> IO[str]:
    run.seek(0)
    return run
