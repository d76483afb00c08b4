"""Connections that died while nobody used them."""

import logging
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

from config.db.backend.pooler import REASON, suspicion

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


def on_a_live_connection(work: Callable[[], Result]) -> Result:
    """Run ``work``, the first statement of a request; once more where its connection turns out dead.

    A server that is gone without a word, or goes just now, would cost a customer a 503; one that said so is
    noticed before the request (config.db.backend). Asking it each time would cost a round trip for ever.
    ``work`` must be safe to run twice, outside a transaction. Where the database is away, the second try says so.
    """
    try:
        return work()
    except (OperationalError, InterfaceError):
        raw = connection.connection
        if raw is None or not raw.closed:
            raise
    logger.warning("a connection had died")
    connection.close()
    return work()


def replace_connections() -> None:
    """Let each thread's next request have a new connection, which looks for a pooler that loses statements."""
    suspicion.add()
    logger.error("%s", REASON)
    drop_connection()


def drop_connection() -> None:
    """Let the next request have a new one, in place of one whose prepared statements are stale."""
    if connection.connection is not None and not connection.in_atomic_block:
        connection.close()


def drop_if_dead() -> None:
    """Close this thread's connection if an error made it unusable, so that the next statement opens a new one."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
