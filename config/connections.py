"""Connections that died while nobody used them."""

import logging
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


def on_a_live_connection(work: Callable[[], Result]) -> Result:
    """Run ``work``, the first statement of a request; once more where its connection turns out dead.

    After a restart of the database every connection in the pool is dead, and each would cost a
    customer a 503. The first one that is noticed has all of them checked. Asking each connection
    before each request would cost a round trip for ever. ``work`` must be safe to run twice, outside
    a transaction. Where the database is away, the second try says so.
    """
    try:
        return work()
    except (OperationalError, InterfaceError):
        raw = connection.connection
        if raw is None or not raw.closed:
            raise
    logger.warning("a connection had died; checking the others")
    connection.close()
    if pool := getattr(connection, "pool", None):
        pool.check()
    return work()


def drop_connection() -> None:
    """Have the pool make a new one in place of this request's, whose prepared statements are stale."""
    if connection.connection is not None and not connection.in_atomic_block:
        connection.connection.close()
        connection.close()
