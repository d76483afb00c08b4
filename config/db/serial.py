"""Find the place of a moment in a table whose serial key rises with time, without an index on it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection
from psycopg import sql

# Halve the range of keys until it is one: 30 look-ups in the index for a billion rows.
_BISECT = sql.SQL("""
    WITH RECURSIVE step (low, high) AS (
        SELECT (SELECT {key} FROM {table} WHERE {within} ORDER BY {key} LIMIT 1)::bigint,
               (SELECT {key} + 1 FROM {table} WHERE {within} ORDER BY {key} DESC LIMIT 1)::bigint
        UNION ALL
        SELECT CASE WHEN probe.at < %(moment)s THEN probe.key + 1 ELSE low END,
               CASE WHEN probe.at < %(moment)s THEN high ELSE (low + high) / 2 END
        FROM step CROSS JOIN LATERAL (
            SELECT {key} AS key, {at} AS at FROM {table}
            WHERE {within} AND {key} >= (low + high) / 2 ORDER BY {key} LIMIT 1
        ) AS probe
        WHERE low < high
    )
    SELECT max(low) FROM step
""")


def first_key_at(
    table: str,
    moment: datetime,
    *,
    at: str,
    key: str = "id",
    within: Mapping[str, Any] | None = None,
) -> int:
    """Return a key that divides the rows before `moment` from the others; 0 if there is no row.

    `at` is the column of the time. `within` has columns and values that an index has before `key`.
    Times may be out of order by the length of a transaction: allow for that where it matters.
    """
    fixed = within or {}
    condition = sql.SQL(" AND ").join(
        [
            sql.SQL("true"),
            *(
                sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder(f"in_{n}"))
                for n in fixed
            ),
        ]
    )
    statement = _BISECT.format(
        table=sql.Identifier(table),
        key=sql.Identifier(key),
        at=sql.Identifier(at),
        within=condition,
    )
    with connection.cursor() as cursor:
        values = {"moment": moment, **{f"in_{name}": value for name, value in fixed.items()}}
        cursor.execute(statement, values)
        return int(cursor.fetchone()[0] or 0)
