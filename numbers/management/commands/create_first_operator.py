import sys
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.db import IntegrityError, transaction

from config.commands import DeskCommand, line_of_text


class Command(DeskCommand):
    help = "Create the first operator, a superuser. Does nothing if there is an operator."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--username",
            type=line_of_text(minimum=1, maximum=150),
            default="admin",
            help="default: admin",
        )
        parser.add_argument(
            "--password-file",
            required=True,
            metavar="PATH",
            help="file with the password; - for stdin",
        )

    def handle(self, **options: Any) -> None:
        password = _read(options["password_file"])
        created = not _operator_exists() and _create(options["username"], password)
        text = (
            f"operator {options['username']} was created"
            if created
            else "an operator exists: nothing was changed"
        )
        self.answer(
            {"created": created, "username": options["username"]}, text, json_wanted=options["json"]
        )


def _read(path: str) -> str:
    try:
        return (
            sys.stdin.readline() if path == "-" else Path(path).read_text(encoding="utf-8")
        ).strip()
    except (OSError, ValueError) as error:
        raise CommandError(f"argument --password-file: {path} can't be read: {error}") from None


def _operator_exists() -> bool:
    return get_user_model()._default_manager.exists()


def _create(username: str, password: str) -> bool:
    """Create the operator; return False if a concurrent run of this command was faster."""
    users = get_user_model()._default_manager
    user = users.model(username=username, is_staff=True, is_superuser=True)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise CommandError(f"argument --password-file: {' '.join(error.messages)}") from None
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError:
        return False
    return True
