"""Wake the worker: one notification, sent by PostgreSQL when the transaction commits.

Channel: ``CHANNEL``, without a payload. The worker process LISTENs on it and looks at all of its
queues when a notification arrives. A notification may get lost (no worker is connected, a pooler
stands between), so the worker also looks from time to time: waking only makes it sooner.
"""

from config.db.pipeline import Statement, run_statements

CHANNEL = "numberdesk_worker"

NOTIFY = "SELECT pg_notify(%s, '')"


def wake_statement() -> Statement:
    """Return the statement of ``wake_worker``, to be sent with others."""
    return NOTIFY, [CHANNEL]


def wake_worker() -> None:
    """Notify the worker when the current transaction commits, or at once outside of one.

    PostgreSQL drops the notification with a rollback, and sends one for any number of calls in a
    transaction.
    """
    run_statements(wake_statement())
