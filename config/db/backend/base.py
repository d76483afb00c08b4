"""A connection for each thread, kept by Django's CONN_MAX_AGE as long as the server keeps it.

A pool checks one out and in for each request, which was a sixth of an order's time in Python
(docs/speed.md). A worker has as many connections as threads. Under load it had as many with a pool.
"""

import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import IsolationLevel
from psycopg import errors
from psycopg.pq import TransactionStatus

from config.db.backend.pooler import require_own_statements, suspicion
from config.db.pipeline import PipelineConnection


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper, with a check before each request for a connection that has ended."""

    _generation = 0  # the generation of the pooler suspicion when the connection was made

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        if conn_params["prepare_threshold"] is None:  # the fallback of config.db.pipeline
            return super().get_new_connection(conn_params)
        self.isolation_level = IsolationLevel.READ_COMMITTED
        generation = suspicion.generation
        connection = PipelineConnection.connect(**conn_params)
        try:
            require_own_statements(connection, lambda: psycopg.connect(**conn_params))
        except BaseException:
            connection.close()
            raise
        self._generation = generation
        return connection

    def _commit(self) -> None:
        if self._is_at_rest():
            return  # COMMIT was sent with the last statements
        if self.connection.pgconn.transaction_status == TransactionStatus.INERROR:
            # PostgreSQL would roll back, and psycopg would report no error.
            with self.wrap_database_errors:
                raise errors.InFailedSqlTransaction("a failed transaction can't be committed")
        super()._commit()  # type: ignore[misc]

    def _set_autocommit(self, autocommit: bool) -> None:
        if self._is_at_rest():
            self.connection._set_autocommit(autocommit)
        else:
            super()._set_autocommit(autocommit)  # type: ignore[misc]

    def _is_at_rest(self) -> bool:
        """Return whether no transaction is open, so that nothing needs to be sent."""
        raw = self.connection
        return (
            isinstance(raw, PipelineConnection)
            and raw.pgconn.transaction_status == TransactionStatus.IDLE
        )

    def close_if_unusable_or_obsolete(self) -> None:
        if self.connection is not None and not self.in_atomic_block:
            mixed_up = self._generation != suspicion.generation and isinstance(
                self.connection, PipelineConnection
            )
            if mixed_up or has_ended(self.connection):
                self.close()
        super().close_if_unusable_or_obsolete()


def has_ended(connection: psycopg.Connection[Any]) -> bool:
    """Return whether the server has closed the connection, without a round trip.

    After a restart of the database every connection is dead, and each would cost an error.
    """
    if connection.closed:
        return True
    arrived = select.poll()
    arrived.register(connection.fileno(), select.POLLIN)
    # No reply is pending, so readable means: a closing message, end of stream, or a parameter
    # status message.
    while arrived.poll(0):
        try:
            connection.pgconn.consume_input()
        except psycopg.OperationalError:
            return True
    return False
