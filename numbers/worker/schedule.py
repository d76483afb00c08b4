"""Claim duties that are due and record how they ended; the table numbers_duty is the schedule.

A claim is a lease: its owner renews `beat_at`, and another worker takes over if it was silent.
`runs` is the fencing token: a worker that lost the claim can no longer record an outcome.
"""

import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import DatabaseError, InterfaceError, connection

from config.db.connections import drop_if_dead
from config.db.sqlstates import is_unavailable
from numbers.models import WorkerQueue
from numbers.worker.duties import DutyFailed, PeriodicDuty
from numbers.worker.failures import ERROR_LENGTH, RETRY_DELAY, SILENCE, in_words, record_failure
from numbers.worker.heartbeat import Heartbeat

logger = logging.getLogger(__name__)

# The next time by the schedule, from now on: missed times are made up for once.
_NEXT = """
    CASE WHEN daily_at IS NULL THEN clock_timestamp() + make_interval(secs => every_seconds)
         WHEN (clock_timestamp() AT TIME ZONE 'UTC')::time < daily_at
         THEN ((clock_timestamp() AT TIME ZONE 'UTC')::date + daily_at) AT TIME ZONE 'UTC'
         ELSE ((clock_timestamp() AT TIME ZONE 'UTC')::date + 1 + daily_at) AT TIME ZONE 'UTC' END
"""
_FREE = f"(beat_at IS NULL OR beat_at < clock_timestamp() - {SILENCE})"

_KNOWN = "SELECT name, every_seconds, daily_at FROM numbers_duty WHERE name = ANY(%s)"
_PLAN = f"""
    INSERT INTO numbers_duty AS d (name, every_seconds, daily_at, next_at, owner, outcome, result,
                                   error, attempts, runs, failures)
    SELECT name, every_seconds, daily_at,
           CASE WHEN daily_at IS NULL THEN clock_timestamp() ELSE {_NEXT} END, '', '', '', '', 0, 0,
           0
    FROM (VALUES (%s::text, %s::int, %s::time)) AS planned (name, every_seconds, daily_at)
    ON CONFLICT (name) DO UPDATE
        SET every_seconds = EXCLUDED.every_seconds, daily_at = EXCLUDED.daily_at,
            next_at = EXCLUDED.next_at
"""  # noqa: S608  made of constants
# Materialized, so that one row is locked. As a part of the join it could be read once for each duty:
# each time it would find the next one, and all of them would be claimed.
_CLAIM = f"""
    WITH due AS MATERIALIZED (
        SELECT name, owner, beat_at FROM numbers_duty
        WHERE name = ANY(%(names)s) AND next_at <= clock_timestamp() AND {_FREE}
        ORDER BY next_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE numbers_duty AS d
    SET owner = %(owner)s, beat_at = clock_timestamp(), started_at = clock_timestamp(),
        attempts = d.attempts + 1, runs = d.runs + 1,
        failures = d.failures + (due.beat_at IS NOT NULL)::int
    FROM due WHERE d.name = due.name
    RETURNING d.name, d.runs, due.owner
"""  # noqa: S608  made of constants
_WAIT = f"""
    SELECT min(CASE WHEN beat_at IS NULL THEN greatest(0,
                                                       extract(epoch FROM next_at - clock_timestamp()))
               ELSE greatest(0, extract(epoch
                                        FROM beat_at + {SILENCE} - clock_timestamp())) END)::float
    FROM numbers_duty WHERE name = ANY(%s)
"""  # noqa: S608  made of constants
_BEAT = "UPDATE numbers_duty SET beat_at = clock_timestamp() WHERE name = %s AND runs = %s AND beat_at IS NOT NULL"
_DONE = f"""
    UPDATE numbers_duty
    SET owner = '', beat_at = NULL, finished_at = clock_timestamp(),
        succeeded_at = clock_timestamp(), outcome = 'done', result = %s, error = '', attempts = 0,
        next_at = {_NEXT}
    WHERE name = %s AND runs = %s AND beat_at IS NOT NULL
"""  # noqa: S608  made of constants
# A duty is never given up, and retried at least as often as its schedule says.
_FAILED = f"""
    UPDATE numbers_duty
    SET owner = '', beat_at = NULL, finished_at = clock_timestamp(), outcome = 'failed', error = %s,
        failures = failures + 1, next_at = least(clock_timestamp() + {RETRY_DELAY}, {_NEXT})
    WHERE name = %s AND runs = %s AND beat_at IS NOT NULL
"""  # noqa: S608  made of constants
_RELEASED = """
    UPDATE numbers_duty SET owner = '', beat_at = NULL, attempts = attempts - 1,
      next_at = clock_timestamp()
    WHERE name = %s AND runs = %s AND beat_at IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A duty that this worker runs now."""

    duty: PeriodicDuty
    run: int

    def beat(self) -> None:
        _execute(_BEAT, self.duty.name, self.run)


def worker_name() -> str:
    """Return host and process id, the name of a duty's owner."""
    return f"{socket.gethostname()[:64]}:{os.getpid()}"


def plan_duties(duties: dict[str, PeriodicDuty]) -> None:
    """Add missing duties to the table, and update those with a changed schedule."""
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, [list(duties)])
        planned = {name: schedule for name, *schedule in cursor.fetchall()}
        for duty in duties.values():
            schedule: list[Any] = [duty.every_seconds, duty.daily_at]
            if planned.get(duty.name) != schedule:
                cursor.execute(_PLAN, [duty.name, *schedule])


def claim_duty(duties: dict[str, PeriodicDuty]) -> Claim | None:
    """Claim the duty that has been due for the longest; None if none is due and free."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"owner": worker_name(), "names": list(duties)})
        row = cursor.fetchone()
    if row is None:
        return None
    name, run, silent_owner = row
    if silent_owner:
        logger.warning("duty %s: taken over from %s, which has been silent", name, silent_owner)
    return Claim(duties[name], run)


def seconds_until_due(duties: dict[str, PeriodicDuty]) -> float | None:
    """Return how long no duty needs a worker; None if none is planned."""
    with connection.cursor() as cursor:
        cursor.execute(_WAIT, [list(duties)])
        seconds: float | None = cursor.fetchone()[0]
    return seconds


def run_duty(claim: Claim, *, is_stopping: Callable[[], bool]) -> None:
    """Run a claimed duty to its end and record the outcome. Raise only if the database is away."""
    duty = claim.duty
    try:
        with Heartbeat(f"duty {duty.name}", claim.beat):
            result = duty.run_until(is_stopping) if duty.run_until else duty.run()
        _execute(_DONE, result[:ERROR_LENGTH], duty.name, claim.run)
    except DutyFailed as failure:
        logger.error("duty %s: %s", duty.name, failure)
        _execute(_FAILED, str(failure)[:ERROR_LENGTH], duty.name, claim.run)
    except (DatabaseError, InterfaceError, psycopg.Error) as error:
        drop_if_dead()
        if is_stopping():  # its statement was canceled for that
            _execute(_RELEASED, duty.name, claim.run)
            return
        _fail(claim, error, count=not is_unavailable(error))
    except Exception as error:  # noqa: BLE001  recorded; a duty that fails must not end the worker
        _fail(claim, error, count=True)


def _fail(claim: Claim, error: BaseException, *, count: bool) -> None:
    """Record a failed run. `count`: it is unforeseen, not a busy or unavailable database."""
    if count:
        record_failure(WorkerQueue.DUTIES, claim.duty.name, error)
    else:
        logger.warning("duty %s waits: %s", claim.duty.name, error)
    _execute(_FAILED, in_words(error), claim.duty.name, claim.run)


def _execute(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
