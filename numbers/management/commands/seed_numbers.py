import argparse
import json
import sys
from decimal import Decimal
from itertools import islice
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from config.commands import DeskCommand, money, one_of, whole_number
from numbers.inventory.pricing import LARGEST_PRICE
from numbers.inventory.seed import Seeded, Stock, seed_numbers
from numbers.models import PhoneNumber
from numbers.models.phone_numbers import NO_RENT


class Command(DeskCommand):
    help = "Add random numbers of an area code to the stock, valid in the North American Numbering Plan."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--area-code",
            required=True,
            type=str,
            metavar="NPA",
            help="such as 415, or 888 for toll-free",
        )
        parser.add_argument(
            "--count",
            required=True,
            type=whole_number(minimum=1, maximum=7_870_000),
            metavar="N",
            help="how many",
        )
        parser.add_argument(
            "--number-type",
            type=one_of(PhoneNumber.Type.values),
            metavar="TYPE",
            help="local or toll_free; by default that of the area code",
        )
        self._add_properties(parser)
        parser.add_argument("--sandbox", action="store_true", help="test numbers, of exchange 555")
        parser.add_argument(
            "--random-state",
            type=whole_number(minimum=0, maximum=2**63 - 1),
            metavar="N",
            help="seed of the random draw: the same N gives the same numbers for the same stock",
        )

    def _add_properties(self, parser: CommandParser) -> None:
        cents = money(minimum=Decimal("0.00"), maximum=LARGEST_PRICE)
        parser.add_argument(
            "--price", type=cents, default=Decimal("1.00"), help="of each number; default: 1.00"
        )
        parser.add_argument(
            "--monthly-price",
            type=cents,
            default=NO_RENT,
            help="of each number, for each month from its sale on; default: 0.00",
        )
        for kind in ("sms", "mms"):
            parser.add_argument(
                f"--{kind}",
                action=argparse.BooleanOptionalAction,
                default=True,
                help=f"can carry {kind.upper()}; default: yes",
            )

    def handle(self, **options: Any) -> None:
        stock = Stock(
            area_code=options["area_code"],
            count=options["count"],
            price=options["price"],
            monthly_price=options["monthly_price"],
            number_type=options["number_type"],
            sms_enabled=options["sms"],
            mms_enabled=options["mms"],
            sandbox=options["sandbox"],
            random_state=options["random_state"],
        )
        hidden = options["json"] and not sys.stderr.isatty()
        # Delayed, so that an immediate error stays one line.
        with tqdm(
            total=stock.count, unit=" numbers", unit_scale=True, delay=0.5, disable=hidden
        ) as bar:
            seeded = seed_numbers(stock=stock, actor=self.new_actor(), progress=bar.update)
        if options["json"]:
            self._stream_json(stock, seeded)
        else:
            place = seeded.block.region or "toll-free"
            some = ", ".join(islice(seeded.numbers(), 3))
            self.stdout.write(
                f"created {seeded.created:,} numbers of {stock.area_code} ({place}), such as {some}"
            )

    def _stream_json(self, stock: Stock, seeded: Seeded) -> None:
        """Stream one JSON document, since it can list millions of numbers."""
        head = {
            "created": seeded.created,
            "batch_id": str(seeded.batch.pk),
            "area_code": stock.area_code,
            "number_type": seeded.block.number_type,
            "region": seeded.block.region,
            "sandbox": stock.sandbox,
            "price": f"{stock.price:.2f}",
            "monthly_price": f"{stock.monthly_price:.2f}",
        }
        self.stdout.write(json.dumps(head)[:-1] + ', "numbers": [', ending="")
        numbers, separator = seeded.numbers(), ""
        while chunk := list(islice(numbers, 10_000)):
            self.stdout.write(separator + json.dumps(chunk)[1:-1], ending="")
            separator = ", "
        self.stdout.write("]}")
