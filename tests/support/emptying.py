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
# Deleted rows stay in a table's file, and PostgreSQL plans by its size. So a table is truncated once
# its file has grown, and the tables of any test are nearly as those of a new database.
MOST_BYTES = 10 * 8_192

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
    filled, have_grown = _filled(connection, tables)
    if have_grown or not _may_skip_triggers(connection):
        truncate: list[str] = connection.ops.sql_flush(style, tables, **options)
        return truncate
    return [WITHOUT_TRIGGERS, *(f'DELETE FROM "{table}"' for table in filled)] if filled else []


def _may_skip_triggers(connection: Any) -> bool:
    """Return whether the database's user may, as a superuser does."""
    privilege = "SELECT has_parameter_privilege('session_replication_role', 'SET')"
    with connection.cursor() as cursor:
        cursor.execute(privilege)
        return bool(cursor.fetchone()[0])


def _filled(connection: Any, tables: list[str]) -> tuple[list[str], bool]:
    """Return the tables that have rows, and whether the file of any has grown."""
    asked = [
        f"SELECT '{table}', EXISTS (SELECT FROM \"{table}\"), pg_relation_size('\"{table}\"')"
        for table in tables
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(asked))
        found = cursor.fetchall()
    filled = [table for table, has_rows, _ in found if has_rows]
    return filled, any(size > MOST_BYTES for _, _, size in found)
