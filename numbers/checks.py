"""System checks of settings that are valid but harmful."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

# 47 CFR 52.15(f)(1)(ii): a disconnected number is not reassigned for at least 45 days.
SHORTEST_QUARANTINE_DAYS = 45


@register(Tags.compatibility)
def check_quarantine(app_configs: Any, **options: Any) -> list[CheckMessage]:
    days = settings.NUMBER_QUARANTINE_DAYS
    if days >= SHORTEST_QUARANTINE_DAYS:
        return []
    return [
        Warning(
            f"Released numbers are sold again after {days} days; US law requires at least "
            f"{SHORTEST_QUARANTINE_DAYS}.",
            hint=f"Set NUMBER_QUARANTINE_DAYS to {SHORTEST_QUARANTINE_DAYS} or more, except in tests.",
            id="numbers.W001",
        )
    ]
