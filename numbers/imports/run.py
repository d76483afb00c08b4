"""Import a file of numbers: check every record, sort the rows, add them in chunks.

Memory is bounded whatever the file's length. Every problem is reported with its line number. Each
chunk is a transaction of its own: after an interruption, the same import adds the rest. With
`atomic` all of it is one transaction.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from typing import NamedTuple
from uuid import UUID

from config.actors import Actor
from config.db.transactions import Transaction, run_transaction
from config.errors import ValidationFailed
from numbers.imports import loader
from numbers.imports.cells import BadCell
from numbers.imports.external_sort import SortedSpool
from numbers.imports.layout import Layout, Options, detect_layout, separator_line
from numbers.imports.loader import Batch, Chunk
from numbers.imports.reader import (
    CountedBytes,
    Line,
    Source,
    known_encoding,
    numbered_lines,
    open_text,
)
from numbers.imports.records import read_head, read_records
from numbers.imports.rows import LineReader

CHUNK = 25_000
_STEP = 2_000  # lines between two progress reports
# Called with the step ("checking", "adding"), its progress and its total, None if unknown: bytes
# while checking, numbers while adding. An exception that it raises ends the import.
Progress = Callable[[str, int, int | None], object]


class Rejection(NamedTuple):
    line: int
    reason: str
    text: str

    @property
    def printable(self) -> str:
        """Return the line for a page: shortened, without control characters."""
        text = self.text[:200].replace("\n", "\u23ce")
        return "".join(one if one.isprintable() else "\ufffd" for one in text)


@dataclass(slots=True)
class Outcome:
    """The outcome of an import; of a dry run, what it would be.

    Every record of the file is created, unchanged or rejected: the three add up to `lines`.
    """

    layout: Layout
    lines: int = 0
    created: int = 0
    unchanged: int = 0
    batch_id: UUID | None = None
    _rejections: SortedSpool = field(default_factory=SortedSpool)

    @property
    def rejected(self) -> int:
        return len(self._rejections)

    def reject(self, line: int, reason: str, text: str) -> None:
        self._rejections.add(f"{line:012}\t{reason}\0{_one_line(text)}\n")

    def rejections(self) -> Iterator[Rejection]:
        """Yield all rejections in the order of their lines."""
        for entry in self._rejections:
            line, _, rest = entry[:-1].partition("\t")
            reason, _, text = rest.partition("\0")
            yield Rejection(int(line), reason, _as_it_was(text))


class _Refused(Exception):
    """Rolls an atomic import back: a number came into stock since, with other attributes."""

    def __init__(self, chunk: Chunk, texts: dict[int, str]) -> None:
        super().__init__(f"{len(chunk.differing)} numbers differ")
        self.chunk, self.texts = chunk, texts


def import_numbers(
    source: Source,
    *,
    options: Options,
    actor: Actor,
    atomic: bool = False,
    dry_run: bool = False,
    progress: Progress = lambda doing, done, total: None,
) -> Outcome:
    """Add the numbers of a file to the stock, and collect rejected lines with their reasons.

    `atomic`: all lines or none. `dry_run`: write nothing. Raise ValidationFailed, before anything
    is written, if the file cannot be read. Backorders are filled afterwards.
    """
    rows = SortedSpool()
    outcome = _check(source, options, rows, progress)
    batch = Batch(actor, f"import of {source.name}"[:256])
    loading = _Loading(rows, outcome, batch, progress)
    if dry_run or atomic:
        loading.compare()
    if dry_run:
        return outcome
    if atomic:
        loading.add_all_or_none()
    else:
        loading.add()
    return outcome


def _check(source: Source, options: Options, rows: SortedSpool, progress: Progress) -> Outcome:
    """Check every line on its own, and add the good ones to `rows`."""
    if options.encoding:
        known_encoding(options.encoding)
    counted = CountedBytes(source.stream)
    lines = numbered_lines(open_text(counted, options.encoding))
    layout, records = read_layout(lines, options)
    reader, outcome = LineReader(layout, options), Outcome(layout)
    for record in records:
        if record.number % _STEP == 0:
            progress("checking", counted.read_so_far, source.size)
        if reader.is_blank(record.text):
            continue
        outcome.lines += 1
        try:
            if record.problem:
                raise BadCell(record.problem)
            rows.add(f"{reader.row(record.number, record.text)}\0{_one_line(record.text)}\n")
        except BadCell as problem:
            guessed = outcome.lines == 1 and options.has_header is None and not layout.has_header
            hint = " (taken for data: pass --header if it names the columns)" if guessed else ""
            outcome.reject(record.number, f"{problem}{hint}", record.text)
    progress("checking", counted.read_so_far, source.size)
    return outcome


def read_layout(
    lines: Iterator[Line], options: Options, detect: Callable[..., Layout] = detect_layout
) -> tuple[Layout, Iterator[Line]]:
    """Return the layout, and the records below the header, or all records without one."""
    separator = None
    for line in lines:
        if line.too_long:
            raise ValidationFailed(
                details={"file": f"has a line {line.number} that is too long for a CSV file"}
            )
        first = line._replace(text=line.text.lstrip("\ufeff")) if line.number == 1 else line
        if first.number == 1 and (separator := separator_line(first.text)):
            continue
        if first.text.strip():
            head = read_head(first, lines, options.delimiter or separator)
            layout = detect("\n".join(one.text for one in head), options, separator=separator)
            rest = lines if layout.has_header else chain(head, lines)
            return layout, read_records(iter(rest), layout.delimiter)
    raise ValidationFailed(details={"file": "has no lines"})


def _one_line(text: str) -> str:
    """Return a record as one line of a spool, as JSON if it has several."""
    return text if "\n" not in text and text[:1] != "\x01" else f"\x01{json.dumps(text)}"


def _as_it_was(text: str) -> str:
    return json.loads(text[1:]) if text[:1] == "\x01" else text


class _Loading:
    """The sorted rows, compared with and added to the stock."""

    def __init__(
        self, rows: SortedSpool, outcome: Outcome, batch: Batch, progress: Progress
    ) -> None:
        self._rows, self._outcome, self._batch, self._progress = rows, outcome, batch, progress
        self._done = 0

    def compare(self) -> None:
        """Count what would be created, and reject rows that differ from the stock."""
        batch_id = self._outcome.batch_id = self._batch.find()
        for rows, texts in self._chunks(rejecting=True):
            compare = partial(_compare_chunk, rows=rows, batch_id=batch_id)
            self._note(run_transaction(compare), texts)

    def add(self) -> None:
        self._outcome.batch_id = self._batch.find()
        for rows, texts in self._chunks(rejecting=True):
            batch_id = self._outcome.batch_id
            add = partial(_add_chunk, rows=rows, batch=self._batch, batch_id=batch_id)
            self._note(run_transaction(add), texts)

    def add_all_or_none(self) -> None:
        """Add all rows in one transaction, or none. Call it after `compare`."""
        outcome, would_be = self._outcome, self._outcome.created
        outcome.created = 0
        if outcome.rejected or not would_be:
            return
        outcome.unchanged = 0
        try:
            for chunk in run_transaction(self._add_chunks):
                self._note(chunk, {})
        except _Refused as refused:
            self._note(Chunk(0, 0, refused.chunk.differing, None), refused.texts)

    def _add_chunks(self, tx: Transaction) -> list[Chunk]:
        """Add all rows in the open transaction. Raise _Refused for the first that differ."""
        chunks: list[Chunk] = []
        batch_id = self._batch.find()
        for rows, texts in self._chunks(rejecting=False):
            chunk = _add_chunk(tx, rows=rows, batch=self._batch, batch_id=batch_id)
            batch_id = chunk.batch_id
            chunks.append(chunk)
            if chunk.differing:
                raise _Refused(chunk, texts)
        return chunks

    def _chunks(self, *, rejecting: bool) -> Iterator[tuple[list[str], dict[int, str]]]:
        """Yield chunks of distinct rows as COPY takes them, with the lines that they come from."""
        self._done = 0
        self._progress("adding", 0, len(self._rows))
        distinct = self._distinct(rejecting)
        while chunk := list(islice(distinct, CHUNK)):
            yield (
                [row for row, _ in chunk],
                {int(row[row.index("\t") + 1 :][:12]): text for row, text in chunk},
            )
            self._progress("adding", self._done, len(self._rows))

    def _distinct(self, rejecting: bool) -> Iterator[tuple[str, str]]:
        known, known_line = "", ""
        for entry in self._rows:
            self._done += 1
            row, _, text = entry[:-1].partition("\0")
            number, line, _ = row.split("\t", 2)
            if number != known:
                known, known_line = number, line
                yield row, text
            elif rejecting:
                self._outcome.reject(
                    int(line), f"{number} repeats line {int(known_line)}", _as_it_was(text)
                )

    def _note(self, chunk: Chunk, texts: dict[int, str]) -> None:
        outcome = self._outcome
        outcome.created += chunk.created
        outcome.unchanged += chunk.unchanged
        outcome.batch_id = chunk.batch_id
        for line, number, differences in chunk.differing:
            outcome.reject(
                line, f"{number} is already in stock with {differences}", _as_it_was(texts[line])
            )


def _compare_chunk(_: Transaction, *, rows: list[str], batch_id: UUID | None) -> Chunk:
    loader.disable_timeouts()
    return loader.compare_chunk(rows, batch_id=batch_id)


def _add_chunk(_: Transaction, *, rows: list[str], batch: Batch, batch_id: UUID | None) -> Chunk:
    loader.disable_timeouts()
    return loader.add_chunk(rows, batch=batch, batch_id=batch_id)
