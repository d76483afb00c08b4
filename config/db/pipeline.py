"""Several statements in one round trip: the one door to libpq's pipeline.

psycopg's own pipeline mode sends each statement by itself and looks at the socket after every step:
half of an order's CPU time in Python (docs/adr/0003-statement-pipeline.md). This module queues the
statements on libpq's pipeline and waits once. It uses private names of psycopg, read against 3.3.
With ``DATABASE_PREPARE=off`` the same statements run one by one through psycopg's public API.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import lru_cache, partial
from itertools import count
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import abc, errors, generators
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus

from config import json_text

Parameters = Sequence[Any] | Mapping[str, Any]
Statement = tuple[str, Parameters]
Rows = list[tuple[Any, ...]]
Bound = tuple[str, Sequence[Any]]

_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%s|%%")
_MOST_PREPARED = 100
_DONE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


@lru_cache(maxsize=512)
def numbered(statement: str) -> tuple[str, tuple[str, ...]]:
    """Return a statement with ``$1`` for psycopg's placeholders, and their names in that order."""
    names: list[str] = []
    positions = count(1)

    def number(match: "re.Match[str]") -> str:
        if match[0] == "%%":
            return "%"
        if match[1] is None:
            return f"${next(positions)}"
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    return _PLACEHOLDER.sub(number, statement), tuple(names)


class OneOff(str):
    """The text of a statement that is rarely repeated, so it is not prepared."""

    __slots__ = ()


class PipelineConnection(psycopg.Connection[Any]):
    """psycopg's connection, with ``run_pipeline``."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._statements: dict[str, bytes] = {}  # text: its name on the server
        self._generation = 0
        # Kept with what it has found out about types: half of the work of reading a row.
        # Made at its first use: psycopg gives the connection its adapters after this.
        self._adapt: abc.Transformer | None = None

    def rollback(self) -> None:
        """Roll back like psycopg, but keep what is prepared after a refusal of ours.

        psycopg drops all prepared statements, since the transaction may have changed what they
        read. Ours never do, and refusals are frequent: the next orders would be parsed and planned again.
        After an error of PostgreSQL, a prepared statement may be the cause.
        """
        if self.pgconn.transaction_status == TransactionStatus.INTRANS and self._pipeline is None:
            with self.lock:
                self.wait(self._exec_command(b"ROLLBACK"))
            return
        if self.pgconn.transaction_status == TransactionStatus.INERROR:
            self._forget_prepared()
        super().rollback()

    def _set_autocommit(self, value: bool) -> None:
        # Django sets it twice in each transaction. Between transactions psycopg only stores it.
        if self.pgconn.transaction_status == TransactionStatus.IDLE:
            self._autocommit = value
        else:
            super()._set_autocommit(value)

    def _deallocate(self, name: bytes | None) -> Any:
        """Forget our statements when psycopg drops all, as after a rollback to a savepoint."""
        if name is None:
            self._forget_prepared()
        return super()._deallocate(name)

    def _forget_prepared(self) -> None:
        self._statements.clear()
        self._generation += 1

    def run_pipeline(
        self, statements: Sequence[Statement], *, first: bytes | None = None, commit: bool = False
    ) -> list[Rows]:
        """Run the statements one after the other and return the rows of each.

        ``first`` is BEGIN or ROLLBACK, sent before them; ``commit`` sends COMMIT after them. The
        server binds the parameters and infers their types. The first error is raised as psycopg
        raises it, and the statements after it are not run. Outside a transaction they are one.
        """
        adapt = self._adapt = self._adapt or Transformer(self)
        bound = [_bind(statement, parameters, adapt) for statement, parameters in statements]
        with self.lock:
            try:
                return self.wait(self._send_and_read(bound, adapt, first, commit))
            except (errors.InvalidSqlStatementName, errors.FeatureNotSupported) as error:
                # The prepared statement was dropped, or a migration changed what it reads.
                if not is_stale(error):
                    raise
                self._forget_prepared()
                # If a transaction is lost with it, ``run_transaction`` retries all of it.
                if first or self.pgconn.transaction_status != TransactionStatus.IDLE:
                    raise
                return self.wait(self._send_and_read(bound, adapt, first, commit))

    def _send_and_read(
        self, bound: Sequence[Bound], adapt: abc.Transformer, first: bytes | None, commit: bool
    ) -> abc.PQGen[list[Rows]]:
        readers: list[Callable[[Any], Rows | None]] = []
        results = []
        new: dict[str, bytes] = {}
        self.pgconn.enter_pipeline_mode()
        try:
            if first:
                self._queue(first, readers)
            for text, values in bound:
                self._queue_statement(text, values, new, readers, partial(self._rows, adapt))
            if commit:
                self._queue(b"COMMIT", readers)
            self.pgconn.pipeline_sync()
            yield from generators.send(self.pgconn)
            for _ in readers:
                results.append((yield from generators.fetch_many(self.pgconn))[0])
            yield from generators.fetch_many(self.pgconn)  # of the sync
            if self.pgconn.status != ConnStatus.BAD:
                self.pgconn.exit_pipeline_mode()
        except BaseException:
            self.pgconn.finish()  # interrupted halfway: what would arrive next is not known
            raise
        found = [read(result) for read, result in zip(readers, results, strict=True)]
        return [rows for rows in found if rows is not None]

    def _queue(self, command: bytes, readers: list[Callable[[Any], Rows | None]]) -> None:
        self.pgconn.send_query_params(command, None)
        readers.append(partial(self._require, command))

    def _queue_statement(
        self,
        text: str,
        values: Any,
        new: dict[str, bytes],
        readers: list[Callable[[Any], Rows | None]],
        rows: Callable[[Any], Rows],
    ) -> None:
        name = self._statements.get(text) or new.get(text)
        is_full = len(self._statements) + len(new) >= _MOST_PREPARED
        if name is None and not is_full and not isinstance(text, OneOff):
            name = new[text] = _name_of(text, self._generation)
            self.pgconn.send_prepare(name, text.encode())
            readers.append(partial(self._note_prepared, text, name))
        if name is None:
            self.pgconn.send_query_params(text.encode(), values)
        else:
            self.pgconn.send_query_prepared(name, values)
        readers.append(rows)

    def _note_prepared(self, text: str, name: bytes, result: Any) -> None:
        self._require(None, result)
        self._statements[text] = name

    def _require(self, command: bytes | None, result: Any) -> None:
        if result.status not in _DONE:
            raise errors.error_from_result(result, encoding=self.pgconn._encoding)
        # COMMIT of a failed transaction rolls back without an error.
        if command and result.command_status != command:
            became = f"{command.decode()} became {result.command_status!r}"
            raise errors.InFailedSqlTransaction(became)

    def _rows(self, adapt: abc.Transformer, result: Any) -> Rows:
        self._require(None, result)
        adapt.set_pgresult(result)
        return adapt.load_rows(0, result.ntuples, tuple)


def is_stale(error: BaseException) -> bool:
    """Return whether a statement failed only because its prepared form is outdated."""
    if isinstance(error, errors.FeatureNotSupported):
        return error.diag.source_function == "RevalidateCachedQuery"
    return isinstance(error, errors.InvalidSqlStatementName)


def _bind(statement: str, parameters: Parameters, adapt: abc.Transformer) -> Bound:
    text, names = numbered(statement)
    if isinstance(statement, OneOff):
        text = OneOff(text)
    values = list(parameters)
    if isinstance(parameters, Mapping):
        values = [parameters[name] for name in names]
    return text, adapt.dump_sequence(values, [PyFormat.TEXT] * len(values))


@lru_cache(maxsize=512)
def _name_of(text: str, generation: int) -> bytes:
    # Derived from the text: behind a pooler, the same name is the same statement in every process.
    return f"desk_{hashlib.sha256(text.encode()).hexdigest()[:16]}_{generation}".encode()


def run_statements(
    *statements: Statement,
    commit: bool = False,
    rollback_first: bool = False,
) -> list[Rows]:
    """Run the statements in this order, in one round trip. Return the rows of each.

    If the transaction of an ``atomic`` block has not begun on the server, BEGIN travels with them.
    ``commit``: so does COMMIT, unless this is part of a larger transaction. ``rollback_first``:
    roll the transaction back, then run the statements without its locks; the caller must raise
    afterwards. Outside a transaction they are one. The first error is raised, and the statements
    after it are not run. An outdated prepared statement ends the transaction with an error that
    ``run_transaction`` retries.
    """
    database = connections[DEFAULT_DB_ALIAS]
    database.validate_no_broken_transaction()
    database.ensure_connection()
    raw = database.connection
    is_alone = database.in_atomic_block and len(database.atomic_blocks) == 1
    has_begun = raw.pgconn.transaction_status != TransactionStatus.IDLE
    rolls_back = rollback_first and is_alone and has_begun
    is_observed = bool(database.execute_wrappers) or database.queries_logged
    if is_observed or not isinstance(raw, PipelineConnection):
        return _run_one_by_one(database, statements, rolls_back=rolls_back)
    first = b"BEGIN" if database.in_atomic_block and not has_begun else None
    if rolls_back:
        first = b"ROLLBACK"
        database.set_rollback(True)  # Django's own rollback then finds nothing to do
    with database.wrap_database_errors:
        return raw.run_pipeline(statements, first=first, commit=commit and is_alone)


def _run_one_by_one(
    database: BaseDatabaseWrapper,
    statements: Sequence[Statement],
    *,
    rolls_back: bool,
) -> list[Rows]:
    """Run statements through cursors: for query recorders, and without prepared statements."""
    if not rolls_back:
        with nullcontext() if database.in_atomic_block else transaction.atomic():
            return [_run_alone(database, *statement) for statement in statements]
    with database.wrap_database_errors:
        database.connection.rollback()
    try:
        return [_run_alone(database, *statement) for statement in statements]
    finally:
        with database.wrap_database_errors:
            database.connection.rollback()
        database.set_rollback(True)


def _run_alone(database: BaseDatabaseWrapper, statement: str, parameters: Parameters) -> Rows:
    with database.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def array_text(values: Sequence[Any]) -> str:
    """Encode a list as a PostgreSQL array literal, ``{"a","b"}``.

    psycopg adapts list items one by one in Python, 11 % of all calls of a one-number order. JSON
    and array literals quote strings alike except for control characters, so pass none.
    """
    return "{" + json_text.dump(values, default=str).decode()[1:-1] + "}"
