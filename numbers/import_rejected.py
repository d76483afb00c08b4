"""Rejected lines as a file to mend and load again: the columns as they were, and one with the reason."""

import csv
import io
from collections.abc import Iterable, Iterator

from numbers.import_forms import BadCell
from numbers.import_lines import Layout, key_of, split_line
from numbers.importing import Rejection


def rejected_lines(layout: Layout, rejections: Iterable[Rejection]) -> Iterator[bytes]:
    """Line by line. The reason stands in a last column, which an import passes over."""
    names = list(layout.names)
    if not layout.has_header:
        names = [meaning or name for name, meaning in zip(names, layout.meanings, strict=True)]
    again = bool(names) and key_of(names[-1]) == "reason"
    yield _encoded([*names[: len(names) - again], "reason"], layout.delimiter)
    for rejection in rejections:
        try:
            cells = split_line(rejection.text, layout.delimiter)
        except BadCell:
            # As it was, to be mended by hand.
            yield rejection.text.encode("utf-8", "surrogateescape") + layout.delimiter.encode()
            yield _encoded([rejection.reason], layout.delimiter)
            continue
        if again and len(cells) == len(names):
            cells = cells[:-1]
        yield _encoded([*cells, rejection.reason], layout.delimiter)


def _encoded(cells: list[str], delimiter: str) -> bytes:
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="\n").writerow(cells)
    return line.getvalue().encode("utf-8", "surrogateescape")
