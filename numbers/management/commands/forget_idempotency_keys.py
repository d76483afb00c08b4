from typing import Any

from django.core.management.base import CommandParser

from config.commands import DeskCommand, whole_number
from config.counts import counted
from numbers.orders.idempotency import HOURS, forget_old_keys


class Command(DeskCommand):
    help = (
        f"Delete the remembered responses of idempotency keys after {HOURS} hours, with an hour "
        "to spare. The worker does this every hour. Prints nothing if there is nothing to do; "
        "safe to run twice at once."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--batch",
            type=whole_number(minimum=1, maximum=100_000),
            default=5_000,
            help="rows deleted in one transaction (default 5000)",
        )

    def handle(self, **options: Any) -> None:
        forgotten = forget_old_keys(batch=options["batch"])
        if forgotten or options["json"]:
            self.answer(
                {"forgotten": forgotten},
                f"{counted(forgotten, 'response')} deleted",
                json_wanted=options["json"],
            )
