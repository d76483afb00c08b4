"""A connection that sends several statements in one message and waits once for all their answers.

psycopg's own pipeline sends each statement by itself, waits for BEGIN, and looks at the socket after every
step: of an order's CPU time in Python that was half (docs/speed.md). This one does the same with libpq's pipeline,
as psycopg wraps it, in one go. Nothing else of a connection is changed but that it keeps its prepared
statements when a transaction is rolled back.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import count
from typing import Any

import psycopg
from psycopg import abc, errors, generators
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus

Parameters = Sequence[Any] | Mapping[str, Any]
Statement = tuple[str, Parameters]
Rows = list[tuple[Any, ...]]

_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%s|%%")
_MOST_PREPARED = 100
_COMMANDS_OK = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


@lru_cache(maxsize=512)
def numbered(statement: str) -> tuple[str, tuple[str, ...]]:
    """A statement with psycopg's placeholders as the server reads it, ``$1``, and their names in that order."""
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


class DeskConnection(psycopg.Connection[Any]):
    """psycopg's connection, with ``exchange``."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._statements: dict[str, bytes] = {}  # the names under which the server knows them
        self._numbers = count()

    def rollback(self) -> None:
        """As psycopg's, but what is prepared stays so.

        psycopg drops it all, since a table that the transaction made could be gone. Ours make none that
        a prepared statement reads, and every refusal rolls back: each would have the next orders parsed and
        planned anew.
        """
        if self.pgconn.transaction_status not in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            return super().rollback()
        with self.lock:
            self._require_done(self.pgconn.exec_(b"ROLLBACK"))

    def _deallocate(self, name: bytes | None) -> Any:
        """psycopg drops what is prepared, of all when it has rolled back to a savepoint: ours with it."""
        if name is None:
            self._statements.clear()
        return super()._deallocate(name)

    def exchange(self, statements: Sequence[Statement], *, begin: bool = False, commit: bool = False) -> list[Rows]:
        """Run the statements one after the other; the rows of each. ``begin`` and ``commit`` are sent with them.

        Parameters are bound on the server; it tells their types from where they stand. The first error is
        raised as psycopg raises it, and what stands behind its statement has not been run.
        """
        with self.lock:
            try:
                return self.wait(self._exchange(statements, begin, commit))
            except errors.InvalidSqlStatementName:
                # Somebody dropped what was prepared. Where a transaction is lost with it, the caller tries again.
                self._statements.clear()
                if begin or self.pgconn.transaction_status != TransactionStatus.IDLE:
                    raise
                return self.wait(self._exchange(statements, begin, commit))

    def _exchange(self, statements: Sequence[Statement], begin: bool, commit: bool) -> abc.PQGen[list[Rows]]:
        adapt: abc.Transformer = Transformer(self)
        expected: list[Callable[[Any], Rows | None]] = []
        self.pgconn.enter_pipeline_mode()
        try:
            if begin:
                self._queue(b"BEGIN", expected)
            for statement, parameters in statements:
                self._queue_statement(statement, parameters, adapt, expected)
            if commit:
                self._queue(b"COMMIT", expected)
            self.pgconn.pipeline_sync()
            yield from generators.send(self.pgconn)
            results = []
            for _ in expected:
                results.append((yield from generators.fetch_many(self.pgconn))[0])
            yield from generators.fetch_many(self.pgconn)  # of the sync
        except BaseException:
            self.pgconn.finish()  # half an exchange: what would arrive next is not known
            raise
        if self.pgconn.status != ConnStatus.BAD:
            self.pgconn.exit_pipeline_mode()
        found = (read(result) for read, result in zip(expected, results, strict=True))
        return [rows for rows in found if rows is not None]

    def _queue(self, command: bytes, expected: list[Callable[[Any], Rows | None]]) -> None:
        self.pgconn.send_query_params(command, None)
        expected.append(self._require_done)

    def _queue_statement(
        self,
        statement: str,
        parameters: Parameters,
        adapt: abc.Transformer,
        expected: list[Callable[[Any], Rows | None]],
    ) -> None:
        text, names = numbered(statement)
        values = [parameters[name] for name in names] if isinstance(parameters, Mapping) else list(parameters)
        bound = adapt.dump_sequence(values, [PyFormat.TEXT] * len(values))
        name = self._statements.get(text)
        if name is None:
            if len(self._statements) >= _MOST_PREPARED:
                self.pgconn.send_query_params(text.encode(), bound)
                expected.append(partial(self._read, adapt))
                return
            name = f"desk_{next(self._numbers)}".encode()
            self.pgconn.send_prepare(name, text.encode())
            expected.append(partial(self._note_prepared, text, name))
        self.pgconn.send_query_prepared(name, bound)
        expected.append(partial(self._read, adapt))

    def _require_done(self, result: Any) -> None:
        if result.status not in _COMMANDS_OK:
            raise errors.error_from_result(result, encoding=self.pgconn._encoding)

    def _note_prepared(self, text: str, name: bytes, result: Any) -> None:
        self._require_done(result)
        self._statements[text] = name

    def _read(self, adapt: abc.Transformer, result: Any) -> Rows:
        self._require_done(result)
        adapt.set_pgresult(result)
        return adapt.load_rows(0, result.ntuples, tuple)
