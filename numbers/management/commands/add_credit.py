from decimal import Decimal
from typing import Any

from django.core.management.base import CommandParser

from campaigns.registration import find_organization
from config.commands import DeskCommand, line_of_text, money
from numbers.credit.ledger import top_up


class Command(DeskCommand):
    help = "Add credit to an organization."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("organization", metavar="ORGANIZATION", help="its id or name")
        parser.add_argument(
            "amount", type=money(minimum=Decimal("0.01")), metavar="AMOUNT", help="such as 100.00"
        )
        parser.add_argument(
            "--note",
            type=line_of_text(maximum=256),
            default="",
            help="why; the customer reads it in the ledger",
        )

    def handle(self, **options: Any) -> None:
        organization = find_organization(options["organization"])
        amount = options["amount"]
        account = top_up(
            organization_id=organization.id,
            amount=amount,
            note=options["note"],
            actor=self.new_actor(),
        )
        document = {
            "organization_id": organization.id,
            "name": organization.name,
            "amount": amount,
            "balance": account.amount,
            "currency": account.currency,
        }
        text = f"{organization.name} has {account.amount} {account.currency}"
        self.answer(document, text, json_wanted=options["json"])
