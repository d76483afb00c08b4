"""Locks: a locked number is not released until it is unlocked."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from numbers.bulk_actions.actions import BULK_ACTIONS
from numbers.bulk_actions.base import Instruction
from numbers.models import Assignment, NumberEvent, PhoneNumber
from tests.support import db_assertions, factories
from tests.support.api_client import error_of, refused
from tests.support.concurrency import at_once
from tests.support.phone_numbers import BULK_RELEASE, MISSING, NUMBERS, owned, release
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db

NUMBER = "+14152000000"


@pytest.fixture(autouse=True)
def books_in_order(db):
    yield
    db_assertions.assert_in_order()


@pytest.fixture
def number_id(api, cast):
    factories.stock(NUMBER)
    (made,) = owned(api, NUMBER)
    return made


def ask(api, method, number_id):
    return api.request(method, f"{NUMBERS}/{number_id}/lock")


def state(api, number_id):
    answer = ask(api, "GET", number_id)
    assert answer.status_code == 200
    return answer.json()["data"]


def kinds():
    events = NumberEvent.objects.exclude(kind="assigned")
    return list(events.order_by("id").values_list("kind", flat=True))


def test_locked_number_is_not_released_until_unlocked(api, number_id):
    assert state(api, number_id) == {
        "id": number_id,
        "number": NUMBER,
        "locked": False,
        "locked_at": None,
    }
    locked = ask(api, "PUT", number_id).json()["data"]
    assert locked == state(api, number_id)
    assert (locked["locked"], locked["locked_at"] is None) == (True, False)
    answer = release(api, number_id)
    refused(answer, 409, "NUMBER_LOCKED", "the number is locked against release: unlock it first")
    assert answer["x-should-retry"] == "false"
    assert db_assertions.owners() == {NUMBER: "Owner"}
    assert ask(api, "DELETE", number_id).json()["data"]["locked"] is False
    assert release(api, number_id).status_code == 200
    assert kinds() == ["locked", "unlocked", "released"]


def test_locking_and_unlocking_again_change_nothing(api, number_id):
    first = ask(api, "PUT", number_id).json()["data"]
    assert ask(api, "PUT", NUMBER).json()["data"] == first
    for _ in range(2):
        assert ask(api, "DELETE", number_id).json()["data"]["locked"] is False
    assert kinds() == ["locked", "unlocked"]


def test_locked_number_is_routed_as_before(api, number_id):
    ask(api, "PUT", number_id)
    assert api.request("PATCH", f"{NUMBERS}/{number_id}", {"label": "support"}).status_code == 200
    assert state(api, number_id)["locked"] is True


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_lock_of_a_foreign_number_is_not_found(api, cast, number_id, method):
    stranger = api.using(cast.stranger_key)
    for reference in (number_id, NUMBER, MISSING):
        error_of(ask(stranger, method, reference), 404, "NOT_FOUND")
    assert kinds() == []


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_lock_of_a_released_number_is_refused(api, number_id, method):
    release(api, number_id)
    error_of(ask(api, method, number_id), 409, "NUMBER_NOT_ASSIGNED")


def test_locks_need_the_scope_for_writing(api, cast, number_id):
    reader = api.using(factories.key(cast.owner, "numbers:read"))
    assert ask(reader, "GET", number_id).status_code == 200
    for method in ("PUT", "DELETE"):
        error_of(ask(reader, method, number_id), 403, "FORBIDDEN")


def test_bulk_release_lists_what_is_locked(api, cast):
    numbers = factories.line(0, 3)
    factories.stock(*numbers)
    first, locked, gone = owned(api, *numbers)
    ask(api, "PUT", locked)
    release(api, gone)
    data = api.post(BULK_RELEASE, {"ids": [first, locked, gone, MISSING]}).json()["data"]
    assert data == {
        "released": [first],
        "locked": [locked],
        "already_released": [gone],
        "unknown": [MISSING],
    }
    assert set(db_assertions.owners()) == {numbers[1]}


def test_carrier_gets_no_locked_number(api, number_id):
    ask(api, "PUT", number_id)
    answer = api.request("DELETE", f"{NUMBERS}/{number_id}?return_to_carrier=true")
    error_of(answer, 409, "NUMBER_LOCKED")


def test_undone_release_comes_back_unlocked(api, number_id):
    ask(api, "PUT", number_id)
    ask(api, "DELETE", number_id)
    release(api, number_id)
    assert api.post(f"{NUMBERS}/{number_id}/undo-release", b"").status_code == 200
    assert state(api, number_id)["locked"] is False


def test_next_owner_gets_the_number_unlocked(api, cast, number_id):
    release(api, number_id)
    let_pass(timedelta(days=400))
    (again,) = owned(api.using(cast.stranger_key), NUMBER)
    assert state(api.using(cast.stranger_key), again)["locked"] is False


# --- operators -----------------------------------------------------------------------------------


def run(name, *ids):
    instruction = Instruction(factories.actor(), "ticket 7", {})
    return BULK_ACTIONS[name].do(list(ids), instruction)


def test_operators_lock_and_unlock_for_customers(api, number_id):
    number, free = PhoneNumber.objects.get().pk, factories.stock("+14152000001")[0]
    free_id = PhoneNumber.objects.get(number=free).pk
    no_owner = "unchanged: it has no owner"
    assert run("lock", number, free_id) == {number: "done", free_id: no_owner}
    assert run("lock", number) == {number: "unchanged: it is already locked"}
    assert state(api, number_id)["locked"] is True
    refusal = "refused: the number is locked against release: unlock it first"
    assert run("release", number, free_id) == {number: refusal, free_id: no_owner}
    assert run("unlock", number) == {number: "done"}
    assert run("unlock", number) == {number: "unchanged: it is already unlocked"}
    assert run("release", number) == {number: "done"}
    reasons = NumberEvent.objects.exclude(kind="assigned").values_list("kind", "reason")
    assert set(reasons) == {(kind, "ticket 7") for kind in ("locked", "unlocked", "released")}


# --- at the same moment --------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
def test_lock_and_release_never_both_succeed(api, number_id, attempt):
    calls = [lambda: ask(api, "PUT", number_id), lambda: release(api, number_id)]
    locked, released = at_once(calls if attempt % 2 else calls[::-1])[:: 1 if attempt % 2 else -1]
    assert {locked.status_code, released.status_code} == {200, 409}
    assert bool(db_assertions.owners()) is (locked.status_code == 200)


def test_database_refuses_the_end_of_a_locked_number(api, number_id):
    """The negative control: without the check in code, the constraint stands in the way."""
    ask(api, "PUT", number_id)
    with pytest.raises(IntegrityError, match="assignment_locked_not_ended"), transaction.atomic():
        Assignment.objects.update(ended_at=timezone.now())
