"""Encrypt stored secrets again, under the first of their keys."""

from typing import Any

from django.core.management.base import CommandError

from campaigns.registry.tax_ids import reseal_tax_ids
from config.admin.management.commands.reseal_two_factor import reseal_second_factors
from config.commands import DeskCommand
from numbers.webhooks.endpoints import reseal_webhooks


class Command(DeskCommand):
    help = (
        "Encrypt the secrets of webhooks and the tax ids of brands again under the first of "
        "WEBHOOK_SECRET_KEYS, and the secrets of operators' second factors under the first of "
        "DESK_TWO_FACTOR_KEYS. Afterwards the other keys can be removed from both. Running it "
        "again is safe."
    )

    def handle(self, *arguments: Any, **options: Any) -> None:
        webhooks, lost = reseal_webhooks()
        tax_ids, lost_brands = reseal_tax_ids()
        if lost or lost_brands:
            raise CommandError(
                f"{len(lost)} webhooks and the tax ids of {len(lost_brands)} brands can't be "
                "decrypted; all others were encrypted again. Put the key that is missing back "
                "into WEBHOOK_SECRET_KEYS, or have the secrets rotated and the tax ids submitted "
                f"again: {', '.join(str(one) for one in [*lost, *lost_brands][:20])}"
            )
        second_factors = reseal_second_factors()
        self.answer(
            {"webhooks": webhooks, "tax_ids": tax_ids, "second_factors": second_factors},
            f"{webhooks} webhooks, {tax_ids} tax ids and {second_factors} second factors are "
            "encrypted under the current keys.",
            json_wanted=options["json"],
        )
