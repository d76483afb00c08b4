"""Read the file of an import as text: its encoding, and its lines with their numbers.

The file is not trusted: it may be a zip bomb, one line of a gigabyte, or binary. Memory is bounded
by LONGEST_LINE.
"""

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from config.errors import ValidationFailed

LONGEST_LINE = 16_384
_HEAD = 4_096
# Files that are not a list of numbers, by their first bytes, and what to do about each.
_NOT_TEXT = {
    b"\x1f\x8b": "is compressed with gzip: unpack it first, gunzip -c FILE | … import_numbers -",
    b"PK\x03\x04": "is a zip archive or a spreadsheet (.xlsx, .ods): unpack it, or save the sheet as CSV",
    b"PK\x05\x06": "is an empty zip archive",
    b"BZh": "is compressed with bzip2: unpack it first",
    b"\xfd7zXZ\x00": "is compressed with xz: unpack it first",
    b"\x28\xb5\x2f\xfd": "is compressed with zstd: unpack it first",
    b"7z\xbc\xaf\x27\x1c": "is a 7z archive: unpack it first",
    b"Rar!": "is a rar archive: unpack it first",
    b"\xd0\xcf\x11\xe0": "is an old spreadsheet (.xls): save the sheet as CSV",
    b"%PDF": "is a PDF: a CSV file is needed",
    codecs.BOM_UTF32_LE: "is UTF-32: save it as UTF-8",
    codecs.BOM_UTF32_BE: "is UTF-32: save it as UTF-8",
}
_BY_MARK = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


TOO_LONG = "is too long for a line of a list of numbers"


class Line(NamedTuple):
    """A line without its line ending, or a record of several lines joined by a newline."""

    number: int  # of its first line, as an editor counts
    text: str  # of a line that is too long, its beginning
    problem: str = ""  # why it can't be read
    odd_quotes: bool = False  # of a line that is too long: whether it leaves a quoted field open

    @property
    def too_long(self) -> bool:
        return self.problem == TOO_LONG


@dataclass(slots=True)
class Source:
    """Where lines come from. `size` is in bytes, None if unknown."""

    stream: BinaryIO
    name: str
    size: int | None = None


class CountedBytes(io.RawIOBase):
    """A binary stream that counts the bytes read."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.read_so_far = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self.read_so_far += len(data)
        return len(data)


def open_text(counted: CountedBytes, encoding: str | None = None) -> io.TextIOWrapper:
    """Return the stream as text. Raise ValidationFailed if it is not text."""
    buffered = io.BufferedReader(counted, 1 << 16)
    head = buffered.peek(_HEAD)[:_HEAD]
    for start, problem in _NOT_TEXT.items():
        if head.startswith(start):
            raise ValidationFailed(details={"file": problem})
    # A byte order mark overrides the given encoding, as in the WHATWG decoder.
    encoding = _marked_encoding(head) or encoding or _guessed_encoding(head)
    # Invalid UTF-8 is kept, so that its line can be rejected and returned byte for byte.
    errors = "surrogateescape" if encoding.startswith("utf-8") else "replace"
    return io.TextIOWrapper(buffered, encoding=encoding, errors=errors, newline="")


def _marked_encoding(head: bytes) -> str | None:
    return next((encoding for mark, encoding in _BY_MARK.items() if head.startswith(mark)), None)


def _guessed_encoding(head: bytes) -> str:
    if head.count(0) * 5 > len(head):
        raise ValidationFailed(
            details={
                "file": "is not text, or UTF-16 without its mark (NUL bytes): save it as CSV in UTF-8"
            }
        )
    return "utf-8"


def known_encoding(name: str) -> str:
    """Return the canonical name of an encoding.

    Raise ValidationFailed if Python does not know it.
    """
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        found = None
    if found is None or not found._is_text_encoding:
        raise ValidationFailed(
            details={"encoding": f"{name!r} is not known: give one such as utf-8 or latin-1"}
        )
    return found.name


def numbered_lines(text: io.TextIOWrapper) -> Iterator[Line]:
    """Yield the lines, numbered as an editor numbers them."""
    number = 0
    while piece := text.readline(LONGEST_LINE + 2):
        number += 1
        line = piece.rstrip("\r\n")
        if len(line) <= LONGEST_LINE:
            yield Line(number, line)
            continue
        quotes = piece.count('"')
        while piece and piece[-1] not in "\r\n":
            piece = text.readline(LONGEST_LINE)
            quotes += piece.count('"')
        yield Line(number, line[:200], TOO_LONG, quotes % 2 == 1)
