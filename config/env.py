"""Read the environment. A bad variable is named at start, with its remedy."""

import os
import re
from datetime import time
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from config.http.addresses import parse_network

BASE_DIR = Path(__file__).resolve().parent.parent
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


def _read_secret(name: str, path: str) -> str:
    """Return the content of a file, such as a container's secret. Raise ImproperlyConfigured."""
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ImproperlyConfigured(f"{name} names {path}, which can't be read: {reason}") from None
    if not value:
        raise ImproperlyConfigured(f"{name} names {path}, which is empty: write the value into it")
    return value


class Environment:
    """Typed access to environment variables, with the file ``.env`` as a fallback.

    ``NAME_FILE`` names a file that holds the value of ``NAME``: for secrets that come as files.
    Every method raises ``ImproperlyConfigured`` with the variable's name and what it should hold.
    """

    def __init__(self) -> None:
        environ.Env.read_env(os.environ.get("ENV_FILE") or str(BASE_DIR / ".env"))
        self._env = environ.Env()

    def _raw(self, name: str) -> str | None:
        value = self._env.str(name, default="").strip()
        path = self._env.str(f"{name}_FILE", default="").strip()
        if not path or name == "ENV":
            return value or None
        if value:
            raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: keep one of them")
        return _read_secret(f"{name}_FILE", path)

    def given(self, name: str) -> bool:
        """Return whether the variable has a value, directly or by its file."""
        return self._raw(name) is not None

    def text(
        self, name: str, *, required: bool = False, default: str = "", minimum_length: int = 0
    ) -> str:
        value = self._raw(name)
        if value is None:
            if required:
                raise ImproperlyConfigured(f"{name} is missing: set it in the environment")
            return default
        if len(value) < minimum_length:
            raise ImproperlyConfigured(f"{name} needs at least {minimum_length} random characters")
        return value

    def words(self, name: str, *, required: bool = False, default: list[str]) -> list[str]:
        value = self.text(name, required=required)
        return [word.strip() for word in value.split(",") if word.strip()] if value else default

    def peppers(self, name: str) -> list[str]:
        """Return secrets, the current one first.

        The last one may be empty, as in ``new,``, for keys that were digested without a pepper.
        """
        words = [word.strip() for word in (self._raw(name) or "").split(",")]
        if "" in words[:-1]:
            raise ImproperlyConfigured(
                f"{name} has an empty pepper in front of another: only the last may be empty"
            )
        return words

    def keys(self, name: str, *, default: str) -> list[str]:
        """Return secrets for encryption, the current one first."""
        words = self.words(name, default=[default])
        if short := [position for position, word in enumerate(words, 1) if len(word) < 16]:
            raise ImproperlyConfigured(
                f"{name}: key {short[0]} is too short: give it at least 16 random characters"
            )
        return words

    def networks(self, name: str) -> list[str]:
        """Return addresses and networks in canonical form."""
        words = self.words(name, default=[])
        try:
            return [str(parse_network(word)) for word in words]
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name} must hold addresses and networks such as 10.0.0.0/8: {error}"
            ) from None

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._raw(name)
        if value is None:
            return default
        if value.lower() in _TRUE:
            return True
        if value.lower() in _FALSE:
            return False
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}")

    def integer(self, name: str, *, default: int, minimum: int, maximum: int = 10**15) -> int:
        value = self._raw(name)
        if value is None:
            return default
        if not re.fullmatch(r"[0-9]{1,15}", value) or not minimum <= int(value) <= maximum:
            allowed = (
                f"of at least {minimum}" if maximum == 10**15 else f"from {minimum} to {maximum}"
            )
            raise ImproperlyConfigured(f"{name} must be a whole number {allowed}, not {value!r}")
        return int(value)

    def time_of_day(self, name: str, *, default: str) -> time:
        """Return a time of day in UTC."""
        value = self._raw(name) or default
        if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
            raise ImproperlyConfigured(
                f"{name} must be a time of day in UTC such as 03:30, not {value!r}"
            )
        return time.fromisoformat(value)

    def postgres_url(self, name: str) -> str:
        """Return a PostgreSQL URL unchanged, for libpq, or "" if it is not set."""
        value = self.text(name)
        if value and not re.match(r"(postgres|postgresql)://", value):
            raise ImproperlyConfigured(f"{name} must be a postgresql:// URL")
        return value

    def choice(self, name: str, choices: list[str], *, default: str) -> str:
        value = (self._raw(name) or default).upper()
        if value not in choices:
            raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}")
        return value

    def currency(self, name: str, *, default: str) -> str:
        value = self._raw(name) or default
        if not re.fullmatch(r"[A-Z]{3}", value):
            raise ImproperlyConfigured(
                f"{name} must be an ISO 4217 code such as USD, not {value!r}"
            )
        return value

    def database(self, name: str) -> dict[str, Any]:
        """Return a PostgreSQL URL as Django settings. Other databases are not supported.

        DATABASE_PASSWORD is the password of a URL without one.
        """
        value = self.text(name, required=True)
        if not re.match(r"(postgres|postgresql)://", value):
            raise ImproperlyConfigured(
                f"{name} must be a postgresql:// URL: Numberdesk runs on PostgreSQL only"
            )
        try:
            settings = dict(self._env.db_url_config(value))
        except (ValueError, ImproperlyConfigured) as error:
            raise ImproperlyConfigured(
                f"{name} is not a URL that can be read: {type(error).__name__}"
            ) from None
        if not settings.get("NAME"):
            raise ImproperlyConfigured(f"{name} names no database: end it with /numberdesk")
        settings["PASSWORD"] = settings.get("PASSWORD") or self.text("DATABASE_PASSWORD")
        return settings
