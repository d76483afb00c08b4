from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from campaigns.registry.show_tax_id import show_tax_id
from config.commands import DeskCommand, line_of_text


class Command(DeskCommand):
    help = "Print the whole tax id of a brand. The history keeps who saw it, and why."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("brand", type=UUID, metavar="BRAND_ID", help="the brand's id")
        parser.add_argument(
            "--reason",
            required=True,
            type=line_of_text(minimum=1, maximum=256),
            help="what it is needed for",
        )

    def handle(self, **options: Any) -> None:
        tax_id = show_tax_id(
            brand_id=options["brand"], actor=self.new_actor(), reason=options["reason"]
        )
        document = {"brand_id": options["brand"], "tax_id": tax_id}
        self.answer(document, tax_id, json_wanted=options["json"])
