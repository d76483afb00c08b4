"""Structured logs: one JSON object for each line, with its request and without secrets."""

import logging
import re
from datetime import UTC, datetime
from typing import Any

from config import json_text
from config.http.context import current

# The secret part of a key never reaches a log, even if a message quotes it.
# PostgreSQL shortens quotations, so a key may be cut off at its start.
# Both patterns begin with rare characters, because every line is searched.
_SECRET = re.compile(
    r"(_(?:live|test|plat)_[0-9A-Za-z]{4})"
    r"(?:(?<=\bam_(?:live|test|plat)_[0-9A-Za-z]{4})[0-9A-Za-z]+|[0-9A-Za-z]{12,})"
)
# The same applies to passwords in URLs of databases and of customers' webhooks.
_PASSWORD_IN_URL = re.compile(r"(://[^/\s:@\"]*):[^/\s@\"]+@")

# Collect neither the place of a call nor thread and process names: no log line contains them. The
# logging HOWTO of Python names these switches. They save 3 % of an order.
logging._srcfile = None
logging.logThreads = logging.logMultiprocessing = logging.logProcesses = False


def without_secrets(text: str) -> str:
    return _PASSWORD_IN_URL.sub(r"\1:…@", _SECRET.sub(r"\1…", text))


class RequestFilter(logging.Filter):
    """Add the request's id, organization and key prefix to every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        context = current.get()
        if context is not None:
            record.request_id = context.request_id
            record.organization = context.organization
            record.key_prefix = context.key_prefix
        return True


class JsonFormatter(logging.Formatter):
    """Format ``logger.info("order placed", extra={"fields": {...}})`` as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name in ("request_id", "organization", "key_prefix"):
            if value := getattr(record, name, ""):
                line[name] = value
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return without_secrets(_encode(line))


def _encode(line: dict[str, Any]) -> str:
    """Return the line as JSON. If a value can't be encoded, show all of them as text."""
    try:
        return json_text.dump(line, default=_as_text).decode()
    except Exception:  # noqa: BLE001  a value's own methods may raise anything
        texts = {_as_text(name): _as_text(value) for name, value in line.items()}
        return json_text.dump(texts).decode()


def _as_text(value: object) -> str:
    try:
        text = str(value)
    except Exception as error:  # noqa: BLE001  as above
        text = f"<{type(value).__name__}: {type(error).__name__} in its text>"
    return text.encode("utf-8", "backslashreplace").decode()
