import argparse
import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import phonenumbers
from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from config.commands import DeskCommand, line_of_text, money, one_of
from numbers.imports.layout import FIELDS, Options
from numbers.imports.reader import Source
from numbers.imports.records import DELIMITERS
from numbers.imports.rejects import rejected_lines
from numbers.imports.run import Outcome, import_numbers
from numbers.inventory.pricing import LARGEST_PRICE
from numbers.models import PhoneNumber

_SHOWN = 20


class Command(DeskCommand):
    help = (
        "Add the numbers of a CSV file (RFC 4180) to the stock. Columns may be in any order and "
        "are recognized by their header; numbers are in E.164 or national form. Good lines are "
        "imported, the others are reported by line: ambiguous values, such as the price 2,500, "
        "are rejected with how to write them. Numbers that are already in stock stay unchanged, "
        "so that a file can be imported again. Every line is created, unchanged or rejected. "
        "Exit code 1: a line was rejected, or the file could not be imported."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("file", metavar="FILE.csv", help="the file, or - for standard input")
        parser.add_argument("--atomic", action="store_true", help="all lines or none")
        parser.add_argument(
            "--dry-run", action="store_true", help="report what would happen, and write nothing"
        )
        parser.add_argument(
            "--rejected",
            metavar="FILE",
            help="write rejected lines here, with a header line and the reasons, to be fixed and imported again",
        )
        self._add_reading(parser)
        self._add_defaults(parser)

    def _add_reading(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="COLUMN=FIELD",
            help=f"the field of a column (its name, or its position from 1): {', '.join(FIELDS)}, ignore",
        )
        parser.add_argument(
            "--delimiter",
            type=_delimiter,
            metavar="CHAR",
            help="between cells; detected by default",
        )
        parser.add_argument(
            "--encoding",
            help="such as latin-1; UTF-8, and UTF-16 with a byte order mark, are detected",
        )
        parser.add_argument(
            "--header",
            action=argparse.BooleanOptionalAction,
            default=None,
            help="whether the first line names the columns; by default it does if it has a known name and no cell "
            "that may be data",
        )
        regions = sorted(phonenumbers.SUPPORTED_REGIONS)
        parser.add_argument(
            "--region",
            type=one_of(regions),
            default="US",
            metavar="CC",
            help="country of national numbers; default: US",
        )

    def _add_defaults(self, parser: CommandParser) -> None:
        group = parser.add_argument_group("defaults for numbers without a value in the file")
        cents = money(minimum=Decimal("0.00"), maximum=LARGEST_PRICE)
        group.add_argument(
            "--price", type=cents, help="1.00 if neither the file nor this states one"
        )
        group.add_argument(
            "--monthly-price", type=cents, help="0.00 if neither the file nor this states one"
        )
        group.add_argument(
            "--number-type",
            type=one_of(PhoneNumber.Type.values),
            metavar="TYPE",
            help="default: what follows from the number",
        )
        for kind in ("sms", "mms"):
            group.add_argument(
                f"--{kind}",
                action=argparse.BooleanOptionalAction,
                default=None,
                help=f"can carry {kind.upper()}; default: yes",
            )
        group.add_argument(
            "--carrier", type=line_of_text(maximum=64), default="", help="where they come from"
        )
        group.add_argument("--sandbox", action="store_true", help="test numbers")

    def handle(self, **options: Any) -> None:
        _check_rejected(options["rejected"], options["file"])
        with (
            _opened(options["file"]) as source,
            _Bars(hidden=options["json"] and not sys.stderr.isatty()) as bars,
        ):
            outcome = import_numbers(
                source,
                options=_options_of(options),
                actor=self.new_actor(),
                atomic=options["atomic"],
                dry_run=options["dry_run"],
                progress=bars.show,
            )
        if options["rejected"]:
            _write_rejected(options["rejected"], outcome)
        if options["json"]:
            self._stream_json(outcome, options)
        else:
            self._print_outcome(outcome, options)
        if outcome.rejected:
            none = (
                " and nothing was imported" if options["atomic"] and not options["dry_run"] else ""
            )
            lines = "line was" if outcome.rejected == 1 else "lines were"
            raise CommandError(f"{outcome.rejected:,} {lines} rejected{none}")

    def _print_outcome(self, outcome: Outcome, options: dict[str, Any]) -> None:
        if outcome.layout.ignored:
            self.stderr.write(f"ignored columns: {', '.join(outcome.layout.ignored)}")
        verb = "would be created" if options["dry_run"] else "created"
        self.stdout.write(
            f"{outcome.created:,} {verb}, {outcome.unchanged:,} unchanged, {outcome.rejected:,} "
            f"rejected of {outcome.lines:,} lines"
        )
        for rejection in islice(outcome.rejections(), _SHOWN):
            self.stdout.write(f"line {rejection.line}: {rejection.reason}")
        if outcome.rejected > _SHOWN:
            self.stdout.write(
                f"… and {outcome.rejected - _SHOWN:,} more: --rejected FILE has all of them"
            )

    def _stream_json(self, outcome: Outcome, options: dict[str, Any]) -> None:
        """Stream one JSON document, since a million lines can be rejected."""
        head = {
            "created": outcome.created,
            "unchanged": outcome.unchanged,
            "lines": outcome.lines,
            "batch_id": None if outcome.batch_id is None else str(outcome.batch_id),
            "atomic": options["atomic"],
            "dry_run": options["dry_run"],
            "ignored_columns": outcome.layout.ignored,
        }
        self.stdout.write(json.dumps(head)[:-1] + ', "rejected": [', ending="")
        separator = ""
        for rejection in outcome.rejections():
            entry = {"line": rejection.line, "reason": rejection.reason}
            self.stdout.write(separator + json.dumps(entry), ending="")
            separator = ", "
        self.stdout.write("]}")


class _Bars:
    """A progress bar for each step, with rate and time left."""

    def __init__(self, *, hidden: bool) -> None:
        self._hidden, self._doing = hidden, ""
        self._bar: Any = None

    def __enter__(self) -> "_Bars":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, doing: str, done: int, total: int | None) -> None:
        if doing != self._doing or self._bar is None or done < self._bar.n:
            self.__exit__()
            unit = "B" if doing == "checking" else " numbers"
            # Delayed, so that an immediate error stays one line.
            self._bar = tqdm(
                total=total, desc=doing, unit=unit, unit_scale=True, delay=0.5, disable=self._hidden
            )
            self._doing = doing
        self._bar.update(done - self._bar.n)


@contextmanager
def _opened(name: str) -> Iterator[Source]:
    if name == "-":
        yield Source(sys.stdin.buffer, "standard input")
        return
    try:
        file = open(name, "rb")  # noqa: SIM115  closed below
    except (OSError, ValueError) as error:
        raise CommandError(f"argument FILE.csv: {_reason(error)}: {name}") from None
    with file:
        about = os.fstat(file.fileno())
        yield Source(file, Path(name).name, about.st_size if stat.S_ISREG(about.st_mode) else None)


def _check_rejected(name: str | None, source: str) -> None:
    """Raise CommandError if rejected lines would go where the file itself is, or to no file."""
    if name == "-":
        raise CommandError("argument --rejected: must be the name of a file, not -")
    if name and source != "-" and os.path.realpath(name) == os.path.realpath(source):
        raise CommandError(
            "argument --rejected: must not be the imported file, which would be lost"
        )


def _write_rejected(name: str, outcome: Outcome) -> None:
    try:
        with open(name, "wb") as file:
            file.writelines(rejected_lines(outcome.layout, outcome.rejections()))
    except OSError as error:
        raise CommandError(f"argument --rejected: {_reason(error)}: {name}") from None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _options_of(options: dict[str, Any]) -> Options:
    return Options(
        mapping=_mapping(options["map"]),
        delimiter=options["delimiter"],
        encoding=options["encoding"],
        has_header=options["header"],
        region=options["region"],
        price=options["price"],
        monthly_price=options["monthly_price"],
        number_type=options["number_type"],
        sms_enabled=options["sms"],
        mms_enabled=options["mms"],
        carrier=options["carrier"],
        sandbox=options["sandbox"],
    )


def _mapping(entries: list[str]) -> dict[str, str]:
    mapping = {}
    for entry in entries:
        column, separator, field = entry.rpartition("=")
        if not separator or not column:
            raise CommandError(f"argument --map: {entry!r} is not COLUMN=FIELD", returncode=2)
        mapping[column.strip()] = field.strip()
    return mapping


def _delimiter(text: str) -> str:
    """Return the delimiter that an argument names."""
    character = {"tab": "\t", r"\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}.get(
        text.lower(), text
    )
    if character not in DELIMITERS or len(character) != 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not one of comma, semicolon, tab or pipe")
    return character
