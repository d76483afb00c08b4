"""Capture the SQL that the product sends, and classify its statements."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def captured() -> Iterator[list[str]]:
    """The statements in the order in which they were sent, on one line each."""
    statements: list[str] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        statements.append(" ".join(sql.split()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield statements


def is_lock(statement: str) -> bool:
    """Of a row, of an idempotency key (its unique index), or of the right to fill orders."""
    return (
        "FOR NO KEY UPDATE" in statement
        or statement.startswith("INSERT INTO numbers_idempotencyrecord")
        or "pg_advisory_xact_lock" in statement
    )


def is_write(statement: str) -> bool:
    return (
        re.search(r"\b(INSERT INTO|UPDATE|DELETE FROM) \"?(numbers|campaigns|apikeys)_", statement)
        is not None
    )
