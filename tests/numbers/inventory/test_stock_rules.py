"""Every way into the stock applies the same rules: import, admin form, seed, and database."""

import io
import random
from contextlib import suppress
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction

from config.errors import ValidationFailed
from numbers.admin.add_numbers import AddNumbersForm
from numbers.admin.import_forms import ReadingForm
from numbers.imports.cells import BadCell, read_price
from numbers.imports.layout import Options
from numbers.imports.reader import Source
from numbers.imports.run import import_numbers
from numbers.inventory.add import add_numbers
from numbers.inventory.pricing import LARGEST_PRICE
from numbers.models import Job, PhoneNumber
from numbers.numbering.area_codes import REGIONS, TOLL_FREE
from numbers.numbering.e164 import is_e164
from numbers.numbering.nanp import Block
from numbers.numbering.phone_numbers import judge_number
from tests.support import factories
from tests.support.admin_client import url

pytestmark = pytest.mark.django_db

NUMBERS = [
    *(
        "+14150551234",
        "+999123456",
        "+4478",
        "+16715551234",
        "+18765551234",
        "+72345",
        "+1234567",
        "+1415555012",
    ),
    *(
        "+442071838750",
        "+493012345678",
        "+4903012345678",
        "+390669812345",
        "+5491112345678",
        "+18005550100",
    ),
    *(
        "4155550123",
        "+1 4155550123",
        "+14155550123.0",
        "+12",
        "+",
        "+0123456",
        "+19005551234",
        "+15005550006",
    ),
]
TYPES = [None, "local", "toll_free", "short_code"]


def some_numbers() -> list[str]:
    rng = random.Random(5)
    prefixes = ["1", "1415", "1800", "44", "49", "33", "39", "7", "1684"]
    return [
        f"+{rng.choice(prefixes)}{rng.randrange(10 ** rng.randrange(3, 11))}" for _ in range(60)
    ]


def by_import(numbers: list[str], number_type: str | None) -> dict[str, tuple[str, str]]:
    """Return what comes into stock by a file, each number as it was written."""
    file = "number,number_type\n" + "".join(
        f'"{number}",{number_type or ""}\n' for number in numbers
    )
    import_numbers(
        Source(io.BytesIO(file.encode()), "doors"), options=Options(), actor=factories.actor()
    )
    return taken()


def by_adding(numbers: list[str], number_type: str | None) -> dict[str, tuple[str, str]]:
    for number in numbers:
        with suppress(ValidationFailed):
            add_numbers(
                numbers=[number], price=Decimal(1), number_type=number_type, actor=factories.actor()
            )
    return taken()


def taken() -> dict[str, tuple[str, str]]:
    rows = PhoneNumber.objects.values_list("number", "number_type", "region")
    found = {number: (number_type, region) for number, number_type, region in rows}
    PhoneNumber.objects.all().delete()
    return found


@pytest.mark.parametrize("number_type", TYPES)
def test_import_and_add_take_the_same_numbers(number_type):
    numbers = [number for number in {*NUMBERS, *some_numbers()} if is_e164(number)]
    imported, added = by_import(numbers, number_type), by_adding(numbers, number_type)
    assert imported == added
    assert set(imported) <= set(numbers)
    assert imported


def test_form_takes_a_short_code_only_by_its_type(desk):
    add = {"price": "2.00", "numbers": "+72345 +4478"}
    assert "is an impossible number" in desk.post(url(PhoneNumber, "add"), add).content.decode()
    assert (
        desk.post(url(PhoneNumber, "add"), {**add, "number_type": "short_code"}).status_code == 302
    )
    assert taken() == {"+72345": ("short_code", ""), "+4478": ("short_code", "")}


def test_seeded_numbers_pass_the_judge():
    for area_code in {*REGIONS, *TOLL_FREE}:
        block = Block(area_code)
        named = judge_number(block.number(block.capacity - 1))
        assert (named.number_type, named.place) == (block.number_type, block.region)


def accepted(door, *arguments) -> bool:
    try:
        return bool(door(*arguments))
    except (BadCell, CommandError):
        return False


def seeds_at(price: str) -> bool:
    with transaction.atomic():
        call_command(
            "seed_numbers", "--area-code=415", "--count=1", f"--price={price}", stdout=io.StringIO()
        )
        transaction.set_rollback(True)
    return True


def stored_at(price: str) -> bool:
    try:
        with transaction.atomic():
            PhoneNumber.objects.update(price=price)
    except (DatabaseError, ArithmeticError, ValueError, TypeError):
        return False
    return True


@pytest.mark.parametrize(
    "price",
    [
        "0",
        "0.00",
        "1.5",
        str(LARGEST_PRICE),
        str(LARGEST_PRICE + Decimal("0.01")),
        "9999999999.99",
        "-0.01",
    ],
)
def test_price_has_one_bound_everywhere(price):
    factories.stock("+14155550199")
    added = AddNumbersForm({"numbers": "+14155550123", "price": price})
    read = ReadingForm.of(Job(parameters={}), {"region": "US", "price": price})
    doors = [
        accepted(read_price, price),
        accepted(seeds_at, price),
        added.is_valid(),
        read.is_valid(),
    ]
    assert doors == [stored_at(price)] * len(doors)


@pytest.mark.parametrize("price", ["1.001", "1.500", "1,500", "NaN", "Infinity", "", "x"])
def test_ambiguous_price_is_refused_at_every_entry_point(price):
    added = AddNumbersForm({"numbers": "+14155550123", "price": price})
    assert not accepted(read_price, price)
    assert not accepted(seeds_at, price)
    assert not added.is_valid()
