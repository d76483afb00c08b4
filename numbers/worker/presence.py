"""Record which worker processes are alive: each renews a row of numbers_workerprocess."""

import socket
from uuid import UUID

from django.db import connection

from numbers.models import WorkerProcess
from numbers.worker.schedule import worker_name

ALIVE_SECONDS = 60

_PRESENT = """
    INSERT INTO numbers_workerprocess (id, name, host, started_at, beat_at)
    VALUES (%s, %s, %s, clock_timestamp(), clock_timestamp())
    ON CONFLICT (id) DO UPDATE SET beat_at = clock_timestamp()
"""
_FORGET_SILENT = (
    "DELETE FROM numbers_workerprocess WHERE beat_at < clock_timestamp() - interval '10 minutes'"
)
_ALIVE = """
    SELECT count(*), count(*) FILTER (WHERE host = %s) FROM numbers_workerprocess
    WHERE beat_at > clock_timestamp() - make_interval(secs => %s)
"""


def host_name() -> str:
    return socket.gethostname()[:64]


def renew_presence(worker_id: UUID) -> None:
    """Record that this worker is alive, and remove workers that were silent for ten minutes."""
    with connection.cursor() as cursor:
        cursor.execute(_PRESENT, [worker_id, worker_name(), host_name()])
        cursor.execute(_FORGET_SILENT)


def end_presence(worker_id: UUID) -> None:
    WorkerProcess.objects.filter(pk=worker_id).delete()


def live_workers() -> tuple[int, int]:
    """Return how many workers are alive, in all and on this host."""
    with connection.cursor() as cursor:
        cursor.execute(_ALIVE, [host_name(), ALIVE_SECONDS])
        everywhere, here = cursor.fetchone()
    return everywhere, here
