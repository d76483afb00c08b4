"""Write rejected lines as a CSV file to be fixed and imported again, with a column of reasons."""

import csv
import io
from collections.abc import Iterable, Iterator

from config.db.copy import inert
from numbers.imports.layout import Layout, key_of
from numbers.imports.records import given_back
from numbers.imports.run import Rejection

# The last column of a file of rejected lines.
REASON = "reason"


def rejected_lines(layout: Layout, rejections: Iterable[Rejection]) -> Iterator[bytes]:
    """Yield a header line, then one record for each rejection.

    The reason is the last column, which an import ignores. A line with unmatched quotes is put into
    one cell, so that it cannot include the lines after it.
    """
    names = header_of(layout)
    again = bool(names) and key_of(names[-1]) == REASON
    yield _encoded([*names[: len(names) - again], REASON], layout.delimiter)
    for rejection in rejections:
        cells = given_back(rejection.text, rejection.reason, layout.delimiter)
        if again and len(cells) == len(names):
            cells = cells[:-1]
        yield _encoded([*cells, rejection.reason], layout.delimiter)


def header_of(layout: Layout) -> list[str]:
    """Return the names of the columns in a file of rejected lines, without the reasons."""
    if layout.has_header:
        return list(layout.names)
    pairs = zip(layout.names, layout.meanings, strict=True)
    return [meaning or name for name, meaning in pairs]


def mapping_like(before: Layout, now: Layout) -> dict[str, str]:
    """Return the mapping that gives the columns of a mended file the meanings that they had.

    Columns are matched by position if the header is the same or there is none, else by name.
    """
    header, columns = header_of(before), list(now.names)
    if len(columns) == len(header) + 1 and (not now.has_header or key_of(columns[-1]) == REASON):
        columns.pop()
    meanings = [meaning or "ignore" for meaning in before.meanings]
    if len(columns) == len(header) and (columns == header or not now.has_header):
        found: list[str | None] = list(meanings)
    else:
        by_name = dict(zip(header, meanings, strict=True))
        found = [by_name.get(name) for name in columns]
    return {f"#{place}": meaning for place, meaning in enumerate(found, 1) if meaning}


def _encoded(cells: list[str], delimiter: str) -> bytes:
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="\n").writerow(
        [inert(cell) for cell in cells]
    )
    return line.getvalue().encode("utf-8", "surrogateescape")
