"""Split a CSV file into records by RFC 4180: a quoted line break belongs to its field.

A record that cannot be read is yielded line by line, each with the reason, so that no line is lost.
Lines after an unclosed quote may be text, so none of them is taken for data.
"""

import csv
import re
from collections.abc import Iterator

from numbers.imports.cells import BadCell
from numbers.imports.reader import LONGEST_LINE, TOO_LONG, Line

DELIMITERS = ",;\t|"
_QUOTED = re.compile(r'"[^"]*("|$)')


_BEHIND = "stands behind the quote"


def read_records(lines: Iterator[Line], delimiter: str) -> Iterator[Line]:
    """Yield every record, or each line of one that cannot be read."""
    for line in lines:
        if '"' in line.text and not line.problem and is_open(line.text, delimiter):
            yield from _joined(line, lines, delimiter)
            continue
        yield line
        if line.odd_quotes:
            yield from _to_closing_quote(line.number, lines, delimiter)


def read_head(first: Line, lines: Iterator[Line], delimiter: str | None) -> list[Line]:
    """Return the lines of the first record. The delimiter may not be known yet."""
    head, text = [first], first.text
    while is_open(text, delimiter or sniff_delimiter(text)):
        line = next(lines, None)
        if line is None or line.too_long or len(text) > LONGEST_LINE:
            break
        head.append(line)
        text += "\n" + line.text
    return head


def sniff_delimiter(text: str) -> str:
    """Return the delimiter that occurs most often outside of quotes."""
    outside = _QUOTED.sub("", text)
    return max(DELIMITERS, key=lambda delimiter: (outside.count(delimiter), delimiter == ","))


def split_record(text: str, delimiter: str) -> list[str]:
    """Return the cells of a record. Raise BadCell if its quotes do not match."""
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True, skipinitialspace=True))
    except csv.Error:
        raise BadCell("has a quote that is not closed, or text after one that is") from None


def given_back(text: str, reason: str, delimiter: str) -> list[str]:
    """Return a rejected record as cells of a file to be fixed.

    A line that was not read as a record is put into one cell with an open quote, so that it is
    rejected again until an operator has fixed it.
    """
    if reason.startswith((_BEHIND, TOO_LONG)):
        return [f'"{text}']
    try:
        return split_record(text, delimiter)
    except BadCell:
        return [text]


def is_open(text: str, delimiter: str, *, inside: bool = False) -> bool:
    """Return whether the text ends inside a quoted field. `inside`: it begins in one."""
    at = 0
    while True:
        if not inside:
            while text.startswith(" ", at):
                at += 1
            if not text.startswith('"', at):
                at = text.find(delimiter, at) + 1
                if not at:
                    return False
                continue
            at += 1
        closing = text.find('"', at)
        while closing >= 0 and text.startswith('""', closing):
            closing = text.find('"', closing + 2)
        if closing < 0:
            return True
        at = text.find(delimiter, closing) + 1
        if not at:
            return False
        inside = False


def _joined(first: Line, lines: Iterator[Line], delimiter: str) -> Iterator[Line]:
    """Yield the record that begins here, or its lines one by one if it cannot be read."""
    parts, size = [first], len(first.text)
    problem, still_open = "has a quote that is never closed", True
    for line in lines:
        parts.append(line)
        size += len(line.text) + 1
        still_open = _stays_open(line, delimiter)
        if line.too_long or size > LONGEST_LINE:
            problem = "has a quoted field that is too long, or a quote that is not closed"
            break
        if not still_open:
            text = "\n".join(part.text for part in parts)
            try:
                split_record(text, delimiter)
            except BadCell as error:
                problem = str(error)
                break
            yield Line(first.number, text)
            return
    yield Line(first.number, first.text, problem)
    for part in parts[1:]:
        yield Line(part.number, part.text, _behind(first.number))
    if still_open:
        yield from _to_closing_quote(first.number, lines, delimiter)


def _to_closing_quote(opened: int, lines: Iterator[Line], delimiter: str) -> Iterator[Line]:
    for line in lines:
        yield Line(line.number, line.text, _behind(opened))
        if not _stays_open(line, delimiter):
            return


def _stays_open(line: Line, delimiter: str) -> bool:
    if line.too_long:
        return not line.odd_quotes
    return is_open(line.text, delimiter, inside=True)


def _behind(line: int) -> str:
    return f"{_BEHIND} that line {line} opens, and may be text"
