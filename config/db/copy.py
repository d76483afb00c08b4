"""Rows as CSV, streamed by PostgreSQL itself: one statement, one instant, and no memory however many there are."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psycopg
from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models import QuerySet

_CHUNK = 1 << 16
# A spreadsheet runs text that begins so as a formula, also in its full-width forms. Apostrophes before it
# count, so that taking one off again gives back any text.
_FORMULA = "^'*[=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20]"
_PHONE_NUMBER = r"^\+[0-9]{3,15}$"  # which is no formula, and worth nothing with an apostrophe


def inert(text: str) -> str:
    """Return the text so that no spreadsheet runs it. Every cell of a CSV file goes through this, or its SQL."""
    if re.match(_FORMULA, text) and not re.fullmatch(_PHONE_NUMBER[1:-1], text, re.ASCII):
        return f"'{text}"
    return text


def unguarded(text: str) -> str:
    """Return the text that ``inert`` was given."""
    return text[1:] if text[:1] == "'" and re.match(_FORMULA, text) else text


def stream_csv(
    rows: QuerySet[Any], columns: Mapping[str, str], told: Callable[[int], object] = lambda count: None
) -> Iterator[bytes]:
    """The rows with these columns: header to field, or to an annotation of the queryset.

    ``told`` is called with how many more rows have gone out.
    """
    try:
        statement = _statement(rows, columns)
    except EmptyResultSet:  # what Django knows to be empty has no statement; as a file it has its header line
        yield (",".join(columns) + "\n").encode()
        return
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
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
    """``inert`` in SQL."""
    formula = _FORMULA.replace("'", "''")
    return f"CASE WHEN {name} ~ '{formula}' AND {name} !~ '{_PHONE_NUMBER}' THEN '''' || {name} ELSE {name} END"


def _is_text(rows: QuerySet[Any], field: str) -> bool:
    """Whether it is text that somebody wrote: choices are what they are."""
    described: Any = rows.query.annotations[field].output_field if field in rows.query.annotations else None
    if described is None:
        model: Any = rows.model
        for name in field.split("__"):
            described = model._meta.get_field(name)
            model = described.related_model
    return isinstance(described, models.CharField | models.TextField) and not described.choices
