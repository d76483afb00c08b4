"""The lane ``webhooks`` of the worker: fan out, claim, send in threads, record.

Only the lane's thread uses the database; the threads that send only send. What they did waits in
a queue until the lane records it. If it can't, because the database is away, leases end and the
events are sent again.
"""

import logging
import queue
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from config.api.envelope import render
from numbers.events.feed import events_by_id
from numbers.webhooks.claims import Claimed, claim_deliveries
from numbers.webhooks.fan_out import fan_out
from numbers.webhooks.outcomes import Attempt, record_attempts
from numbers.webhooks.sandbox import forced_outcome
from numbers.webhooks.secrets import CannotOpen, unseal
from numbers.webhooks.send import Outcome, send
from numbers.webhooks.signing import signed_headers

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
THREADS = 64
EXPIRED = "the event is no longer kept"


class Sender:
    """Sends deliveries of this process. ``wake`` is called when one has ended."""

    def __init__(self, wake: Callable[[], None] = lambda: None, *, threads: int = THREADS) -> None:
        self._wake = wake
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="webhook")
        self._ended: queue.SimpleQueue[Attempt] = queue.SimpleQueue()
        self._in_flight = 0

    def look(self) -> float:
        """Process what is due; return the seconds until the next look."""
        self._record()
        fan_out()
        while (free := self._threads - self._in_flight) > 0:
            claimed = claim_deliveries(free)
            self._start(claimed)
            if len(claimed) < free:
                break
            self._record()
        return LOOK_SECONDS

    def finish(self, seconds: float) -> None:
        """Wait for requests that are under way, and record them."""
        deadline = time.monotonic() + seconds
        while self._in_flight and (left := deadline - time.monotonic()) > 0:
            self._record(wait=left)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self, claimed: list[Claimed]) -> None:
        if not claimed:
            return
        bodies = _bodies(claimed)
        self._in_flight += len(claimed)
        for one in claimed:
            self._pool.submit(self._send, one, bodies.get(one.event_id))

    def _send(self, claimed: Claimed, body: bytes | None) -> None:
        try:
            outcome = attempt(claimed, body)
        except Exception:
            logger.exception("delivery %s failed for an unforeseen reason", claimed.id)
            outcome = Outcome(None, "an unforeseen error of the sender")
        self._ended.put(Attempt(claimed, outcome))
        self._wake()

    def _record(self, *, wait: float = 0) -> None:
        attempts: list[Attempt] = []
        try:
            while True:
                is_first = wait and not attempts
                attempts.append(
                    self._ended.get(timeout=wait) if is_first else self._ended.get_nowait()
                )
        except queue.Empty:
            pass
        self._in_flight -= len(attempts)
        record_attempts(attempts)


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


def _bodies(claimed: list[Claimed]) -> dict[UUID, bytes]:
    events = events_by_id({one.event_id for one in claimed})
    return {event_id: render(event.as_json()) for event_id, event in events.items()}
