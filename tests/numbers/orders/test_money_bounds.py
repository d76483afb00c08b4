"""One price bound at every entry point, and sums checked before they overflow a column."""

from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from config.db.fields import LARGEST_AMOUNT, MONEY_BOUND
from config.errors import ValidationFailed
from numbers.credit.ledger import correct, top_up
from numbers.imports.cells import BadCell, read_price
from numbers.inventory.add import add_numbers
from numbers.inventory.pricing import move_price
from numbers.models import PhoneNumber
from tests.support import db_assertions, factories
from tests.support.api_client import Api
from tests.support.phone_numbers import buy

pytestmark = pytest.mark.django_db

TOO_DEAR = LARGEST_AMOUNT + Decimal("0.01")


def by_import(price):
    read_price(str(price))


def by_seeding(price):
    call_command(
        "seed_numbers", "--area-code", "415", "--count", "1", "--price", str(price), verbosity=0
    )


def by_an_operator(price):
    add_numbers(numbers=factories.line(7), price=price, actor=factories.actor())


def by_a_new_price(price):
    factories.stock(*factories.line(8))
    ids = list(PhoneNumber.objects.values_list("id", flat=True))
    move_price(number_ids=ids, price=price, actor=factories.actor(), reason="dear")


DOORS = [by_import, by_seeding, by_an_operator, by_a_new_price]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("price", [TOO_DEAR, Decimal("9999999999.99")])
def test_price_above_the_bound_is_refused_at_every_entry_point(door, price):
    with pytest.raises(
        (BadCell, CommandError, ValidationFailed), match=r"price|validation failed"
    ) as refused:
        door(price)
    assert "999999999.99" in f"{refused.value} {getattr(refused.value, 'details', '')}"


@pytest.mark.parametrize("door", DOORS)
def test_largest_price_is_accepted_at_every_entry_point(door):
    door(LARGEST_AMOUNT)


def test_largest_order_of_the_most_expensive_numbers_has_a_total(cast):
    """101 numbers of 9999999999.99 overflowed the total."""
    factories.stock(*factories.line(0, 1000), price=str(LARGEST_AMOUNT), sandbox=True)
    assert buy(Api(cast.sandbox_key), 1000).status_code == 200
    assert db_assertions.row("SELECT total FROM numbers_order") == {"total": 1000 * LARGEST_AMOUNT}


@pytest.mark.parametrize("enter", [top_up, correct])
def test_credit_is_refused_when_the_balance_would_overflow(cast, enter):
    for _ in range(999):
        top_up(
            organization_id=cast.owner.pk,
            amount=LARGEST_AMOUNT,
            note="more",
            actor=factories.actor(),
        )
    balance = db_assertions.balance(cast.owner)
    assert balance + LARGEST_AMOUNT >= MONEY_BOUND
    with pytest.raises(ValidationFailed) as refused:
        enter(
            organization_id=cast.owner.pk,
            amount=LARGEST_AMOUNT,
            note="too much",
            actor=factories.actor(),
        )
    assert "credit stays below 1,000,000,000,000" in refused.value.details["amount"]
    assert db_assertions.balance(cast.owner) == balance
