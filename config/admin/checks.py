"""System checks of the operators' sign-in."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError

SHORTEST_KEY = 32


@register(Tags.security, deploy=True)
def check_two_factor_keys(app_configs: Any, **options: Any) -> list[CheckMessage]:
    if settings.DESK_TWO_FACTOR_KEYS == [settings.SECRET_KEY]:
        return [
            Warning(
                "Second factors are encrypted under SECRET_KEY: changing it locks every operator out.",
                hint="Set DESK_TWO_FACTOR_KEYS to a separate random secret, a comma and SECRET_KEY.",
                id="desk.W001",
            )
        ]
    if len(settings.DESK_TWO_FACTOR_KEYS[0]) < SHORTEST_KEY:
        return [
            Warning(
                f"The key for second factors has less than {SHORTEST_KEY} characters.",
                hint=(
                    "Put a longer one in front of it in DESK_TWO_FACTOR_KEYS, and run manage.py reseal_two_factor."
                ),
                id="desk.W002",
            )
        ]
    return []


@register(Tags.database)
def check_second_factors(
    app_configs: Any, databases: Any = None, **options: Any
) -> list[CheckMessage]:
    """Check that each second factor can be decrypted.

    ``check --database default`` and ``migrate`` run this.
    """
    from config.admin.models import sealed_devices
    from config.admin.sign_in.sealing import CannotOpen

    if "default" not in (databases or []):
        return []
    try:
        devices = sealed_devices()
    except DatabaseError:  # not migrated yet
        return []
    lost = set()
    for device in devices:
        try:
            _ = device.secret
        except CannotOpen:
            lost.add(device.user_id)
    if not lost:
        return []
    return [
        Error(
            f"The second factors of {len(lost)} operators can't be decrypted: they can't sign in.",
            hint="Put the key that encrypted them behind the current one in DESK_TWO_FACTOR_KEYS.",
            id="desk.E001",
        )
    ]
