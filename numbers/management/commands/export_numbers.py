import os
import re
import sys
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet
from tqdm import tqdm

from campaigns.registration import find_organization
from config.commands import DeskCommand, one_of
from config.db.copy import stream_csv
from numbers.inventory.export import COLUMNS, with_owner
from numbers.models import PhoneNumber


def _area_code(text: str) -> str:
    if re.fullmatch(r"[2-9][0-9]{2}", text, re.ASCII):
        return text
    raise ArgumentTypeError("must be three digits such as 415")


class Command(DeskCommand):
    help = (
        "Export the stock, or a part of it, as CSV: the columns of import_numbers, and each "
        "number's status and owner. The file is one snapshot. Text that a spreadsheet would run "
        "as a formula gets an apostrophe, which an import removes."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "file", nargs="?", default="-", metavar="FILE.csv", help="or -, standard output"
        )
        statuses, types = PhoneNumber.Status.values, PhoneNumber.Type.values
        parser.add_argument(
            "--status",
            type=one_of(statuses),
            metavar="STATUS",
            help=f"only numbers with this status: {', '.join(statuses)}",
        )
        parser.add_argument(
            "--number-type",
            type=one_of(types),
            metavar="TYPE",
            help=f"only numbers of this type: {', '.join(types)}",
        )
        parser.add_argument(
            "--area-code",
            type=_area_code,
            metavar="NPA",
            help="only numbers of this area code, such as 415",
        )
        parser.add_argument(
            "--organization", metavar="ID_OR_NAME", help="only what this organization owns now"
        )
        parser.add_argument(
            "--sandbox", action="store_true", help="test numbers instead of live ones"
        )

    def handle(self, **options: Any) -> None:
        rows = with_owner(_rows(options))
        if options["json"] and options["file"] == "-":
            raise CommandError(
                "argument --json: standard output already has the numbers: name a file",
                returncode=2,
            )
        hidden = options["json"] and not sys.stderr.isatty()
        with tqdm(unit=" numbers", unit_scale=True, delay=0.5, disable=hidden) as bar:
            if options["file"] == "-":
                _write(rows, getattr(sys.stdout, "buffer", None), bar)
                return
            count = self._to_file(rows, options["file"], bar)
        self.answer(
            {"exported": count, "file": options["file"]},
            f"exported {count:,} numbers to {options['file']}",
            json_wanted=options["json"],
        )

    def _to_file(self, rows: QuerySet[Any], name: str, bar: Any) -> int:
        """Write a temporary file, and replace the named one only once it is complete."""
        part = Path(f"{name}.part")
        try:
            with part.open("wb") as file:
                count = _write(rows, file, bar)
                os.fsync(file.fileno())
            part.replace(name)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise CommandError(f"argument FILE.csv: {error.strerror}: {name}") from None
        return count


def _write(rows: QuerySet[Any], file: BinaryIO | None, bar: Any) -> int:
    if file is None:
        raise CommandError(
            "argument FILE.csv: standard output does not accept bytes here: name a file"
        )
    count = 0

    def report(more: int) -> None:
        nonlocal count
        count += more
        bar.update(more)

    for chunk in stream_csv(rows, COLUMNS, report):
        file.write(chunk)
    file.flush()
    return count - 1  # the header


def _rows(options: dict[str, Any]) -> QuerySet[PhoneNumber]:
    rows = PhoneNumber.objects.filter(sandbox=options["sandbox"]).order_by("number")
    for name in ("status", "number_type", "area_code"):
        if options[name]:
            rows = rows.filter(**{name: options[name]})
    if options["organization"]:
        owner = find_organization(options["organization"])
        rows = rows.filter(assignments__organization=owner, assignments__ended_at__isnull=True)
    return rows
