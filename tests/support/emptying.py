"""Empty the tables after a test with real commits.

Django's flush truncates every table, which writes hundreds of files, and makes the content types
and permissions again: together half a second. Deleting the few rows of a test takes a tenth of it.
"""

from typing import Any

from django.core.management.commands import flush

KEPT = {
    "django_content_type",
    "auth_permission",
}  # as the migrations made them; no test writes them
MOST_ROWS = 2_000  # of a table; more are truncated, because deleted rows stay in its file

# Without triggers, those of foreign keys among them: the tables can be emptied in any order.
WITHOUT_TRIGGERS = "SET LOCAL session_replication_role = replica"


def replace_flush() -> None:
    """Have Django's test cases empty the tables with the functions of this module."""
    flush.sql_flush = statements  # type: ignore[attr-defined]
    flush.emit_post_migrate_signal = lambda *arguments, **options: None  # type: ignore[attr-defined]


def statements(style: Any, connection: Any, **options: Any) -> list[str]:
    """Return the statements that empty the tables, as Django's function of that name does."""
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    tables = sorted(set(names) - KEPT)
    rows = _rows_in(connection, tables)
    if any(count > MOST_ROWS for count in rows.values()) or not _may_skip_triggers(connection):
        truncate: list[str] = connection.ops.sql_flush(style, tables, **options)
        return truncate
    filled = [table for table, count in rows.items() if count]
    return [WITHOUT_TRIGGERS, *(f'DELETE FROM "{table}"' for table in filled)] if filled else []


def _may_skip_triggers(connection: Any) -> bool:
    """Return whether the database's user may, as a superuser does."""
    privilege = "SELECT has_parameter_privilege('session_replication_role', 'SET')"
    with connection.cursor() as cursor:
        cursor.execute(privilege)
        return bool(cursor.fetchone()[0])


def _rows_in(connection: Any, tables: list[str]) -> dict[str, int]:
    """Return how many rows each table has, counted to one more than MOST_ROWS."""
    counts = [
        f"SELECT '{table}', count(*) FROM (SELECT FROM \"{table}\" LIMIT {MOST_ROWS + 1}) AS counted"
        for table in tables
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(counts))
        return dict(cursor.fetchall())
