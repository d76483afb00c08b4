"""Unforeseen failures of single items: logged with the item's id, counted, retried with growing
delay.

Every queue of the worker uses these: a failing item must not delay, reorder or hide the others.
"""

import logging

from django.db import DatabaseError, InterfaceError, connection, transaction

from config.db.sqlstates import CANCELED, LOCKED, is_unavailable, sqlstate_of
from numbers.models import WorkerQueue

logger = logging.getLogger(__name__)

ERROR_LENGTH = 512

# Both are SQL expressions over the column ``attempts``.
# A failed item is retried after 30 s, 2 min, 8 min, 32 min, then hourly.
RETRY_DELAY = "make_interval(secs => least(3600, 30 * 4 ^ least(attempts - 1, 8)))"
# An item whose worker is silent is taken over after 60 s. The time doubles with each attempt, since
# the item may be what kills the workers.
SILENCE = "make_interval(secs => least(3600, 60 * 2 ^ least(attempts - 1, 8)))"

_COUNT = """
    INSERT INTO numbers_queuefailures AS f (queue, failures, last_item, last_at)
    VALUES (%s, 1, %s, clock_timestamp())
    ON CONFLICT (queue) DO UPDATE
        SET failures = f.failures + 1, last_item = EXCLUDED.last_item, last_at = EXCLUDED.last_at
"""


def is_locked(error: BaseException) -> bool:
    """Return whether the item was only locked by another transaction."""
    return sqlstate_of(error) in LOCKED


def raise_if_away(error: Exception) -> None:
    """Raise the error again if the database is unavailable, which is not the item's fault."""
    if is_unavailable(error) and sqlstate_of(error) not in (*LOCKED, CANCELED):
        raise error


def record_failure(queue: WorkerQueue, item: object, error: BaseException) -> None:
    """Log the traceback with the item's id and count the failure.

    Call it outside the failed transaction.
    """
    fields = {"queue": queue.value, "item": str(item)}
    logger.error(
        "%s: item %s failed: %s", queue.label, item, error, exc_info=error, extra={"fields": fields}
    )
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_COUNT, [queue, str(item)[:64]])
    except (DatabaseError, InterfaceError):
        logger.warning("the failure could not be counted", exc_info=True)


def in_words(error: BaseException) -> str:
    """Return an error as one line: its class, and its first line without control characters."""
    first_line = str(error).strip().partition("\n")[0]
    printable = "".join(character for character in first_line if character.isprintable())
    return (
        f"{type(error).__name__}: {printable}"[:ERROR_LENGTH] if printable else type(error).__name__
    )
