"""The worker process: backorders, events, webhooks, jobs and periodic duties.

Any number may run at once. Each queue and each running duty has a thread of its own, so that no
queue waits for another.
"""

import logging
import os
import queue
import signal
import threading
import time
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections

from numbers.events.publish import publish_events
from numbers.orders.backorders import filled_orders, look
from numbers.webhooks.sender import Sender
from numbers.worker import jobs
from numbers.worker.duties import all_duties
from numbers.worker.heartbeat import Heartbeat
from numbers.worker.lane import CancelableThread, Lane
from numbers.worker.listener import Listener
from numbers.worker.presence import end_presence, renew_presence
from numbers.worker.schedule import (
    Claim,
    claim_duty,
    plan_duties,
    run_duty,
    seconds_until_due,
    worker_name,
)

logger = logging.getLogger(__name__)

# Orders send no notification for their events: commits that notify wait for each other.
PUBLISH_SECONDS = 0.25
# After SIGTERM: let steps end, then cancel their statements, then exit.
GRACE_SECONDS = 8.0
STOP_SECONDS = 15.0
# Signals that come together are one: `timeout` sends its own to the process and to its group.
TOGETHER_SECONDS = 1.0


class Worker:
    """All threads of one worker process.

    `parent`: stop when this process is no longer the parent.
    """

    def __init__(self, *, poll: float | None = None, parent: int | None = None) -> None:
        poll = settings.WORKER_POLL_SECONDS if poll is None else poll
        self._id = uuid4()
        self._parent = parent
        self._stop = threading.Event()
        self._signals: queue.SimpleQueue[int] = (
            queue.SimpleQueue()
        )  # safe to use in a signal handler
        self._duties = all_duties()
        self._running_duties: list[CancelableThread] = []
        options: dict[str, Any] = {"stop": self._stop, "poll": poll}
        self._duty_lane = Lane("duties", self._start_duties, **options)
        self._sender = sender = Sender(lambda: self._webhook_lane.wake())
        self._webhook_lane = Lane(
            "webhooks", sender.look, finish=lambda: sender.finish(GRACE_SECONDS - 2), **options
        )
        self._lanes = [
            Lane("backorders", self._fill, **options),
            *(
                Lane(f"jobs {number}", self._run_jobs, **options)
                for number in range(1, settings.WORKER_JOBS + 1)
            ),
            Lane("events", self._publish_events, **options),
            self._webhook_lane,
            self._duty_lane,
        ]

    def run(self) -> int:
        """Run jobs and duties until SIGTERM or SIGINT; return the exit code of the process."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda received, frame: self._signals.put(received))
        logger.info("worker %s started", worker_name())
        with Heartbeat("worker", lambda: renew_presence(self._id)):
            for lane in self._lanes:
                lane.start()
            listener = Listener(self._wake, self._stop)
            listener.start()
            crashed = self._wait_for_the_end()
            ended = self._end()
            listener.join(2.0)
        try:
            end_presence(self._id)
        except (DatabaseError, InterfaceError):
            logger.warning("the worker's row could not be removed", exc_info=True)
        connections.close_all()
        logger.info("worker %s stopped", worker_name())
        return 0 if ended and not crashed else 1

    def _wait_for_the_end(self) -> bool:
        """Wait for a signal. Return True if a thread died, so that a supervisor restarts us."""
        while True:
            try:
                self._signals.get(timeout=1.0)
                return False
            except queue.Empty:
                if dead := [lane.name for lane in self._lanes if not lane.is_alive()]:
                    logger.critical("worker threads died: %s", ", ".join(dead))
                    return True
            if self._parent is not None and os.getppid() != self._parent:
                return False

    def _end(self) -> bool:
        """Stop all threads; cancel statements that take too long. Return whether all ended."""
        began = time.monotonic()
        self._stop.set()
        self._wake()
        canceled = False
        while threads := [
            thread for thread in [*self._lanes, *self._running_duties] if thread.is_alive()
        ]:
            passed = time.monotonic() - began
            while passed < TOGETHER_SECONDS and not self._signals.empty():
                self._signals.get()
            if passed > STOP_SECONDS or not self._signals.empty():
                names = ", ".join(thread.name for thread in threads)
                logger.warning("stopped in the middle of: %s; another worker takes over", names)
                return False
            if passed > GRACE_SECONDS and not canceled:
                canceled = True
                for thread in threads:
                    thread.cancel()
            threads[0].join(0.1)
        return True

    def _wake(self) -> None:
        for lane in self._lanes:
            lane.wake()

    def _fill(self) -> None:
        if filled := look(self._stop.is_set).filled:
            logger.info(filled_orders(filled))

    def _publish_events(self) -> float:
        if publish_events():
            self._sender.expect_events()
            self._webhook_lane.wake()
        return PUBLISH_SECONDS

    def _run_jobs(self) -> float | None:
        while not self._stop.is_set() and jobs.run_next(self._stop.is_set):
            pass
        return jobs.seconds_until_due()

    def _start_duties(self) -> float | None:
        plan_duties(self._duties)
        self._running_duties = [thread for thread in self._running_duties if thread.is_alive()]
        while not self._stop.is_set() and (claim := claim_duty(self._duties)):
            self._start_duty(claim)
        return seconds_until_due(self._duties)

    def _start_duty(self, claim: Claim) -> None:
        def work() -> None:
            try:
                thread.connect()
                run_duty(claim, is_stopping=self._stop.is_set)
            except (DatabaseError, InterfaceError):  # the missing heartbeat shows it
                logger.warning(
                    "duty %s: its end could not be recorded", claim.duty.name, exc_info=True
                )
            finally:
                self._duty_lane.wake()

        thread = CancelableThread(f"duty {claim.duty.name}", work)
        self._running_duties.append(thread)
        thread.start()
