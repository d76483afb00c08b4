"""Fill pending orders by quantity, once."""

from typing import Any

from django.core.management.base import CommandError

from config.commands import DeskCommand
from numbers.orders.backorders import filled_orders, look


class Command(DeskCommand):
    help = (
        "Fill pending orders by quantity that the stock can fill now, oldest first. `manage.py worker` "
        "does it all the time, as stock comes and as quarantines and holds end. "
        "Safe to run twice at once. An order that can't be judged keeps nobody waiting: it is logged and tried again "
        "later. Exits with 1 if there was one (or the database is away), else with 0."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        seen, json_wanted = look(), options["json"]
        if seen.filled or json_wanted:
            answer = {"filled": seen.filled, "failed": [str(order_id) for order_id in seen.failed]}
            self.answer(answer, filled_orders(seen.filled), json_wanted=json_wanted)
        if seen.failed:
            ids = ", ".join(str(order_id) for order_id in seen.failed)
            raise CommandError(f"could not be judged and are tried again later, see the log: {ids}")
