"""The lane ``webhooks`` of the worker: fan out, claim, send in threads, record.

Only the lane's thread uses the database; the threads that send only send. What they did waits in
a queue until the lane records it. If it can't, because the database is away, leases end and the
events are sent again.

A slow request keeps its thread but frees its slot: others begin in its place, up to a bound, and
its endpoint gets one request at a time. So endpoints that hang delay no others.
"""

import logging
import queue
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from django.db import DatabaseError

from config.api.envelope import render
from config.db.sqlstates import is_unavailable
from numbers.events.feed import events_by_id
from numbers.events.render import Event
from numbers.webhooks.claims import Claimed, claim_deliveries
from numbers.webhooks.connections import kept
from numbers.webhooks.fan_out import fan_out
from numbers.webhooks.outcomes import Attempt, record_attempts
from numbers.webhooks.sandbox import forced_outcome
from numbers.webhooks.secrets import CannotOpen, signed_headers, unseal
from numbers.webhooks.send import Outcome, send

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
THREADS = 64
MOST_THREADS = 512
SLOW_SECONDS = 0.25
# Attempts that end within this time are recorded together.
GATHER_SECONDS = 0.01
EXPIRED = "the event is no longer kept"
UNFORESEEN = "an unforeseen error of the sender"


class Sender:
    """Sends deliveries of this process. ``wake`` is called when one has ended."""

    def __init__(self, wake: Callable[[], None] = lambda: None, *, threads: int = THREADS) -> None:
        self._wake = wake
        self._threads = threads
        self._pool = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="webhook")
        self._ended: queue.SimpleQueue[Attempt] = queue.SimpleQueue()
        self._in_flight: dict[Claimed, float] = {}  # and when each began
        self._fan_out_at = 0.0

    def expect_events(self) -> None:
        """Read the feed at the next look."""
        self._fan_out_at = 0.0

    def look(self) -> float:
        """Process what is due; return the seconds until the next look."""
        self._record(GATHER_SECONDS)
        if time.monotonic() >= self._fan_out_at:
            self._fan_out()
        while (free := self._free()) > 0:
            claimed = claim_deliveries(free, slow=self._slow())
            self._start(claimed)
            if len(claimed) < free:
                break
            self._record(GATHER_SECONDS)
        return LOOK_SECONDS

    def _fan_out(self) -> None:
        """Make some deliveries. Behind a backlog of events, sending goes on in between."""
        kept.close_old()
        self._fan_out_at = time.monotonic() + LOOK_SECONDS
        if fan_out(batches=1):
            self.expect_events()
            self._wake()

    def finish(self, seconds: float) -> None:
        """Wait for requests that are under way, and record them."""
        deadline = time.monotonic() + seconds
        while self._in_flight and (left := deadline - time.monotonic()) > 0:
            self._record(left, for_the_first=True)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _free(self) -> int:
        """Return how many requests may begin: slow ones have lost their turn."""
        total = len(self._in_flight)
        return min(self._threads - (total - len(self._slow_requests())), MOST_THREADS - total)

    def _slow(self) -> set[UUID]:
        return set(self._slow_requests())

    def _slow_requests(self) -> list[UUID]:
        """Return the endpoint of each request that takes long."""
        before = time.monotonic() - SLOW_SECONDS
        return [one.webhook_id for one, began in self._in_flight.items() if began < before]

    def _start(self, claimed: list[Claimed]) -> None:
        if not claimed:
            return
        events = events_by_id({one.event_id for one in claimed})
        for one in claimed:
            self._in_flight[one] = time.monotonic()
            self._pool.submit(self._send, one, events.get(one.event_id))

    def _send(self, claimed: Claimed, event: Event | None) -> None:
        try:
            outcome = attempt(claimed, render(event.as_json()) if event else None)
        except Exception:
            logger.exception("delivery %s failed for an unforeseen reason", claimed.id)
            outcome = Outcome(None, UNFORESEEN)
        self._ended.put(Attempt(claimed, outcome))
        self._wake()

    def _record(self, seconds: float, *, for_the_first: bool = False) -> None:
        """Record what has ended, and what ends with it within so many seconds."""
        attempts = self._take(seconds, for_the_first=for_the_first)
        for claimed, _ in attempts:
            self._in_flight.pop(claimed, None)
        try:
            record_attempts(attempts)
        except DatabaseError as error:
            if is_unavailable(error):
                raise
            for one in attempts:
                _record_alone(one)

    def _take(self, seconds: float, *, for_the_first: bool) -> list[Attempt]:
        attempts: list[Attempt] = []
        ends = time.monotonic() + seconds
        while len(attempts) < len(self._in_flight):
            wait = ends - time.monotonic() if attempts or for_the_first else 0
            try:
                attempts.append(
                    self._ended.get(timeout=wait) if wait > 0 else self._ended.get_nowait()
                )
            except queue.Empty:
                break
            if for_the_first:
                ends, for_the_first = min(ends, time.monotonic() + GATHER_SECONDS), False
        return attempts


def _record_alone(attempt: Attempt) -> None:
    """Record an attempt that may be what its batch failed for, and the others did not cause."""
    try:
        record_attempts([attempt])
    except DatabaseError as error:
        if is_unavailable(error):
            raise
        logger.exception("the outcome of delivery %s can't be recorded", attempt.claimed.id)
        _record_plainly(attempt)


def _record_plainly(attempt: Attempt) -> None:
    """Record whether an attempt succeeded, without what the other side said."""
    error = UNFORESEEN if attempt.outcome.error else ""
    plain = attempt.outcome._replace(error=error, response="", retry_after=None)
    try:
        record_attempts([attempt._replace(outcome=plain)])
    except DatabaseError as failure:
        if is_unavailable(failure):
            raise
        logger.exception("delivery %s is sent again once its lease ends", attempt.claimed.id)


def attempt(claimed: Claimed, body: bytes | None) -> Outcome:
    """Send one delivery, without the database."""
    if body is None:
        return Outcome(None, EXPIRED)
    if claimed.is_sandbox and (forced := forced_outcome(claimed.url, tries=claimed.tries)):
        return forced
    try:
        secrets = [
            unseal(one, webhook_id=claimed.webhook_id)
            for one in (claimed.secret, claimed.previous_secret)
            if one
        ]
    except CannotOpen as error:
        return Outcome(None, f"not sent: {error}")
    headers = signed_headers(
        body, message_id=str(claimed.event_id), timestamp=int(time.time()), secrets=secrets
    )
    return send(claimed.url, body, headers)
