"""System checks of settings that are valid but weaken authentication."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register

SHORTEST_PEPPER = 32


@register(Tags.security, deploy=True)
def check_peppers(app_configs: Any, **options: Any) -> list[CheckMessage]:
    current, *older = settings.API_KEY_PEPPERS
    if current == "" and not older:
        return [
            Warning(
                "API keys are digested without a pepper.",
                hint="Set API_KEY_PEPPERS to a random secret, and append a comma if keys exist.",
                id="apikeys.W001",
            )
        ]
    if len(current) < SHORTEST_PEPPER:
        return [
            Warning(
                f"The pepper of new API keys has less than {SHORTEST_PEPPER} characters.",
                hint="Put a longer one in front of it in API_KEY_PEPPERS.",
                id="apikeys.W002",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def check_proxies(app_configs: Any, **options: Any) -> list[CheckMessage]:
    if settings.BEHIND_TLS_PROXY and not settings.TRUSTED_PROXIES:
        return [
            Warning(
                "The trusted proxies are not set, so guessing of API keys is not limited.",
                hint="Set TRUSTED_PROXIES to the addresses of your proxies, such as 10.0.0.0/8.",
                id="apikeys.W003",
            )
        ]
    if any(network.endswith("/0") for network in settings.TRUSTED_PROXIES):
        return [
            Warning(
                "TRUSTED_PROXIES has every address, so clients can forge theirs.",
                hint="List only your proxies.",
                id="apikeys.W004",
            )
        ]
    return []


@register(Tags.security, deploy=True)
def check_hosts(app_configs: Any, **options: Any) -> list[CheckMessage]:
    if "*" in settings.ALLOWED_HOSTS:
        return [
            Warning(
                "ALLOWED_HOSTS accepts every host name.",
                hint="List your hosts, so that no other site can be put in front of yours.",
                id="apikeys.W005",
            )
        ]
    return []
