"""The negative control: the same races without locks must fail.

One step of a race is made certain: the first order stops when it has checked and not written. With
its locks the second waits for it; without them the second overtakes it.
"""

import logging

import pytest

from numbers import locks
from numbers.orders import place
from tests.support import db_assertions, factories
from tests.support.concurrency import Clients, gate_before, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)

SECOND_OWNER = "a second owner was refused by the database"


@pytest.fixture
def without_locks(monkeypatch):
    for name in ("LOCK_ACCOUNT", "LOCK_CAMPAIGN", "LOCK_NUMBERS"):
        statement = getattr(locks, name)
        unlocked = statement.replace("FOR NO KEY UPDATE OF b, c", "").replace(
            "FOR NO KEY UPDATE", ""
        )
        assert "FOR " not in unlocked
        assert unlocked != statement
        monkeypatch.setattr(locks, name, unlocked)


@pytest.fixture
def race(monkeypatch):
    """Run two requests, the second between the check and the write of the first."""

    def race(first, second, *, locked):
        gate = gate_before(monkeypatch, place, "purchase_statement")
        with Clients(2) as clients:
            one = clients.start(first)
            gate.wait_for_someone()
            two = clients.start(second)
            if locked:
                wait_until_blocked()
                gate.open()
            else:
                two.exception()  # it is through
                gate.open()
            return one.result(), two.result()

    return race


@pytest.fixture
def same_number(api, cast):
    number = factories.stock(*factories.line(0))
    return lambda: api.order(number), lambda: api.using(cast.stranger_key).order(number)


@pytest.fixture
def same_credit(api, cast):
    """Two orders of one organization, whose credit is enough for either."""
    one, two = factories.stock(*factories.line(0, 2), price="60.00")
    return lambda: api.order([one]), lambda: api.using(cast.owner_key).order([two])


def test_second_buyer_waits_and_is_refused_with_locks(race, same_number, caplog):
    first, second = race(*same_number, locked=True)
    assert (first.status_code, second.status_code) == (200, 409)
    assert SECOND_OWNER not in caplog.messages
    assert set(db_assertions.owners().values()) == {"Owner"}
    db_assertions.assert_in_order()


def test_unique_index_refuses_the_first_buyer_without_locks(
    race, same_number, without_locks, caplog
):
    first, second = race(*same_number, locked=False)
    assert (first.status_code, second.status_code) == (409, 200)
    assert first.json()["data"]["unavailable"] == factories.line(0)
    assert first["x-should-retry"] == "false"
    (record,) = [record for record in caplog.records if record.message == SECOND_OWNER]
    assert (record.levelno, record.fields) == (logging.ERROR, {"numbers": factories.line(0)})
    assert set(db_assertions.owners().values()) == {"Stranger"}
    db_assertions.assert_in_order()


def test_number_is_sold_twice_without_locks_and_index(race, same_number, without_locks):
    db_assertions.run("DROP INDEX assignment_one_owner")
    try:
        first, second = race(*same_number, locked=False)
        assert (first.status_code, second.status_code) == (200, 200)
        with pytest.raises(AssertionError, match="a number with two owners"):
            db_assertions.assert_in_order()
    finally:
        db_assertions.run(
            "TRUNCATE numbers_assignment, numbers_order, numbers_creditaccount CASCADE",
            "CREATE UNIQUE INDEX assignment_one_owner ON numbers_assignment (number_id) WHERE "
            "ended_at IS NULL",
        )


def test_second_order_finds_too_little_credit_with_locks(race, same_credit, cast):
    first, second = race(*same_credit, locked=True)
    assert (first.status_code, second.status_code) == (200, 402)
    assert second.json()["data"]["balance"] == "40.00"
    assert db_assertions.balance(cast.owner) == 40
    db_assertions.assert_in_order()


def test_database_refuses_a_negative_balance_without_locks(
    race, same_credit, cast, without_locks, caplog
):
    first, second = race(*same_credit, locked=False)
    assert (first.status_code, second.status_code) == (500, 200)
    assert "credit_entry_not_negative" in caplog.text or "credit_not_negative" in caplog.text
    assert (db_assertions.balance(cast.owner), db_assertions.charges(cast.owner)) == (40, [60])
    db_assertions.assert_in_order()


def test_constraint_unrelated_to_owners_is_not_409(api):
    """Only the index of owners means "taken": any other broken constraint is our fault, and 500."""
    number = factories.stock(*factories.line(0))
    db_assertions.run(
        "ALTER TABLE numbers_order ADD CONSTRAINT no_more CHECK (quantity > 1) NOT VALID"
    )
    try:
        assert api.order(number).status_code == 500
    finally:
        db_assertions.run("ALTER TABLE numbers_order DROP CONSTRAINT no_more")
    assert db_assertions.written() == db_assertions.NOTHING
