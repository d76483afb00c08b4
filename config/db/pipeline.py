"""A connection that sends several statements in one message and waits once for all their answers.

psycopg's own pipeline sends each statement by itself, waits for BEGIN, and looks at the socket after every
step: of an order's CPU time in Python that was half (docs/speed.md). This one does the same with libpq's pipeline,
as psycopg wraps it, in one go. What it prepares is its own to know, beside what psycopg prepares for cursors.
"""

import hashlib
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
Bound = tuple[str, Sequence[Any]]

_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%s|%%")
_MOST_PREPARED = 100
_DONE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


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


class OneOff(str):
    """The text of a statement that seldom comes again: it is not worth a prepared statement."""

    __slots__ = ()


class DeskConnection(psycopg.Connection[Any]):
    """psycopg's connection, with ``exchange``."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._statements: dict[str, bytes] = {}  # the names under which the server knows them
        self._generation = 0
        # Kept, with what it has found out about types: half of the work of reading a row. Made when it is needed first:
        # psycopg gives the connection its adapters, Django's, after this.
        self._adapt: abc.Transformer | None = None

    def rollback(self) -> None:
        """As psycopg's, but after a refusal of ours what is prepared stays so.

        psycopg drops it all, for what the transaction may have made. Ours make nothing that a prepared
        statement reads, and a refusal is an everyday thing: the next orders would be parsed and planned
        anew. Where PostgreSQL itself has failed the transaction, what is prepared may be why.
        """
        if self.pgconn.transaction_status == TransactionStatus.INTRANS and self._pipeline is None:
            with self.lock:
                self.wait(self._exec_command(b"ROLLBACK"))
            return
        if self.pgconn.transaction_status == TransactionStatus.INERROR:
            self._forget_prepared()
        super().rollback()

    def _set_autocommit(self, value: bool) -> None:
        # Django says it twice in each transaction. Between two of them it is nothing but a note for psycopg.
        if self.pgconn.transaction_status == TransactionStatus.IDLE:
            self._autocommit = value
        else:
            super()._set_autocommit(value)

    def _deallocate(self, name: bytes | None) -> Any:
        """psycopg drops what is prepared, of all when it has rolled back to a savepoint: ours with it."""
        if name is None:
            self._forget_prepared()
        return super()._deallocate(name)

    def _forget_prepared(self) -> None:
        self._statements.clear()
        self._generation += 1

    def exchange(
        self, statements: Sequence[Statement], *, first: bytes | None = None, commit: bool = False
    ) -> list[Rows]:
        """Run the statements one after the other; the rows of each.

        ``first`` is BEGIN or ROLLBACK, sent before them, ``commit`` sends COMMIT behind them. Parameters are
        bound on the server; it tells their types from where they stand. The first error is raised as psycopg
        raises it, and what stands behind its statement has not been run. Outside a transaction the statements
        are one.
        """
        adapt = self._adapt = self._adapt or Transformer(self)
        bound = [_bind(statement, parameters, adapt) for statement, parameters in statements]
        with self.lock:
            try:
                return self.wait(self._exchange(bound, adapt, first, commit))
            except (errors.InvalidSqlStatementName, errors.FeatureNotSupported) as error:
                # Somebody dropped what was prepared, or a migration changed what it reads.
                if not is_stale(error):
                    raise
                self._forget_prepared()
                # Where a transaction is lost with it, whoever began that tries again.
                if first or self.pgconn.transaction_status != TransactionStatus.IDLE:
                    raise
                return self.wait(self._exchange(bound, adapt, first, commit))

    def _exchange(
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
            self.pgconn.finish()  # half an exchange: what would arrive next is not known
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
        if name is None and not isinstance(text, OneOff) and len(self._statements) + len(new) < _MOST_PREPARED:
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
        if command and result.command_status != command:  # COMMIT of a failed transaction rolls back, and is content
            raise errors.InFailedSqlTransaction(f"{command.decode()} became {result.command_status!r}")

    def _rows(self, adapt: abc.Transformer, result: Any) -> Rows:
        self._require(None, result)
        adapt.set_pgresult(result)
        return adapt.load_rows(0, result.ntuples, tuple)


def is_stale(error: BaseException) -> bool:
    """Whether a statement failed only because what was prepared is not what it was."""
    if isinstance(error, errors.FeatureNotSupported):
        return error.diag.source_function == "RevalidateCachedQuery"
    return isinstance(error, errors.InvalidSqlStatementName)


def _bind(statement: str, parameters: Parameters, adapt: abc.Transformer) -> Bound:
    text, names = numbered(statement)
    if isinstance(statement, OneOff):
        text = OneOff(text)
    values = [parameters[name] for name in names] if isinstance(parameters, Mapping) else list(parameters)
    return text, adapt.dump_sequence(values, [PyFormat.TEXT] * len(values))


@lru_cache(maxsize=512)
def _name_of(text: str, generation: int) -> bytes:
    # After the text: behind a pooler another process's statement of the same name is the same statement.
    return f"desk_{hashlib.sha256(text.encode()).hexdigest()[:16]}_{generation}".encode()
