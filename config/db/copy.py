"""Stream rows as CSV by PostgreSQL's COPY: one statement, one snapshot, constant memory."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psycopg
from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models import QuerySet

_CHUNK = 1 << 16
# Spreadsheets run text that begins like this as a formula, including full-width forms. Leading
# apostrophes are matched too, so that removing one restores any text.
_FORMULA = "^'*[=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20]"
_PHONE_NUMBER = r"^\+[0-9]{3,15}$"  # not a formula, and unusable with an apostrophe


def inert(text: str) -> str:
    """Return the text with a guard against formulas. Every CSV cell needs it, or its SQL form."""
    if re.match(_FORMULA, text) and not re.fullmatch(_PHONE_NUMBER[1:-1], text, re.ASCII):
        return f"'{text}"
    return text


def unguarded(text: str) -> str:
    """Return the text that ``inert`` was given."""
    return text[1:] if text[:1] == "'" and re.match(_FORMULA, text) else text


def stream_csv(
    rows: QuerySet[Any],
    columns: Mapping[str, str],
    report: Callable[[int], object] = lambda count: None,
) -> Iterator[bytes]:
    """Yield the rows with these columns: from header to field, or to an annotation.

    ``report`` is called with the number of further rows that were sent.
    """
    try:
        statement = _statement(rows, columns)
    except EmptyResultSet:  # Django makes no statement for an empty result; send the header only
        yield (",".join(columns) + "\n").encode()
        return
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        buffer, count = bytearray(), 0
        for row in copy:
            buffer += row
            count += 1
            if len(buffer) >= _CHUNK:
                yield bytes(buffer)
                report(count)
                buffer.clear()
                count = 0
        yield bytes(buffer)
        report(count)


def _statement(rows: QuerySet[Any], columns: Mapping[str, str]) -> str:
    # Formulas are guarded around the query, where its columns have plain names.
    names = [f"c{place}" for place in range(len(columns))]
    shown = ", ".join(
        f"{_guarded(name) if _is_text(rows, field) else name} AS {psycopg.sql.Identifier(header).as_string()}"
        for name, (header, field) in zip(names, columns.items(), strict=True)
    )
    query, parameters = (
        rows.prefetch_related(None).values_list(*columns.values()).query.sql_with_params()
    )
    connection.ensure_connection()
    # COPY takes no parameters. They are written into the statement, quoted by libpq's rules.
    inner = psycopg.ClientCursor(connection.connection).mogrify(query, parameters)
    rows_as = f"SELECT {shown} FROM ({inner}) AS exported ({', '.join(names)})"  # noqa: S608  quoted above
    return f"COPY ({rows_as}) TO STDOUT WITH (FORMAT csv, HEADER)"


def _guarded(name: str) -> str:
    """Return the SQL form of ``inert``."""
    formula = _FORMULA.replace("'", "''")
    return f"CASE WHEN {name} ~ '{formula}' AND {name} !~ '{_PHONE_NUMBER}' THEN '''' || {name} ELSE {name} END"


def _is_text(rows: QuerySet[Any], field: str) -> bool:
    """Return whether the column is free text, rather than one of a set of choices."""
    described: Any = (
        rows.query.annotations[field].output_field if field in rows.query.annotations else None
    )
    if described is None:
        model: Any = rows.model
        for name in field.split("__"):
            described = model._meta.get_field(name)
            model = described.related_model
    return isinstance(described, models.CharField | models.TextField) and not described.choices
