"""Rate limits, counted in the database and so exact across processes and hosts."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection

from config.db.minute_windows import ONE_MORE, WINDOW_SECONDS
from config.errors import RateLimited

COUNT_ONE_MORE = f"ON CONFLICT (organization_id, bucket) {ONE_MORE}"
COUNT = f"""
    INSERT INTO apikeys_ratewindow AS w (organization_id, bucket, window_start, used)
    VALUES (%s, %s, date_trunc('minute', now()), %s) {COUNT_ONE_MORE}
"""  # noqa: S608  made of constants


@dataclass(frozen=True, slots=True)
class Rate:
    """The use of one rate limit in the current minute."""

    limit: int
    used: int
    resets_in: int

    @property
    def exceeded(self) -> bool:
        return self.used > self.limit

    def headers(self) -> dict[str, str]:
        """Return the fields of the draft standard, and the three plain ones that most SDKs read."""
        remaining = max(self.limit - self.used, 0)
        resets_in = max(self.resets_in, 0)  # the minute may have ended while the answer was made
        return {
            "RateLimit-Policy": f'"default";q={self.limit};w={WINDOW_SECONDS}',
            "RateLimit": f'"default";r={remaining};t={resets_in}',
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(remaining),
            "RateLimit-Reset": str(resets_in),
        }

    def refusal(self, message: str | None = None) -> RateLimited:
        refusal = RateLimited(message, headers={"Retry-After": str(max(self.resets_in, 1))})
        refusal.repeated = self.used > self.limit + 1
        return refusal


def count_key_change(organization_id: UUID) -> None:
    """Count a creation or rotation of a key. Raise RateLimited past KEY_CHANGES_PER_MINUTE."""
    limit = settings.KEY_CHANGES_PER_MINUTE
    _count(organization_id, "key-changes", 1, limit, "creations and rotations of API keys")


def count_holds(organization_id: UUID, numbers: int) -> None:
    """Count numbers put on hold. Raise RateLimited past HELD_NUMBERS_PER_MINUTE."""
    _count(
        organization_id, "holds", numbers, settings.HELD_NUMBERS_PER_MINUTE, "numbers put on hold"
    )


def _count(organization_id: UUID, bucket: str, amount: int, limit: int, what: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [organization_id, bucket, amount])
        used, resets_in = cursor.fetchone()
    rate = Rate(limit, used, resets_in)
    if rate.exceeded:
        # The RateLimit headers describe requests, so the message names this limit.
        raise rate.refusal(f"rate limit exceeded: {limit:,} {what} a minute")
