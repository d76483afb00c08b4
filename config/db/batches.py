"""Statements that are sent together, where one need not see the answer to the other."""

from contextlib import nullcontext
from contextvars import ContextVar
from itertools import chain

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from psycopg.pq import TransactionStatus

from config.db.pipeline import DeskConnection, Parameters, Rows, Statement

# What the transaction under way has still to say before its first statement: config.db.transactions.
first_of_all: ContextVar[tuple[Statement, ...]] = ContextVar("first_of_all", default=())


def send(*statements: Statement, last: bool = False, undo: bool = False) -> list[Rows]:
    """Run the statements in this order, in one round trip; gives the rows of each.

    In a transaction that has not begun yet, BEGIN goes with them; ``last``: so does COMMIT, unless this is part
    of a larger one. ``undo``: the transaction comes to nothing, and where they can, the statements run behind its
    ROLLBACK, when its locks are free; whoever says so raises next. Outside a transaction they are one. The first
    error is raised, and what stands behind its statement is not run. Statements that a migration made stale end a
    transaction with an error that ``run_transaction`` tries again.
    """
    before = first_of_all.get()
    if before:
        first_of_all.set(())
    database = connections[DEFAULT_DB_ALIAS]
    database.validate_no_broken_transaction()
    database.ensure_connection()
    raw = database.connection
    if not isinstance(raw, DeskConnection) or database.execute_wrappers or database.queries_logged:
        with nullcontext() if database.in_atomic_block else transaction.atomic():
            return [_run(*statement) for statement in chain(before, statements)][len(before) :]
    alone = database.in_atomic_block and len(database.atomic_blocks) == 1
    begun = raw.pgconn.transaction_status != TransactionStatus.IDLE
    first = b"BEGIN" if database.in_atomic_block and not begun else None
    if undo and alone and begun:
        first = b"ROLLBACK"
        database.set_rollback(True)  # Django's, which does nothing then, and lets nobody run anything before
    with database.wrap_database_errors:
        return raw.exchange([*before, *statements], first=first, commit=last and alone)[len(before) :]


def _run(statement: str, parameters: Parameters) -> Rows:
    """One by one, as Django runs them: for who listens, and for a pooler that knows no prepared statements."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []
