"""Recovery from connections that died while they were idle."""

import logging
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

from config.db.backend.pooler import REASON, suspicion

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


def on_a_live_connection(work: Callable[[], Result]) -> Result:
    """Run ``work``, the first statement of a request, again if its connection turns out dead.

    A server that ended without notice would otherwise cost a customer a 503. A server that gave
    notice is detected before the request (config.db.backend). A check each time would cost a
    round trip. ``work`` must be safe to run twice, outside a transaction. If the database is
    away, the second try raises.
    """
    kept = connection.connection  # Django forgets a dead one when its rollback fails
    try:
        return work()
    except (OperationalError, InterfaceError):
        if kept is None or not kept.closed:
            raise
    logger.warning("a connection had died")
    connection.close()
    return work()


def replace_connections() -> None:
    """Replace each thread's connection at its next request, and check for a pooler again."""
    suspicion.add()
    logger.error("%s", REASON)
    drop_connection()


def drop_connection() -> None:
    """Drop a connection with stale prepared statements; the next request opens a new one."""
    if connection.connection is not None and not connection.in_atomic_block:
        connection.close()


def drop_if_dead() -> None:
    """Close this thread's connection if it is unusable; the next statement opens a new one."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
