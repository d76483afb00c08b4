from decimal import Decimal
from typing import Any

from django.core.management.base import CommandParser

from campaigns.names import name_argument
from config.commands import DeskCommand, money
from numbers.credit.onboarding import onboard


class Command(DeskCommand):
    help = "Create an organization (a customer), with credit if given."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "name", type=name_argument, metavar="NAME", help="1 to 128 characters; not an id"
        )
        parser.add_argument(
            "--credit",
            type=money(minimum=Decimal("0.00")),
            default=Decimal("0.00"),
            help="such as 100.00; default: 0.00",
        )
        parser.add_argument(
            "--sandbox", action="store_true", help="sees the test inventory only, and never pays"
        )

    def handle(self, **options: Any) -> None:
        organization, balance = onboard(
            name=options["name"],
            credit=options["credit"],
            is_sandbox=options["sandbox"],
            actor=self.new_actor(),
        )
        document = {
            "id": organization.id,
            "name": organization.name,
            "sandbox": organization.is_sandbox,
            "balance": balance.amount,
            "currency": balance.currency,
        }
        text = (
            f"organization {organization.id} {organization} has {balance.amount} {balance.currency}"
        )
        self.answer(document, text, json_wanted=options["json"])
