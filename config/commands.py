"""What every management command shares: one JSON document, one-line errors, exit codes.

0: done. 1: refused, or a check failed. 2: the command line itself is wrong, as argparse has it.
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

from config.actors import Actor, command_actor
from config.api.fields import is_text
from config.db.fields import LARGEST_AMOUNT
from config.errors import ApiError, is_unavailable, sqlstate_of

_UNDEFINED = ("42P01", "42703")  # undefined_table, undefined_column


class DeskCommand(BaseCommand):
    """Subclasses declare arguments and write ``handle``; they answer with ``self.answer``.

    With ``--json`` stdout is one JSON document, whatever else there is to say goes to stderr. Errors
    are one line on stderr that names the argument and the remedy, never a traceback.
    """

    requires_system_checks = []
    _arguments: list[argparse.Action] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document on stdout")

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        self._arguments = parser._actions
        # argparse would print the whole usage before each error, which is one line here; --help has it.
        parser.print_usage = lambda file=None: None  # type: ignore[method-assign]
        return parser

    @property
    def name(self) -> str:
        return type(self).__module__.rpartition(".")[2]

    def new_actor(self) -> Actor:
        """Who history rows name: this command, in this run of it."""
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
            # Whoever read stdout has gone (`| head`): nobody is left to tell. Python would complain
            # once more when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except KeyboardInterrupt:
            raise CommandError("interrupted", returncode=130) from None

    def _typed(self, options: dict[str, Any]) -> dict[str, Any]:
        """``call_command`` hands over keyword arguments as they are, without argparse's types."""
        for action in self._arguments:
            value = options.get(action.dest)
            if callable(action.type) and isinstance(value, str | int | float | Decimal):
                try:
                    options[action.dest] = action.type(str(value))
                except argparse.ArgumentTypeError as error:
                    raise CommandError(f"{_shown(action)}: {error}", returncode=2) from None
        return options

    def _one_line(self, refusal: ApiError) -> str:
        """Each field as the argument that it came from, and what to do about it."""
        shown = {action.dest: _shown(action) for action in self._arguments}
        details = []
        for field, sentence in (refusal.details or {}).items():
            dest = field.partition("[")[0]  # an item of a list is scopes[1]
            details.append(f"{shown.get(dest, field)}: {sentence}")
        return "; ".join(details) or refusal.message


def _shown(action: argparse.Action) -> str:
    """As argparse itself names it: the longest spelling of an option."""
    return f"argument {max(action.option_strings, key=len, default=action.metavar or action.dest)}"


def _database_trouble(error: BaseException) -> str:
    first_line = str(error).strip().partition("\n")[0]
    if sqlstate_of(error) in _UNDEFINED:
        return f"the database has not been prepared: run `python manage.py migrate` first ({first_line})"
    if is_unavailable(error):
        return f"the database can't be reached or is busy: check DATABASE_URL, then try again ({first_line})"
    return f"the database refused: {first_line}"


def money(*, minimum: Decimal, maximum: Decimal = LARGEST_AMOUNT) -> Callable[[str], Decimal]:
    """An argparse type: an amount in whole cents."""

    def parse(text: str) -> Decimal:
        if not re.fullmatch(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?", text, re.ASCII):
            raise argparse.ArgumentTypeError(f"{text!r} is not an amount such as 100.00")
        amount = Decimal(text)
        if not minimum <= amount <= maximum:
            raise argparse.ArgumentTypeError(f"{text} must be from {minimum} to {maximum}")
        # Three decimals may be thousands, so that not even 1.500 is taken for 1.50.
        if len(text.partition(".")[2]) > 2:
            raise argparse.ArgumentTypeError(f"{text} must be in whole cents, with at most two decimals")
        return round(amount, 2)

    return parse


def whole_number(*, minimum: int, maximum: int) -> Callable[[str], int]:
    """An argparse type."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"-?[0-9]{1,20}", text, re.ASCII) or not minimum <= int(text) <= maximum:
            raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from {minimum:,} to {maximum:,}")
        return int(text)

    return parse


def line_of_text(*, maximum: int, minimum: int = 0) -> Callable[[str], str]:
    """An argparse type: printable text of bounded length, without blanks around it."""

    def parse(text: str) -> str:
        text = text.strip()
        if len(text) < minimum or not is_text(text, longest=maximum):
            raise argparse.ArgumentTypeError(f"must be {minimum} to {maximum} printable characters")
        return text

    return parse


def one_of(choices: list[str]) -> Callable[[str], str]:
    """An argparse type: one of these words, in whatever case. It guards ``call_command`` too, where
    argparse's own ``choices`` are not looked at."""
    known = {choice.lower(): choice for choice in choices}

    def parse(text: str) -> str:
        if text.lower() not in known:
            raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(choices)}")
        return known[text.lower()]

    return parse
