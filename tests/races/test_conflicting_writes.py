"""Orders, holds and their ends, routing, releases: every conflicting pair, at the worst moment."""

from functools import partial

import pytest

from campaigns.models import Campaign
from numbers import locks
from numbers.inventory import reservations
from numbers.models import PhoneNumber
from numbers.orders import place
from numbers.ownership import release as ownership_release
from numbers.ownership import rerouting
from numbers.ownership.release import end_quarantine, retire
from numbers.verification.run import verify_inventory
from tests.support import db_assertions, factories
from tests.support.api_client import Api, error_of
from tests.support.concurrency import (
    Clients,
    at_once,
    gate_after,
    gate_before,
    uncommitted,
    wait_until_blocked,
)
from tests.support.phone_numbers import (
    BULK_RELEASE,
    NUMBERS,
    RESERVATIONS,
    hold,
    listed,
    owned,
    patch,
    release,
    release_hold,
    search,
)

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 8


@pytest.fixture(autouse=True)
def books_in_order(db, request):
    yield
    if "planted" not in request.fixturenames:
        db_assertions.assert_in_order()


@pytest.fixture
def stranger(api, cast):
    return api.using(cast.stranger_key)


@pytest.fixture
def planted(db):
    """The test breaks its books, and says so."""


def events(kind):
    return db_assertions.rows("SELECT count(*) FROM numbers_numberevent WHERE kind = %s", kind)[0][
        0
    ]


def all_ids():
    return list(PhoneNumber.objects.order_by("id").values_list("id", flat=True))


def meet(monkeypatch, where, first, second):
    """``second`` comes while ``first`` has its locks and has not written; gives both answers."""
    gate = gate_before(monkeypatch, *where)
    with Clients(2) as clients:
        one = clients.start(first)
        gate.wait_for_someone()
        two = clients.start(second)
        wait_until_blocked()
        gate.open()
        return one.result(), two.result()


# --- release -------------------------------------------------------------------------------------


def test_concurrent_releases_of_a_number_release_it_once(api, cast):
    for number in factories.stock(*factories.line(0, ROUNDS)):
        (number_id,) = owned(api, number)
        answers = at_once([partial(release, Api(cast.owner_key), number_id)] * 4)
        assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404]
    assert events("released") == ROUNDS


def test_overlapping_bulk_releases_release_each_number_once(api, cast, caplog):
    ids = owned(api, *factories.stock(*factories.line(0, 60)))
    halves = [ids[:40], ids[20:], ids[::-1], ids[::2] + ids[1::2]]
    works = [partial(Api(cast.owner_key).post, BULK_RELEASE, {"ids": half}) for half in halves]
    answers = [answer.json()["data"] for answer in at_once(works)]
    assert sorted(one for answer in answers for one in answer["released"]) == sorted(ids)
    for half, answer in zip(halves, answers, strict=True):
        assert sorted(answer["released"] + answer["already_released"]) == sorted(half)
    assert "transaction tried again" not in caplog.text


def test_change_during_the_release_finds_the_number_gone(api, cast, monkeypatch):
    (number_id,) = owned(api, *factories.stock(*factories.line(0)))
    released, patched = meet(
        monkeypatch,
        (ownership_release, "lock_numbers_by_id"),
        partial(release, api, number_id),
        partial(patch, Api(cast.owner_key), number_id, {"inbound_url": "https://late.example/"}),
    )
    assert released.status_code == 200
    error_of(patched, 409, "NUMBER_NOT_ASSIGNED")
    assert db_assertions.rows("SELECT inbound_url FROM numbers_assignment") == [("",)]


def test_release_during_a_change_clears_it(api, cast, monkeypatch):
    (number_id,) = owned(api, *factories.stock(*factories.line(0)))
    patched, released = meet(
        monkeypatch,
        (rerouting, "owned_number"),
        partial(patch, api, number_id, {"inbound_url": "https://late.example/"}),
        partial(release, Api(cast.owner_key), number_id),
    )
    assert (patched.status_code, released.status_code) == (200, 200)
    assert db_assertions.rows("SELECT inbound_url FROM numbers_assignment") == [("",)]
    assert (events("routed"), events("released")) == (1, 1)


def test_database_refuses_a_change_after_release_without_locks(api, cast, monkeypatch, caplog):
    """The negative control of the two above: an ended ownership is never routed, whatever the code does."""
    monkeypatch.setattr(
        locks, "LOCK_ASSIGNMENTS", locks.LOCK_ASSIGNMENTS.replace("FOR NO KEY UPDATE", "")
    )
    (number_id,) = owned(api, *factories.stock(*factories.line(0)))
    gate = gate_before(monkeypatch, rerouting, "_write")
    with Clients(1) as clients:
        patched = clients.start(patch, api, number_id, {"inbound_url": "https://late.example/"})
        gate.wait_for_someone()
        assert release(Api(cast.owner_key), number_id).status_code == 200
        gate.open()
        error_of(patched.result(), 500, "INTERNAL_ERROR")
    assert "an assignment is routed or ended, never rewritten" in caplog.text


def test_number_is_bought_only_after_its_release_is_committed(
    api, cast, stranger, settings, monkeypatch
):
    """Without any quarantine the buyer waits for the release, and its ownership begins after the other ended."""
    settings.NUMBER_QUARANTINE_DAYS = 0
    (number,) = factories.stock(*factories.line(0))
    (number_id,) = owned(api, number)
    gate = gate_after(monkeypatch, ownership_release, "lock_numbers_by_id")
    with Clients(2) as clients:
        released = clients.start(release, api, number_id)
        gate.wait_for_someone()
        bought = clients.start(stranger.order, [number])
        wait_until_blocked()
        gate.open()
        assert (released.result().status_code, bought.result().status_code) == (200, 200)
    ((ended, begun),) = db_assertions.rows(
        "SELECT one.ended_at, next.created_at FROM numbers_assignment one, numbers_assignment next "
        "WHERE one.ended_at IS NOT NULL AND next.ended_at IS NULL"
    )
    assert ended <= begun


# --- holds ---------------------------------------------------------------------------------------


def test_hold_or_foreign_order_gets_everything_when_concurrent(api, cast):
    for start in range(0, ROUNDS * 3, 3):
        numbers = factories.stock(*factories.line(start, 3), price="0.10")
        made, order = at_once(
            [
                partial(Api(cast.owner_key).post, RESERVATIONS, {"numbers": numbers}),
                partial(Api(cast.stranger_key).order, numbers[::-1]),
            ]
        )
        assert sorted([made.status_code, order.status_code]) in ([200, 409], [201, 409])


def test_one_of_many_concurrent_holds_gets_the_number(db):
    factories.stock(*factories.line(0))
    clients = [Api(factories.key(factories.organization())) for _ in range(10)]
    body = {"numbers": factories.line(0)}
    statuses = [
        answer.status_code
        for answer in at_once([partial(one.post, RESERVATIONS, body) for one in clients])
    ]
    assert sorted(statuses) == [201] + [409] * 9


def test_release_during_an_order_frees_the_remaining_numbers(api, cast, monkeypatch):
    one, two = factories.stock(*factories.line(0, 2))
    reservation = hold(api, one, two)
    ordered, ended = meet(
        monkeypatch,
        (place, "purchase_statement"),
        partial(api.order, [one]),
        partial(release_hold, Api(cast.owner_key), reservation["id"]),
    )
    assert (ordered.status_code, ended.status_code) == (200, 200)
    assert (listed(api), search(api)) == ([one], [two])
    assert events("hold_released") == 1


def test_release_does_not_end_the_hold_that_replaced_it(api, cast, monkeypatch):
    """The numbers of the first hold are read, then the second hold takes one of them over."""
    one, two = factories.stock(*factories.line(0, 2))
    first = hold(api, one, two)
    gate = gate_after(monkeypatch, reservations, "own_reservation")
    with Clients(1) as clients:
        ended = clients.start(release_hold, api, first["id"])
        gate.wait_for_someone()
        hold(Api(cast.owner_key), two)
        gate.open()
        assert ended.result().status_code == 200
    assert search(api) == [one]
    error_of(api.using(cast.stranger_key).order([two]), 409, "INSUFFICIENT_INVENTORY")


def test_concurrent_releases_of_a_reservation_free_it_once(api, cast):
    reservation = hold(api, *factories.stock(*factories.line(0, 5)))
    answers = at_once([partial(release_hold, Api(cast.owner_key), reservation["id"])] * 4)
    assert {answer.status_code for answer in answers} == {200}
    assert events("hold_released") == 5


def test_verification_shows_a_hold_on_sold_numbers_without_locks(
    api, cast, stranger, monkeypatch, planted
):
    """The negative control of holds and orders."""
    monkeypatch.setattr(locks, "LOCK_NUMBERS", locks.LOCK_NUMBERS.replace("FOR NO KEY UPDATE", ""))
    numbers = factories.stock(*factories.line(0))
    gate = gate_before(monkeypatch, reservations, "_hold")
    with Clients(1) as clients:
        made = clients.start(api.post, RESERVATIONS, {"numbers": numbers})
        gate.wait_for_someone()
        assert stranger.order(numbers).status_code == 200
        gate.open()
        assert made.result().status_code == 201
    with pytest.raises(AssertionError, match="an owner of a number that is not assigned"):
        db_assertions.assert_in_order()
    assert not all(finding.holds for finding in verify_inventory())


# --- campaigns and operators ---------------------------------------------------------------------


@pytest.mark.parametrize("commit", [True, False])
def test_attaching_waits_for_a_change_of_the_campaign(api, cast, commit):
    (number_id,) = owned(api, *factories.stock(*factories.line(0)))
    campaign = factories.campaign(cast.owner)
    expire = partial(Campaign.objects.filter(pk=campaign.pk).update, status="EXPIRED")
    with Clients(1) as clients:
        with uncommitted(expire, commit=commit):
            attached = clients.start(
                api.post, f"{NUMBERS}/{number_id}/campaign", {"campaign_id": str(campaign.pk)}
            )
            wait_until_blocked()
        assert attached.result().status_code == (409 if commit else 200)


def test_number_is_either_sold_or_retired(api, cast):
    for start in range(ROUNDS):
        (number,) = factories.stock(*factories.line(start))
        number_id = PhoneNumber.objects.get(number=number).pk
        order, retired = at_once(
            [
                partial(Api(cast.owner_key).order, [number]),
                partial(retire, number_ids=[number_id], actor=factories.actor(), reason="old"),
            ]
        )
        assert (order.status_code, retired) in ((200, []), (409, [number_id]))


def test_ending_and_retiring_in_opposite_order_do_not_deadlock(api, cast, caplog):
    release_all = api.post(
        BULK_RELEASE, {"ids": owned(api, *factories.stock(*factories.line(0, 50)))}
    )
    assert len(release_all.json()["data"]["released"]) == 50
    ids = all_ids()
    works = [
        (end_quarantine, ids),
        (retire, ids[::-1]),
        (end_quarantine, ids[25:] + ids[:25]),
        (retire, ids[::2]),
    ]
    at_once(
        [
            partial(work, number_ids=some, actor=factories.actor(), reason="x")
            for work, some in works
        ]
    )
    assert set(PhoneNumber.objects.values_list("status", flat=True)) == {"retired"}
    assert events("retired") == 50
    assert "transaction tried again" not in caplog.text
