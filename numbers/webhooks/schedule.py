"""When a delivery is tried again, and when an endpoint that fails is."""

import random
from datetime import timedelta

MINUTE, HOUR = 60, 3_600
# Seconds between an attempt and the next one.
DELAYS = (
    *(5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR),
    *(10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR),
)
MOST_TRIES = len(DELAYS) + 1
JITTER = 0.2
# The rounds of an endpoint that fails: each is below the delay of a delivery at that try, so that
# a single delivery is never later than its own schedule.
ROUNDS = (4, MINUTE, 2 * MINUTE, 4 * MINUTE)
DISABLED_AFTER = timedelta(days=5)
LONGEST_RETRY_AFTER = 24 * HOUR


def delay_after(tries: int) -> float | None:
    """Return the seconds until the next attempt after so many; None if there is none."""
    if tries >= MOST_TRIES:
        return None
    return DELAYS[tries - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311


def round_after(failures: int) -> int:
    """Return the seconds for which an endpoint with so many failed rounds is left alone."""
    return ROUNDS[min(failures, len(ROUNDS)) - 1]
