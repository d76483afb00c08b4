"""The base of management commands: JSON output, one-line errors, exit codes.

0: done. 1: refused, or a check failed. 2: the command line is wrong, as in argparse.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError
from psycopg import errors

from config.actors import Actor, command_actor
from config.api.parse_values import is_text
from config.db.fields import LARGEST_AMOUNT
from config.db.sqlstates import is_unavailable, sqlstate_of
from config.errors import ApiError

_UNDEFINED = (errors.UndefinedTable.sqlstate, errors.UndefinedColumn.sqlstate)


class DeskCommand(BaseCommand):
    """The base of commands. Subclasses declare arguments, write ``handle`` and call ``answer``.

    With ``--json`` stdout is one JSON document, and everything else goes to stderr. An error is
    one line on stderr that names the argument and the remedy, never a traceback.
    """

    requires_system_checks = []
    _arguments: list[argparse.Action] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        self._arguments = parser._actions
        # argparse would print the usage before each error. Here an error is one line.
        parser.print_usage = lambda file=None: None  # type: ignore[method-assign]
        return parser

    @property
    def name(self) -> str:
        return type(self).__module__.rpartition(".")[2]

    def new_actor(self) -> Actor:
        """Return the actor of history rows: this command, in this run."""
        return command_actor(self.name)

    def answer(self, document: dict[str, Any], text: str, *, json_wanted: bool) -> None:
        self.stdout.write(json.dumps(document, default=str) if json_wanted else text)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **self._typed(options))
        except ApiError as refusal:
            raise CommandError(self._one_line(refusal)) from refusal
        except (DatabaseError, InterfaceError, psycopg.Error) as error:
            raise CommandError(_database_trouble(error)) from error
        except BrokenPipeError:
            # The reader of stdout has closed it (`| head`). Python would raise again when it
            # flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except KeyboardInterrupt:
            raise CommandError("interrupted", returncode=130) from None

    def _typed(self, options: dict[str, Any]) -> dict[str, Any]:
        """Apply argparse's types to the keyword arguments of ``call_command``."""
        for action in self._arguments:
            value = options.get(action.dest)
            if callable(action.type) and isinstance(value, str | int | float | Decimal):
                try:
                    options[action.dest] = action.type(str(value))
                except argparse.ArgumentTypeError as error:
                    raise CommandError(f"{_shown(action)}: {error}", returncode=2) from None
        return options

    def _one_line(self, refusal: ApiError) -> str:
        """Return the error as one line that names the arguments and the remedy."""
        shown = {action.dest: _shown(action) for action in self._arguments}
        details = []
        for field, sentence in (refusal.details or {}).items():
            dest = field.partition("[")[0]  # an item of a list is scopes[1]
            details.append(f"{shown.get(dest, field)}: {sentence}")
        return "; ".join(details) or refusal.message


def _shown(action: argparse.Action) -> str:
    """Return the name that argparse uses: the longest spelling of an option."""
    return f"argument {max(action.option_strings, key=len, default=action.metavar or action.dest)}"


def _database_trouble(error: BaseException) -> str:
    first_line = str(error).strip().partition("\n")[0]
    if sqlstate_of(error) in _UNDEFINED:
        return f"the database is not migrated: run `python manage.py migrate` first ({first_line})"
    if is_unavailable(error):
        return f"the database can't be reached or is busy: check DATABASE_URL, then try again ({first_line})"
    return f"the database refused: {first_line}"


def money(*, minimum: Decimal, maximum: Decimal = LARGEST_AMOUNT) -> Callable[[str], Decimal]:
    """Return an argparse type: an amount in whole cents."""

    def parse(text: str) -> Decimal:
        if not re.fullmatch(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?", text, re.ASCII):
            raise argparse.ArgumentTypeError(f"{text!r} is not an amount such as 100.00")
        amount = Decimal(text)
        if not minimum <= amount <= maximum:
            raise argparse.ArgumentTypeError(f"{text} must be from {minimum} to {maximum}")
        # Three decimals may mean thousands, so 1.500 is not accepted as 1.50.
        if len(text.partition(".")[2]) > 2:
            raise argparse.ArgumentTypeError(
                f"{text} must be in whole cents, with at most two decimals"
            )
        return round(amount, 2)

    return parse


def whole_number(*, minimum: int, maximum: int) -> Callable[[str], int]:
    """Return an argparse type: an integer from ``minimum`` to ``maximum``."""

    def parse(text: str) -> int:
        if (
            not re.fullmatch(r"-?[0-9]{1,20}", text, re.ASCII)
            or not minimum <= int(text) <= maximum
        ):
            raise argparse.ArgumentTypeError(
                f"{text!r} must be a whole number from {minimum:,} to {maximum:,}"
            )
        return int(text)

    return parse


def line_of_text(*, maximum: int, minimum: int = 0) -> Callable[[str], str]:
    """Return an argparse type: printable text of bounded length, stripped."""

    def parse(text: str) -> str:
        text = text.strip()
        if len(text) < minimum or not is_text(text, longest=maximum):
            raise argparse.ArgumentTypeError(f"must be {minimum} to {maximum} printable characters")
        return text

    return parse


def one_of(choices: list[str]) -> Callable[[str], str]:
    """Return an argparse type: one of these words, in any case.

    It works for ``call_command`` too, which ignores argparse's ``choices``.
    """
    known = {choice.lower(): choice for choice in choices}

    def parse(text: str) -> str:
        if text.lower() not in known:
            raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(choices)}")
        return known[text.lower()]

    return parse
