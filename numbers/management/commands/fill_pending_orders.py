"""Fill pending bulk orders once."""

from typing import Any

from django.core.management.base import CommandError

from config.commands import DeskCommand
from numbers.orders.backorders import filled_orders, look


class Command(DeskCommand):
    help = (
        "Fill pending bulk orders that the stock can fill now, oldest first. `manage.py worker` "
        "does this continuously, as stock is added and as quarantines and holds end. Safe to run "
        "twice at once. An order that fails does not delay the others: it is logged and retried "
        "later. Exit code 1: an order failed, or the database is unavailable."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        seen, json_wanted = look(), options["json"]
        if seen.filled or json_wanted:
            answer = {"filled": seen.filled, "failed": [str(order_id) for order_id in seen.failed]}
            self.answer(answer, filled_orders(seen.filled), json_wanted=json_wanted)
        if seen.failed:
            ids = ", ".join(str(order_id) for order_id in seen.failed)
            raise CommandError(f"failed and are retried later, see the log: {ids}")
