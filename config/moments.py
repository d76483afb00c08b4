"""What a time means that was shown or typed without a fraction."""

from datetime import datetime, timedelta


def last_moment_of(at: datetime) -> datetime:
    """Return the end of the second that is meant, or the time itself if it has a fraction.

    The desk shows times in whole seconds. What happened at 12:00:00.4 is shown as 12:00:00, and
    has to be found by that time.
    """
    return at if at.microsecond else at + timedelta(seconds=1, microseconds=-1)
