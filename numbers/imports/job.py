"""Imports from the admin: the uploaded file is stored in the database until its job is done."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from decimal import Decimal
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from config.actors import Actor
from config.errors import ValidationFailed
from numbers.imports.cells import BadCell
from numbers.imports.layout import Layout, Options, propose_layout
from numbers.imports.reader import CountedBytes, Source, numbered_lines, open_text
from numbers.imports.records import split_record
from numbers.imports.rejects import mapping_like
from numbers.imports.rows import LineReader
from numbers.imports.run import Outcome, Rejection, import_numbers, read_layout
from numbers.models import Job, JobInput, JobOutcome
from numbers.worker.jobs import JobContext

KIND = "import"
_PIECE = 1 << 20
_PREVIEWED = 10
_AMOUNTS = ("price", "monthly_price")
_KEEP = (
    "COPY numbers_joboutcome (job_id, position, subject, outcome) FROM STDIN WITH (FORMAT BINARY)"
)


class StoredFile(io.RawIOBase):
    """The stored file of a job, read piece by piece."""

    def __init__(self, job_id: UUID) -> None:
        self._job_id, self._position, self._rest = job_id, 0, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            piece = JobInput.objects.filter(job_id=self._job_id, position=self._position).first()
            if piece is None:
                return 0
            self._position, self._rest = self._position + 1, bytes(piece.data)
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)


def keep_file(*, name: str, pieces: Iterable[bytes], actor: Actor, like: Job | None = None) -> Job:
    """Store the file and create a draft import, with the settings of the import ``like``.

    Raise ValidationFailed if it is not a list of numbers.
    """
    with transaction.atomic():
        job = Job.objects.create(
            kind=KIND, title=_printable(name), actor=str(actor), request_id=actor.request_id
        )
        size = 0
        for position, piece in enumerate(_sized(pieces)):
            JobInput.objects.create(job=job, position=position, data=piece)
            size += len(piece)
        job.parameters = {"size": size}
        job.save(update_fields=["parameters"])
        layout = layout_of(job, Options())
        if like is not None:
            job.parameters |= _parameters_like(like, layout)
            job.save(update_fields=["parameters"])
    return job


def _parameters_like(like: Job, layout: Layout) -> dict[str, Any]:
    """Return the settings of a finished import for a file with the lines that it rejected.

    How to read the file is detected: a spreadsheet may have saved it in another way.
    """
    options = replace(
        options_of(like.parameters),
        mapping=mapping_like(layout_when_done(like), layout),
        encoding=None,
        delimiter=None,
        has_header=None,
    )
    kept = parameters_of(options, atomic=like.parameters.get("atomic", False), dry_run=False)
    return {**kept, "like": {"id": str(like.pk), "title": like.title}}


def _printable(name: str) -> str:
    return "".join(character for character in name if character.isprintable())[-200:] or "upload"


def _sized(pieces: Iterable[bytes]) -> Iterator[bytes]:
    buffer = b""
    for piece in pieces:
        buffer += piece
        while len(buffer) >= _PIECE:
            yield buffer[:_PIECE]
            buffer = buffer[_PIECE:]
    if buffer:
        yield buffer


def prepare_again(job: Job, *, actor: Actor) -> Job | None:
    """Create a draft with the file of a finished job; return None if the file was removed."""
    with transaction.atomic():
        draft = Job.objects.create(
            kind=KIND,
            title=job.title,
            actor=str(actor),
            request_id=actor.request_id,
            parameters=job.parameters,
        )
        if job.inputs.update(job=draft):
            return draft
        transaction.set_rollback(True)
    return None


def layout_of(job: Job, options: Options) -> Layout:
    """Return the columns of the file, as far as they can be detected."""
    lines = numbered_lines(open_text(CountedBytes(StoredFile(job.pk)), options.encoding))
    return read_layout(lines, options, propose_layout)[0]


class Previewed(NamedTuple):
    line: int
    cells: list[str]
    number: str
    problem: str


def preview(job: Job, options: Options) -> tuple[Layout, list[Previewed]]:
    """Return the layout and the first lines, each with its number or its problem."""
    lines = numbered_lines(open_text(CountedBytes(StoredFile(job.pk)), options.encoding))
    layout, records = read_layout(lines, options, propose_layout)
    reader = LineReader(layout, options)
    shown = []
    for record in islice(records, _PREVIEWED):
        if reader.is_blank(record.text):
            continue
        number, problem = "", record.problem
        try:
            cells = split_record(record.text, layout.delimiter)
        except BadCell:
            cells = [record.text]
        try:
            if not problem:
                number = reader.row(record.number, record.text).partition("\t")[0]
        except BadCell as error:
            problem = str(error)
        shown.append(
            Previewed(
                record.number,
                [_shown(cell) for cell in cells[: len(layout.names)]],
                number,
                problem,
            )
        )
    return replace(layout, names=tuple(_shown(name) for name in layout.names)), shown


def _shown(cell: str) -> str:
    """Return a cell for a page, with a replacement character for each undecodable byte."""
    return cell[:60].encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def options_of(parameters: dict[str, Any]) -> Options:
    """Return the options that `parameters_of` stored."""
    stored = dict(parameters.get("options", {}))
    for name in _AMOUNTS:
        if stored.get(name) is not None:
            stored[name] = Decimal(stored[name])
    return Options(**stored)


def parameters_of(options: Options, *, atomic: bool, dry_run: bool) -> dict[str, Any]:
    stored = asdict(options)
    stored |= {name: None if stored[name] is None else str(stored[name]) for name in _AMOUNTS}
    return {"options": stored, "atomic": atomic, "dry_run": dry_run}


def prepare(job: Job, options: Options, *, atomic: bool, dry_run: bool, actor: Actor) -> bool:
    """Store the options and the actor of a draft; return False if it is no longer a draft.

    Events name the actor of the job: the operator who starts it, not the one who uploaded the file.
    """
    parameters = {**job.parameters, **parameters_of(options, atomic=atomic, dry_run=dry_run)}
    parameters.setdefault("uploaded_by", job.actor)
    changes = {"parameters": parameters, "actor": str(actor), "request_id": actor.request_id}
    return bool(Job.objects.filter(pk=job.pk, status=Job.Status.DRAFT).update(**changes))


def run_import(context: JobContext) -> dict[str, Any]:
    job, parameters = context.job, context.job.parameters
    outcome = import_numbers(
        Source(StoredFile(job.pk), job.title, parameters["size"]),  # type: ignore[arg-type]
        options=options_of(parameters),
        actor=context.actor,
        atomic=parameters["atomic"],
        dry_run=parameters["dry_run"],
        progress=context.progress,
    )
    _keep_rejections(context, outcome)
    return {
        "lines": outcome.lines,
        "created": outcome.created,
        "unchanged": outcome.unchanged,
        "rejected": outcome.rejected,
        "batch": None if outcome.batch_id is None else str(outcome.batch_id),
        "layout": asdict(outcome.layout),
    }


def _keep_rejections(context: JobContext, outcome: Outcome) -> None:
    job = context.job
    context.progress("noting", 0, outcome.rejected)
    with transaction.atomic():
        job.outcomes.all().delete()  # of an interrupted attempt
        with connection.cursor() as cursor, cursor.copy(_KEEP) as copy:
            copy.set_types(["uuid", "int8", "bytea", "varchar"])
            for rejection in outcome.rejections():
                subject = rejection.text.encode("utf-8", "surrogateescape")
                copy.write_row((job.pk, rejection.line, subject, rejection.reason[:512]))


def rejections_of(job: Job) -> Iterator[Rejection]:
    """Stream all lines that the job rejected."""
    after = 0
    while rows := list(
        JobOutcome.objects.filter(job=job, position__gt=after).order_by("position")[:2_000]
    ):
        for row in rows:
            yield Rejection(
                row.position, row.outcome, bytes(row.subject).decode("utf-8", "surrogateescape")
            )
        after = rows[-1].position


def layout_when_done(job: Job) -> Layout:
    layout = job.counts["layout"]
    return Layout(
        layout["delimiter"],
        tuple(layout["names"]),
        tuple(layout["meanings"]),
        layout["has_header"],
    )


def require_numbers(layout: Layout) -> None:
    """Raise ValidationFailed if an import with this layout could not start."""
    if any("\ufffd" in name for name in layout.names):
        raise ValidationFailed(
            details={
                "encoding": "The header line has another encoding: select it, then preview again."
            }
        )
    named = [meaning for meaning in layout.meanings if meaning]
    if "number" not in named:
        raise ValidationFailed(details={"": "Select the column that has the numbers."})
    if double := next((meaning for meaning in named if named.count(meaning) > 1), None):
        raise ValidationFailed(details={"": f"Two columns mean {double}: ignore one of them."})
