"""Structured logs: one JSON object a line, with the request it belongs to and no secret."""

import logging
import re
from datetime import UTC, datetime
from typing import Any

import orjson

from config.http.context import current

# Whatever a message quotes, the secret part of a key never reaches a log.
# PostgreSQL shortens what it quotes: of a key that is cut off at the front, as well.
# Both patterns begin with what is rare in a line: they are looked for in every one.
_SECRET = re.compile(
    r"(_(?:live|test)_[0-9A-Za-z]{4})"
    r"(?:(?<=\bam_(?:live|test)_[0-9A-Za-z]{4})[0-9A-Za-z]+|[0-9A-Za-z]{12,})"
)
# Nor does the password in the URL of a database or of a customer's webhook.
_PASSWORD_IN_URL = re.compile(r"(://[^/\s:@\"]*):[^/\s@\"]+@")

# What no line of ours tells need not be found out for each (Python's logging HOWTO, "Optimization").
logging.logThreads = logging.logMultiprocessing = False


def without_secrets(text: str) -> str:
    return _PASSWORD_IN_URL.sub(r"\1:…@", _SECRET.sub(r"\1…", text))


class RequestFilter(logging.Filter):
    """Puts the request's id, organization and key prefix on every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        context = current.get()
        if context is not None:
            record.request_id = context.request_id
            record.organization = context.organization
            record.key_prefix = context.key_prefix
        return True


class JsonFormatter(logging.Formatter):
    """``logger.info("order placed", extra={"fields": {...}})`` becomes one line of JSON."""

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
        return without_secrets(orjson.dumps(line, default=str).decode())
