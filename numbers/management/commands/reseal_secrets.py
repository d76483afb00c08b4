"""Encrypt stored secrets again, under the first of their keys."""

from typing import Any

from django.core.management.base import CommandError

from config.admin.management.commands.reseal_two_factor import reseal_second_factors
from config.commands import DeskCommand
from numbers.webhooks.endpoints import reseal_webhooks


class Command(DeskCommand):
    help = (
        "Encrypt the secrets of webhooks again under the first of WEBHOOK_SECRET_KEYS, and those "
        "of operators' second factors under the first of DESK_TWO_FACTOR_KEYS. Afterwards the "
        "other keys can be removed from both. Running it again is safe."
    )

    def handle(self, *arguments: Any, **options: Any) -> None:
        webhooks, lost = reseal_webhooks()
        if lost:
            raise CommandError(
                f"{len(lost)} webhooks can't be decrypted, and {webhooks} were encrypted again: "
                "put the key that is missing back into WEBHOOK_SECRET_KEYS, or have their "
                f"customers rotate their secrets: {', '.join(str(one) for one in lost[:20])}"
            )
        second_factors = reseal_second_factors()
        self.answer(
            {"webhooks": webhooks, "second_factors": second_factors},
            f"{webhooks} webhooks and {second_factors} second factors are encrypted under the "
            "current keys.",
            json_wanted=options["json"],
        )
