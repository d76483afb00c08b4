"""The SQL, Q and Python forms of what may be sold and what state it is in, held against each other."""

from datetime import timedelta
from itertools import product

import pytest
from django.db import connection
from django.utils import timezone

from numbers.inventory import availability
from numbers.locks import LockedNumber, lock_numbers
from numbers.models import PhoneNumber, Reservation
from tests.support import db_assertions, factories

pytestmark = pytest.mark.django_db

NUMBER = "+14152000000"
MOMENTS = {"past": -1, "now": 0, "future": 1}

# Each legal row: status, which moment ends its quarantine or hold, and who holds it.
ROWS = [
    ("available", None, None),
    ("assigned", None, None),
    ("retired", None, None),
    *[("quarantined", moment, None) for moment in MOMENTS],
    *[("available", moment, holder) for moment, holder in product(MOMENTS, ["buyer", "other"])],
]
# What may be sold to the buyer, written out: the forms must not only agree, but be right.
SOLD = {
    ("available", None, None),
    ("quarantined", "past", None),
    ("quarantined", "now", None),
    ("available", "past", "buyer"),
    ("available", "past", "other"),
    ("available", "now", "buyer"),
    ("available", "now", "other"),
    ("available", "future", "buyer"),
}


def state_by_hand(status, moment, holder):
    if holder:
        return "held" if moment == "future" else "available"
    if status == "quarantined":
        return "quarantined" if moment == "future" else "available"
    return status


@pytest.fixture
def place(cast):
    """Put the number into a row's state; return the time at which the forms judge it."""

    def place(status, moment, holder):
        factories.stock(NUMBER)
        ((at,),) = db_assertions.rows("SELECT now()")
        end = at + timedelta(minutes=MOMENTS[moment]) if moment else None
        fields = {"status": status}
        if status == "quarantined":
            fields["quarantined_until"] = end
        elif holder:
            owner = {"buyer": cast.owner, "other": cast.stranger}[holder]
            reservation = Reservation.objects.create(
                organization=owner,
                numbers=[NUMBER],
                actor="command:tests",
                request_id="r",
                expires_at=timezone.now() + timedelta(minutes=2),
            )
            fields |= {"held_for": owner, "held_until": end, "reservation": reservation}
        PhoneNumber.objects.filter(number=NUMBER).update(**fields)
        return at

    return place


def selects(condition, **parameters):
    query = f"SELECT n.number FROM numbers_phonenumber n WHERE {condition}"
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall() == [(NUMBER,)]


@pytest.mark.parametrize("is_sandbox", [False, True], ids=["live", "sandbox"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(map(str, row)))
def test_forms_agree_on_what_may_be_sold(cast, place, row, is_sandbox):
    at = place(*row)
    buyer = cast.owner.pk
    (locked,) = lock_numbers([NUMBER])
    assert isinstance(locked, LockedNumber)
    by_q = availability.available_to(buyer, sandbox=is_sandbox)
    shelf = f"n.sandbox = %(sandbox)s AND ({availability.ON_OFFER_TO_BUYER})"
    answers = {
        "SQL": selects(availability.AVAILABLE, sandbox=is_sandbox, organization_id=buyer),
        "SQL on the shelves": selects(shelf, sandbox=is_sandbox, held_by=buyer),
        "Q": PhoneNumber.objects.filter(by_q).exists(),
        "Python": locked.is_available(to=buyer, sandbox=is_sandbox, at=at),
    }
    assert answers == dict.fromkeys(answers, row in SOLD and not is_sandbox)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(map(str, row)))
def test_search_offers_only_unheld_numbers(place, row):
    place(*row)
    expected = state_by_hand(*row) == "available"
    assert selects(availability.ON_OFFER) == expected
    shelf = availability.ON_OFFER_TO_BUYER
    assert selects(shelf, held_by=None) == expected


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(map(str, row)))
def test_forms_agree_on_the_state(place, row):
    at = place(*row)
    ((by_sql,),) = db_assertions.rows(f"SELECT {availability.STATE} FROM numbers_phonenumber")
    by_q = [
        state for state, rule in availability.STATES.items() if PhoneNumber.objects.filter(rule)
    ]
    by_python, until = availability.state_of(PhoneNumber.objects.get(), at)
    expected = state_by_hand(*row)
    assert (by_sql, by_q, by_python) == (expected, [expected], expected)
    assert (until is not None) == (expected in ("held", "quarantined"))
