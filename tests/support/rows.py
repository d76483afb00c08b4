"""Raw SQL against the tables, for tests of what the database itself refuses."""

from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from tests.support import db_assertions

OURS = "~ '^(numbers|campaigns|apikeys)_'"
COLUMNS = """
    SELECT column_name, data_type FROM information_schema.columns
    WHERE table_name = %s AND is_generated = 'NEVER' AND is_identity = 'NO' ORDER BY ordinal_position
"""


def copy(table: str, where: str = "true", **changes: str) -> None:
    """Insert a copy of one row that differs in these columns, each given as an SQL expression."""
    columns = dict(db_assertions.rows(COLUMNS, table))
    assert changes.keys() <= columns.keys()
    if columns.get("id") == "uuid":
        changes = {"id": "gen_random_uuid()", **changes}
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join(changes.get(name, f'"{name}"') for name in columns)
    (added,) = db_assertions.rows(
        f"WITH added AS (INSERT INTO {table} ({names}) SELECT {values} FROM {table} WHERE {where} LIMIT 1 RETURNING 1) "
        "SELECT count(*) FROM added"
    )
    assert added == (1,), f"there is no row of {table} where {where}"


def check_now() -> None:
    """Check what is deferred to COMMIT."""
    db_assertions.run("SET CONSTRAINTS ALL IMMEDIATE")


def refusing(action: Any, *arguments: Any, **options: Any) -> psycopg.errors.Diagnostic:
    """What PostgreSQL says when it refuses this."""
    with pytest.raises(DatabaseError) as refusal:
        allow(action, *arguments, **options)
    cause = refusal.value.__cause__
    assert isinstance(cause, psycopg.Error)
    return cause.diag


def allow(action: Any, *arguments: Any, **options: Any) -> None:
    """That PostgreSQL takes this; nothing of it stays."""
    with transaction.atomic():
        action(*arguments, **options)
        check_now()
        transaction.set_rollback(True)


def names(sql: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return {name for (name,) in cursor.fetchall()}
