"""Write rejected lines as a CSV file to be fixed and imported again, with a column of reasons."""

import csv
import io
from collections.abc import Iterable, Iterator

from config.db.copy import inert
from numbers.imports.layout import Layout, key_of
from numbers.imports.records import given_back
from numbers.imports.run import Rejection


def rejected_lines(layout: Layout, rejections: Iterable[Rejection]) -> Iterator[bytes]:
    """Yield a header line, then one record for each rejection.

    The reason is the last column, which an import ignores. A line with unmatched quotes is put into
    one cell, so that it cannot include the lines after it.
    """
    names = list(layout.names)
    if not layout.has_header:
        names = [meaning or name for name, meaning in zip(names, layout.meanings, strict=True)]
    again = bool(names) and key_of(names[-1]) == "reason"
    yield _encoded([*names[: len(names) - again], "reason"], layout.delimiter)
    for rejection in rejections:
        cells = given_back(rejection.text, rejection.reason, layout.delimiter)
        if again and len(cells) == len(names):
            cells = cells[:-1]
        yield _encoded([*cells, rejection.reason], layout.delimiter)


def _encoded(cells: list[str], delimiter: str) -> bytes:
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="\n").writerow(
        [inert(cell) for cell in cells]
    )
    return line.getvalue().encode("utf-8", "surrogateescape")
