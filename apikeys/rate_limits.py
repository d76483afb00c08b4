"""Rate limits that are exact across processes and hosts: they count in the database they share."""

from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import connection

from config.errors import RateLimited

WINDOW_SECONDS = 60

# One statement counts and tells: atomic under any number of processes. The window is a minute.
COUNT = """
    INSERT INTO apikeys_ratewindow AS w (organization_id, bucket, window_start, used)
    VALUES (%s, %s, date_trunc('minute', now()), 1)
    ON CONFLICT (organization_id, bucket) DO UPDATE SET
        used = CASE WHEN w.window_start = EXCLUDED.window_start THEN w.used + 1 ELSE 1 END,
        window_start = EXCLUDED.window_start
    RETURNING used, ceil(60 - extract(second FROM now()))::int
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """Where an organization stands in the current minute."""

    limit: int
    used: int
    resets_in: int

    @property
    def exceeded(self) -> bool:
        return self.used > self.limit

    def headers(self) -> dict[str, str]:
        """The draft standard's structured fields, and the three plain ones that most SDKs read."""
        remaining = max(self.limit - self.used, 0)
        return {
            "RateLimit-Policy": f'"default";q={self.limit};w={WINDOW_SECONDS}',
            "RateLimit": f'"default";r={remaining};t={self.resets_in}',
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(remaining),
            "RateLimit-Reset": str(self.resets_in),
        }

    def refusal(self) -> RateLimited:
        return RateLimited(headers={"Retry-After": str(max(self.resets_in, 1))})


def count_key_change(organization_id: UUID) -> None:
    """Count a creation or rotation of a key. Raises RateLimited past ten a minute."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [organization_id, "key-changes"])
        used, resets_in = cursor.fetchone()
    rate = Rate(settings.KEY_CHANGES_PER_MINUTE, used, resets_in)
    if rate.exceeded:
        raise rate.refusal()
