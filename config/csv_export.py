"""Rows as CSV, streamed by PostgreSQL itself: one statement, one instant, and no memory however many there are."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psycopg
from django.db import connection, models
from django.db.models import QuerySet

_CHUNK = 1 << 16
# What a spreadsheet would run. Text that begins so gets an apostrophe, which spreadsheets take for
# "this is text" and an import takes off again.
_FORMULA = r"^[=+\-@\t\r]"


def stream_csv(
    rows: QuerySet[Any], columns: Mapping[str, str], told: Callable[[int], object] = lambda count: None
) -> Iterator[bytes]:
    """The rows with these columns: header to field, or to an annotation of the queryset.

    ``told`` is called with how many more rows have gone out.
    """
    with connection.cursor() as cursor, cursor.copy(_statement(rows, columns)) as copy:
        buffer, count = bytearray(), 0
        for row in copy:
            buffer += row
            count += 1
            if len(buffer) >= _CHUNK:
                yield bytes(buffer)
                told(count)
                buffer.clear()
                count = 0
        yield bytes(buffer)
        told(count)


def _statement(rows: QuerySet[Any], columns: Mapping[str, str]) -> str:
    # Formulas are judged around the query, where its columns have plain names.
    names = [f"c{place}" for place in range(len(columns))]
    shown = ", ".join(
        f"{_guarded(name) if _is_text(rows, field) else name} AS {psycopg.sql.Identifier(header).as_string()}"
        for name, (header, field) in zip(names, columns.items(), strict=True)
    )
    query, parameters = rows.prefetch_related(None).values_list(*columns.values()).query.sql_with_params()
    connection.ensure_connection()
    # COPY takes no parameters: they are written into the statement, quoted by libpq's own rules.
    inner = psycopg.ClientCursor(connection.connection).mogrify(query, parameters)
    rows_as = f"SELECT {shown} FROM ({inner}) AS exported ({', '.join(names)})"  # noqa: S608  quoted above
    return f"COPY ({rows_as}) TO STDOUT WITH (FORMAT csv, HEADER)"


def _guarded(name: str) -> str:
    return f"CASE WHEN {name} ~ '{_FORMULA}' THEN '''' || {name} ELSE {name} END"


def _is_text(rows: QuerySet[Any], field: str) -> bool:
    """Whether it is text that somebody wrote: choices and numbers in E.164 are what they are."""
    if field in rows.query.annotations:
        return isinstance(rows.query.annotations[field].output_field, models.CharField | models.TextField)
    described: Any = rows.model._meta.get_field(field)
    return isinstance(described, models.CharField | models.TextField) and not described.choices and field != "number"
