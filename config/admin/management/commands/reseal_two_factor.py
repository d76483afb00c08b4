"""Encrypt every second factor again, under the first of DESK_TWO_FACTOR_KEYS."""

from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from config.admin.models import Authenticator, RecoveryCodes
from config.admin.sign_in.sealing import CannotOpen, reseal
from config.commands import DeskCommand


class Command(DeskCommand):
    help = (
        "Encrypt every second factor again, under the first of DESK_TWO_FACTOR_KEYS. "
        "Afterwards the other keys can be removed from it."
    )

    def handle(self, *arguments: Any, **options: Any) -> None:
        count = reseal_second_factors()
        self.answer(
            {"second_factors": count},
            f"{count} second factors are encrypted under the current key.",
            json_wanted=options["json"],
        )


def reseal_second_factors() -> int:
    """Encrypt all again, or none. Return how many. Raise CommandError if a key is missing."""
    count = 0
    with transaction.atomic():
        for kind in (Authenticator, RecoveryCodes):
            for device in kind.objects.select_for_update().order_by("pk"):
                try:
                    device.sealed = reseal(device.sealed, user_id=device.user_id)
                except CannotOpen as error:
                    raise CommandError(
                        f"{kind.__name__} of {device.user}: {error}; nothing was changed"
                    ) from error
                device.save(update_fields=["sealed"])
                count += 1
    return count
