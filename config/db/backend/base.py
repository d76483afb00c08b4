"""Each thread keeps its connection, as Django's CONN_MAX_AGE has it, for as long as the server does.

A pool asks for one and gives it back with each request: of an order's time in Python that was a sixth
(docs/speed.md). A worker has as many connections as threads; under load it had them with a pool as well.
"""

import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import IsolationLevel
from psycopg.pq import TransactionStatus

from config.db.backend.pooler import require_own_statements, suspicion
from config.db.pipeline import DeskConnection


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, with a look before each request at whether the server has ended the connection meanwhile."""

    _generation = 0  # of the suspicion against a pooler, when the connection was made

    def get_new_connection(self, conn_params: dict[str, Any]) -> psycopg.Connection[Any]:
        if conn_params["prepare_threshold"] is None:  # exchanges prepare what they send
            return super().get_new_connection(conn_params)
        self.isolation_level = IsolationLevel.READ_COMMITTED
        generation = suspicion.generation
        connection = DeskConnection.connect(**conn_params)
        try:
            require_own_statements(connection, lambda: psycopg.connect(**conn_params))
        except BaseException:
            connection.close()
            raise
        self._generation = generation
        return connection

    def _commit(self) -> None:
        if not self._is_at_rest():  # else COMMIT has gone with the last statements
            super()._commit()  # type: ignore[misc]

    def _set_autocommit(self, autocommit: bool) -> None:
        if self._is_at_rest():
            self.connection._set_autocommit(autocommit)
        else:
            super()._set_autocommit(autocommit)  # type: ignore[misc]

    def _is_at_rest(self) -> bool:
        """Return whether no transaction is open, so that there is nothing to say to the server."""
        raw = self.connection
        return isinstance(raw, DeskConnection) and raw.pgconn.transaction_status == TransactionStatus.IDLE

    def close_if_unusable_or_obsolete(self) -> None:
        if self.connection is not None and not self.in_atomic_block:
            mixed_up = self._generation != suspicion.generation and isinstance(self.connection, DeskConnection)
            if mixed_up or has_ended(self.connection):
                self.close()
        super().close_if_unusable_or_obsolete()


def has_ended(connection: psycopg.Connection[Any]) -> bool:
    """Whether the server has closed the connection, as far as this machine knows: nothing is asked of it.

    After a restart of the database every connection is dead, and each would cost somebody an error.
    """
    if connection.closed:
        return True
    arrived = select.poll()
    arrived.register(connection.fileno(), select.POLLIN)
    while arrived.poll(0):  # nobody awaits anything: its last words, their end, or a word about its settings
        try:
            connection.pgconn.consume_input()
        except psycopg.OperationalError:
            return True
    return False
