"""verify_inventory finds each broken promise of rent, and nothing where it is kept."""

from datetime import timedelta

import pytest

from numbers.rent.run import renew_numbers
from tests.support import db_assertions
from tests.support.rents import A_MONTH, rented
from tests.support.world import failing, plant

pytestmark = pytest.mark.django_db

NO_CHECK = "ALTER TABLE numbers_rent DROP CONSTRAINT rent_charged_on_its_day"


@pytest.fixture
def renewed(cast):
    """Two numbers with a charged month each, in one entry."""
    numbers = rented(cast.owner, "2.50", "0.75", ago=A_MONTH)
    renew_numbers()
    assert failing() == set()
    return numbers


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (
            ["DELETE FROM numbers_rent"],
            {"rented_numbers_have_their_rent", "each_month_is_charged_once"},
        ),
        (["UPDATE numbers_rent SET is_open = false"], {"rented_numbers_have_their_rent"}),
        (
            ["UPDATE numbers_rent SET sandbox = true"],
            {"rented_numbers_have_their_rent"},
        ),
        (
            ["DELETE FROM numbers_rentcharge WHERE amount = 0.75"],
            {"each_month_is_charged_once", "rent_charges_are_the_ledgers"},
        ),
        (
            ["UPDATE numbers_rentcharge SET period = 7 WHERE amount = 0.75"],
            {"each_month_is_charged_once"},
        ),
        (
            ["UPDATE numbers_rentcharge SET amount = 9 WHERE amount = 0.75"],
            {"rent_charges_are_the_ledgers"},
        ),
        (
            [NO_CHECK, "UPDATE numbers_rent SET next_period = 3"],
            {"each_month_is_charged_once"},
        ),
        (
            ["UPDATE numbers_rent SET past_due_since = now()"],
            {"what_is_past_due_is_not_paid"},
        ),
        (
            ["DELETE FROM campaigns_outboxentry WHERE type = 'phone_number.renewed'"],
            {"every_renewal_has_its_event"},
        ),
        (
            ["DROP TRIGGER numbers_assignment_rented ON numbers_assignment"],
            {"history_is_protected"},
        ),
    ],
)
def test_broken_promise_is_found(renewed, statements, found):
    plant(*statements)
    assert failing() == found


def test_month_that_no_worker_looked_at_is_found(cast):
    rented(cast.owner, "2.50", ago=A_MONTH + timedelta(days=2))
    assert failing() == {"months_that_began_are_charged_or_past_due"}
    renew_numbers()
    db_assertions.assert_in_order()
