"""System checks of settings that are valid but harmful."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

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


@register(Tags.compatibility)
def check_renewals(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Warn if numbers are released before, or as, their owners notice that they are suspended."""
    suspend, release = settings.RENEWAL_SUSPEND_DAYS, settings.RENEWAL_RELEASE_DAYS
    if release > suspend:
        return []
    return [
        Warning(
            f"Numbers whose rent is not paid are released after {release} days, not later than "
            f"they are suspended, after {suspend}.",
            hint="Set RENEWAL_RELEASE_DAYS to more than RENEWAL_SUSPEND_DAYS.",
            id="numbers.W002",
        )
    ]


@register(Tags.security, deploy=True)
def check_webhook_keys(app_configs: Any, **options: Any) -> list[CheckMessage]:
    if settings.WEBHOOK_SECRET_KEYS != [settings.SECRET_KEY]:
        return []
    return [
        Warning(
            "Secrets of webhooks and tax ids are encrypted under SECRET_KEY: changing it stops every "
            "delivery.",
            hint="Set WEBHOOK_SECRET_KEYS to a separate random secret, a comma and SECRET_KEY, then "
            "run manage.py reseal_secrets.",
            id="numbers.W003",
        )
    ]


@register(Tags.security, deploy=True)
def check_private_hosts(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Refuse hosts for trying out: a customer could reach what only this network reaches."""
    if not settings.WEBHOOK_PRIVATE_HOSTS:
        return []
    return [
        Error(
            "Webhooks of any customer may call private hosts: "
            f"{', '.join(settings.WEBHOOK_PRIVATE_HOSTS)}.",
            hint="Unset WEBHOOK_PRIVATE_HOSTS: it is for trying out only.",
            id="numbers.E001",
        )
    ]
