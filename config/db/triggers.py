"""Triggers that keep rows of history tables from being changed, deleted or truncated."""

from django.db.migrations import RunSQL

FUNCTION = RunSQL(
    """
    CREATE FUNCTION numberdesk_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% on % is refused: rows of this table are kept as they are', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END $$
    """,
    "DROP FUNCTION numberdesk_refuse_change()",
)


def append_only(table: str) -> list[RunSQL]:
    """Return migration operations that refuse UPDATE, DELETE and TRUNCATE on ``table``."""
    return [
        _refuse(table, "rows", "UPDATE OR DELETE", "ROW"),
        _refuse(table, "truncate", "TRUNCATE", "STATEMENT"),
    ]


def never_deleted(table: str) -> list[RunSQL]:
    """Return migration operations that refuse DELETE and TRUNCATE on ``table``, but not UPDATE."""
    return [
        _refuse(table, "rows", "DELETE", "ROW"),
        _refuse(table, "truncate", "TRUNCATE", "STATEMENT"),
    ]


def _refuse(table: str, name: str, operation: str, each: str) -> RunSQL:
    return RunSQL(
        f"CREATE TRIGGER {table}_keep_{name} BEFORE {operation} ON {table} "
        f"FOR EACH {each} EXECUTE FUNCTION numberdesk_refuse_change()",
        f"DROP TRIGGER {table}_keep_{name} ON {table}",
    )
