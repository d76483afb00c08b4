"""Another monthly price reaches a sold number only by a notice, from its date on."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from config.errors import ValidationFailed
from numbers.inventory.pricing import move_price
from numbers.models import NumberEvent, Rent, RentCharge
from numbers.rent.notice import announce_price
from numbers.rent.run import renew_numbers
from tests.support import db_assertions, factories
from tests.support.rents import A_MONTH, rent_of_ledger, rented
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db


def announce(owner, *numbers, price="4.00", begin=None):
    return announce_price(
        [one.pk for one in numbers],
        organization_id=owner.pk,
        monthly_price=Decimal(price),
        begin=begin or timezone.now() + timedelta(days=1),
        actor=factories.actor(),
        reason="new prices",
    )


def test_price_of_the_stock_does_not_reach_an_owner(cast):
    (number,) = rented(cast.owner, "2.50")
    move_price(
        number_ids=[number.number_id],
        monthly_price=Decimal("9.00"),
        actor=factories.actor(),
        reason="dear",
    )
    let_pass(A_MONTH)
    renew_numbers()
    assert rent_of_ledger(cast.owner) == [Decimal("2.50")]
    db_assertions.assert_in_order()


def test_months_from_the_date_on_cost_the_new_price(api, cast):
    (number,) = rented(cast.owner, "2.50")
    begin = timezone.now() + timedelta(days=40)  # in the second month
    assert announce(cast.owner, number, begin=begin) == {number.pk}
    shown = api.get(f"/v1/phone-numbers/{number.pk}/billing").json()["data"]
    assert (shown["monthly_price"], shown["next_monthly_price"]) == ("2.50", "4.00")
    let_pass(timedelta(days=100))
    renew_numbers()
    assert [str(one.amount) for one in RentCharge.objects.order_by("period")] == [
        "2.50",
        "4.00",
        "4.00",
    ]
    rent = Rent.objects.get()
    assert (str(rent.monthly_price), rent.next_monthly_price) == ("4.00", None)
    db_assertions.assert_in_order()


def test_notice_is_recorded_with_both_prices(api, cast):
    (number,) = rented(cast.owner, "2.50")
    begin = datetime(2099, 1, 1, tzinfo=UTC)
    announce(cast.owner, number, begin=begin)
    event = NumberEvent.objects.get(kind="rent_changed")
    assert event.before == {"rent": "2.50"}
    assert event.after == {"rent": "4.00", "rent_from": "2099-01-01T00:00:00Z"}
    assert event.reason == "new prices"
    assert announce(cast.owner, number, begin=begin) == set()
    events = api.get(f"/v1/phone-numbers/{number.pk}/events").json()["data"]
    assert events[0]["after"] == event.after


def test_notice_is_replaced_by_a_later_one(cast):
    (number,) = rented(cast.owner, "2.50")
    announce(cast.owner, number, price="9.00")
    announce(cast.owner, number, price="3.00")
    let_pass(A_MONTH)
    renew_numbers()
    assert rent_of_ledger(cast.owner) == [Decimal("3.00")]


def test_number_without_rent_enters_it_at_the_date(cast):
    factories.own(cast.owner, *factories.stock(*factories.line(0)))
    let_pass(timedelta(days=100))  # three months of it were free
    (number,) = cast.owner.assignments.all()
    assert announce(cast.owner, number) == {number.pk}
    rent = Rent.objects.get()
    assert (rent.first_period, rent.next_period, str(rent.monthly_price)) == (4, 4, "0.00")
    let_pass(A_MONTH)
    renew_numbers()
    assert rent_of_ledger(cast.owner) == [Decimal("4.00")]
    db_assertions.assert_in_order()


def test_months_before_the_date_stay_free(cast):
    factories.own(cast.owner, *factories.stock(*factories.line(0)))
    (number,) = cast.owner.assignments.all()
    announce(cast.owner, number, begin=timezone.now() + timedelta(days=50))
    let_pass(timedelta(days=63))
    assert renew_numbers().renewed.charged == 2
    assert rent_of_ledger(cast.owner) == [Decimal("4.00")]
    db_assertions.assert_in_order()


def test_rent_ends_at_a_price_of_zero(cast):
    (number,) = rented(cast.owner, "2.50")
    announce(cast.owner, number, price="0.00")
    let_pass(A_MONTH)
    renew_numbers()
    assert rent_of_ledger(cast.owner) == []
    assert Rent.objects.get().past_due_since is None
    db_assertions.assert_in_order()


def test_released_number_gets_no_notice(api, cast):
    (number,) = rented(cast.owner, "2.50")
    api.request("DELETE", f"/v1/phone-numbers/{number.pk}")
    assert announce(cast.owner, number) == set()


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"begin": timezone.now() - timedelta(days=1)}, "begin"),
        ({"price": "1.001"}, "monthly_price"),
        ({"price": "-1"}, "monthly_price"),
    ],
)
def test_bad_notice_is_refused(cast, options, field):
    (number,) = rented(cast.owner, "2.50")
    with pytest.raises(ValidationFailed) as refusal:
        announce(cast.owner, number, **options)
    assert list(refusal.value.details) == [field]
