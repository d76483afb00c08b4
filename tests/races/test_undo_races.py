"""Undo of a release against everything that may happen to the number at the same moment."""

from datetime import timedelta
from functools import partial
from itertools import product

import pytest
from django.utils import timezone

from numbers import locks
from numbers.inventory.holds import end_holds, move_holds
from numbers.models import Assignment, NumberEvent, PhoneNumber, Reservation
from numbers.ownership import release as ownership_release
from numbers.ownership import undo_release as ownership_undo
from numbers.ownership.release import end_quarantine, retire
from numbers.ownership.restore import restore_numbers
from tests.support import db_assertions, factories
from tests.support.api_client import Api
from tests.support.concurrency import Clients, at_once, gate_before, wait_until_blocked
from tests.support.phone_numbers import NUMBERS, hold, owned, release

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "+14152000000"


@pytest.fixture(autouse=True)
def books_in_order(db):
    yield
    db_assertions.assert_in_order()


@pytest.fixture
def released(api, db):
    factories.stock(NUMBER)
    (number_id,) = owned(api, NUMBER, label="support")
    assert release(api, number_id).status_code == 200
    return number_id


def undo(secret, number_id):
    return Api(secret).post(f"{NUMBERS}/{number_id}/undo-release", b"")


def early_sale(stranger):
    """End the quarantine and sell the number to another customer."""
    ids = list(PhoneNumber.objects.values_list("id", flat=True))
    end_quarantine(number_ids=ids, actor=factories.actor(), reason="needed")
    return Api(stranger).order([NUMBER])


def test_concurrent_undos_undo_once(api, cast, released):
    answers = at_once([partial(undo, cast.owner_key, released)] * 4)
    assert {answer.status_code for answer in answers} == {200}
    assert NumberEvent.objects.filter(kind="release_undone").count() == 1


def test_undo_and_an_early_sale_never_both_succeed(cast, released):
    back, sold = at_once(
        [partial(undo, cast.owner_key, released), partial(early_sale, cast.stranger_key)]
    )
    assert {back.status_code, sold.status_code} == {200, 409}
    owner = "Owner" if back.status_code == 200 else "Stranger"
    assert db_assertions.owners() == {NUMBER: owner}


def test_undo_that_is_ahead_makes_the_sale_wait_and_fail(cast, released, monkeypatch):
    gate = gate_before(monkeypatch, ownership_undo._Undoing, "_write")
    with Clients(2) as clients:
        back = clients.start(undo, cast.owner_key, released)
        gate.wait_for_someone()
        sold = clients.start(early_sale, cast.stranger_key)
        wait_until_blocked()
        gate.open()
        assert (back.result().status_code, sold.result().status_code) == (200, 409)
    assert db_assertions.owners() == {NUMBER: "Owner"}


@pytest.fixture
def undo_without_locks(monkeypatch):
    monkeypatch.setattr(
        ownership_undo,
        "lock_numbers_by_id",
        lambda ids: _unlocked(ids),
    )


def _unlocked(ids):
    statement = locks.LOCK_NUMBERS_BY_ID.replace("FOR NO KEY UPDATE", "")
    return locks._locked(statement, [ids])


def overtaken(monkeypatch, cast, released, between):
    """The answer to an undo that has checked and not written, while something else is done."""
    gate = gate_before(monkeypatch, ownership_undo._Undoing, "_write")
    with Clients(2) as clients:
        back = clients.start(undo, cast.owner_key, released)
        gate.wait_for_someone()
        between()
        gate.open()
        return back.result()


def test_database_refuses_a_sold_number_without_locks(
    cast, released, monkeypatch, undo_without_locks
):
    """The negative control: without our lock, the trigger stands in the way."""
    answer = overtaken(monkeypatch, cast, released, partial(early_sale, cast.stranger_key))
    assert answer.status_code == 500
    assert db_assertions.owners() == {NUMBER: "Stranger"}


def test_database_refuses_a_number_after_another_owner(
    cast, released, monkeypatch, undo_without_locks
):
    """The unique index of open assignments does not see this one: the number has no owner then."""

    def sell_and_take_back():
        early_sale(cast.stranger_key)
        assert release(Api(cast.stranger_key), NUMBER).status_code == 200

    answer = overtaken(monkeypatch, cast, released, sell_and_take_back)
    assert answer.status_code == 500
    assert db_assertions.owners() == {}


def test_number_has_two_owners_without_locks_index_and_trigger(
    cast, released, monkeypatch, undo_without_locks
):
    """What those two prevent."""
    triggers = "ALTER TABLE numbers_assignment {} TRIGGER USER"
    db_assertions.run("DROP INDEX assignment_one_owner", triggers.format("DISABLE"))
    try:
        answer = overtaken(monkeypatch, cast, released, partial(early_sale, cast.stranger_key))
        assert answer.status_code == 200
        with pytest.raises(AssertionError, match="a number with two owners"):
            db_assertions.assert_in_order()
    finally:
        db_assertions.run(
            "TRUNCATE numbers_assignment, numbers_order, numbers_creditaccount CASCADE",
            "TRUNCATE numbers_numberevent, numbers_phonenumber CASCADE",
            "DELETE FROM campaigns_outboxentry WHERE type ~ '^(order|phone_number|credit)'",
            triggers.format("ENABLE"),
            "ALTER TABLE numbers_assignment DISABLE TRIGGER numbers_assignment_keep_truncate",
            "CREATE UNIQUE INDEX assignment_one_owner ON numbers_assignment (number_id) WHERE ended_at IS NULL",
        )


def _ids():
    return list(PhoneNumber.objects.values_list("id", flat=True))


def _change(function):
    return lambda cast, number_id: function(
        number_ids=_ids(), actor=factories.actor(), reason="a race"
    )


CHANGES = {
    "undo": lambda cast, number_id: undo(cast.owner_key, number_id),
    "release": lambda cast, number_id: release(Api(cast.owner_key), number_id),
    "order": lambda cast, number_id: Api(cast.stranger_key).order([NUMBER]),
    "end quarantine": _change(end_quarantine),
    "retire": _change(retire),
    "restore": _change(restore_numbers),
}


@pytest.mark.parametrize(("first", "second"), list(product(CHANGES, repeat=2)))
def test_two_concurrent_changes_leave_every_promise_kept(cast, released, caplog, first, second):
    for start in (False, True):  # resting, then owned where that is possible
        if start:
            undo(cast.owner_key, released)
        at_once([partial(CHANGES[name], cast, released) for name in (first, second)])
        db_assertions.assert_in_order()
    assert "unforeseen error" not in caplog.text
    assert Assignment.objects.filter(ended_at=None).count() <= 1


def test_release_during_an_undo_releases_again(cast, released, monkeypatch):
    gate = gate_before(monkeypatch, ownership_undo, "lock_numbers_by_id")
    with Clients(2) as clients:
        back = clients.start(undo, cast.owner_key, released)
        gate.wait_for_someone()
        again = clients.start(release, Api(cast.owner_key), released)
        wait_until_blocked()
        gate.open()
        assert (back.result().status_code, again.result().status_code) == (200, 200)
    assert db_assertions.owners() == {}


def test_undo_during_a_release_waits_and_undoes_it(api, cast, released, monkeypatch):
    assert undo(cast.owner_key, released).status_code == 200
    gate = gate_before(monkeypatch, ownership_release, "lock_numbers_by_id")
    with Clients(2) as clients:
        gone = clients.start(release, Api(cast.owner_key), released)
        gate.wait_for_someone()
        back = clients.start(undo, cast.owner_key, released)
        wait_until_blocked()
        gate.open()
        assert gone.result().status_code == 200
        assert back.result().json()["data"]["label"] == "support"
    assert db_assertions.owners() == {NUMBER: "Owner"}


# --- holds ---------------------------------------------------------------------------------------


def test_last_holds_ended_at_once_end_their_reservation(api, cast):
    numbers = factories.stock(*factories.line(0, 4))
    reservation = Reservation.objects.get(pk=hold(api, *numbers)["id"])
    end = partial(end_holds, actor=factories.actor(), reason="a race")
    ended = at_once([partial(end, number_ids=[one]) for one in _ids()])
    assert sorted(one for ids in ended for one in ids) == sorted(_ids())
    reservation.refresh_from_db()
    assert reservation.released_at is not None


def test_hold_is_moved_or_its_number_sold(api, cast):
    for number in factories.stock(*factories.line(0, 6)):
        hold(api, number)
        until = timezone.now() + timedelta(days=1)
        ids = [PhoneNumber.objects.get(number=number).pk]
        move = partial(
            move_holds, number_ids=ids, until=until, actor=factories.actor(), reason="a race"
        )
        _, sold = at_once([move, partial(Api(cast.owner_key).order, [number])])
        assert sold.status_code == 200
    assert not PhoneNumber.objects.exclude(held_until=None).exists()
