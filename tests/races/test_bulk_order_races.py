"""Concurrent bulk orders: fillers, buyers, cancellations, and stock at a bad moment."""

from functools import partial

import pytest
from django.db import connection, transaction

from campaigns.models import Organization
from config.db.transactions import Transaction
from numbers import locks
from numbers.inventory.criteria import Criteria
from numbers.orders import backorders, picking, place
from numbers.orders.backorders import fill_pending_orders
from numbers.orders.waiting import Demand
from tests.support import db_assertions, factories
from tests.support.api_client import Api
from tests.support.concurrency import (
    Clients,
    at_once,
    gate_after,
    gate_before,
    uncommitted,
    wait_until_blocked,
)
from tests.support.phone_numbers import BULK, buy, order_status, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def books_in_order(db, request):
    yield
    if "planted" not in request.fixturenames:
        db_assertions.assert_in_order()


@pytest.fixture
def planted(db):
    """What this test breaks it takes away itself."""
    yield
    db_assertions.run(
        "TRUNCATE numbers_assignment, numbers_order, numbers_creditaccount, numbers_numberevent "
        "CASCADE"
    )


def buyers(number, **options):
    return [Api(factories.key(factories.organization(**options))) for _ in range(number)]


def statuses(pairs):
    return [order_status(client, order_id)["status"] for client, order_id in pairs]


# --- fillers -------------------------------------------------------------------------------------


def test_concurrent_fillers_fill_each_order_once_oldest_first(cast):
    waiting = [(client, wait_for(client, 5)) for client in buyers(8)]
    factories.stock(*factories.line(0, 25))
    assert sum(at_once([fill_pending_orders] * 6)) == 5
    assert statuses(waiting) == ["complete"] * 5 + ["pending"] * 3
    assert len(db_assertions.owners()) == 25


def test_second_filler_waits_and_fills_nothing_twice(api, cast, monkeypatch):
    order_id = wait_for(api, 2)
    factories.stock(*factories.line(0, 4))
    gate = gate_before(monkeypatch, backorders, "purchase_statement")
    with Clients(2) as clients:
        first = clients.start(fill_pending_orders)
        gate.wait_for_someone()
        second = clients.start(fill_pending_orders)
        wait_until_blocked()
        gate.open()
        assert (first.result(), second.result()) == (1, 0)
    assert order_status(api, order_id)["assigned_count"] == 2
    assert len(db_assertions.charges(cast.owner)) == 1


def test_verification_shows_an_order_filled_twice_without_locks(api, cast, monkeypatch, planted):
    """The negative control of the test above."""
    for module, name in (
        (locks, "LOCK_ACCOUNT"),
        (locks, "LOCK_PENDING_ORDER"),
        (backorders, "ONE_FILLER"),
    ):
        statement = (
            getattr(module, name)
            .replace("FOR NO KEY UPDATE OF o", "")
            .replace("FOR NO KEY UPDATE", "")
        )
        monkeypatch.setattr(module, name, statement.replace("pg_advisory_xact_lock", "greatest"))
    wait_for(api, 2)
    factories.stock(*factories.line(0, 4), price="0.00")
    db_assertions.run("ALTER TABLE numbers_creditentry DROP CONSTRAINT credit_entry_unique CASCADE")
    db_assertions.run("DROP INDEX credit_one_charge_per_order")
    gate = gate_before(monkeypatch, backorders, "purchase_statement")
    try:
        with Clients(2) as clients:
            first = clients.start(fill_pending_orders)
            gate.wait_for_someone()
            assert clients.start(fill_pending_orders).result() == 1
            gate.open()
            assert first.result() == 1
        with pytest.raises(AssertionError, match="an order without all of its numbers"):
            db_assertions.assert_in_order()
    finally:
        db_assertions.run("TRUNCATE numbers_creditentry, numbers_creditaccount CASCADE")
        restore_ledger()


def test_younger_order_waits_while_an_older_one_is_tried(cast, monkeypatch):
    """Both want the same five numbers; the first filler is held up with the older order in its hands."""
    older, younger = [(client, wait_for(client, 5)) for client in buyers(2)]
    factories.stock(*factories.line(0, 5))
    gate = gate_before(monkeypatch, backorders, "price_purchase")
    with Clients(2) as clients:
        first = clients.start(fill_pending_orders)
        gate.wait_for_someone()
        second = clients.start(fill_pending_orders)
        wait_until_blocked()
        gate.open()
        first.result(), second.result()
    assert statuses([older, younger]) == ["complete", "pending"]


def test_locked_account_blocks_only_its_own_order(api, cast, settings):
    settings.LOCK_TIMEOUT_MS = 200
    mine, theirs = (
        (api, wait_for(api, 1)),
        (api.using(cast.stranger_key), wait_for(api.using(cast.stranger_key), 1)),
    )
    factories.stock(*factories.line(0, 2))
    with Clients(1) as clients, uncommitted(lambda: locks.lock_account(cast.owner.pk)):
        assert clients.start(fill_pending_orders).result() == 1
    assert statuses([mine, theirs]) == ["pending", "complete"]
    assert fill_pending_orders() == 1
    assert statuses([mine]) == ["complete"]


def test_order_waits_when_its_organization_is_suspended_midway(api, cast, monkeypatch):
    order_id = wait_for(api, 1)
    factories.stock(*factories.line(0))
    gate = gate_after(monkeypatch, backorders, "available_ids")
    with Clients(1) as clients:
        looking = clients.start(fill_pending_orders)
        gate.wait_for_someone()
        Organization.objects.filter(pk=cast.owner.pk).update(status="SUSPENDED")
        gate.open()
        assert looking.result() == 0
    assert db_assertions.owners() == {}
    Organization.objects.filter(pk=cast.owner.pk).update(status="ACTIVE")
    assert order_status(api, order_id)["status"] == "pending"


def test_order_is_either_filled_or_cancelled(api, cast):
    for start in range(0, 40, 2):
        order_id = wait_for(api, 2)
        factories.stock(*factories.line(start, 2), price="0.10")
        cancel, _ = at_once(
            [lambda path=f"{BULK}/{order_id}": api.request("DELETE", path), fill_pending_orders]
        )
        status = order_status(api, order_id)["status"]
        assert (cancel.status_code, status) in ((200, "cancelled"), (409, "complete"))
        buy(api, 2 if status == "cancelled" else 1)  # empties the stock


# --- buyers --------------------------------------------------------------------------------------


def test_concurrent_buyers_of_the_exact_stock_are_all_filled(cast):
    clients = buyers(12)
    factories.stock(*factories.line(0, 60))
    answers = at_once([partial(buy, client, 5, max_price_per_number="1.00") for client in clients])
    assert {answer.status_code for answer in answers} <= {200, 202}
    placed = [answer.json()["data"]["order_id"] for answer in answers]
    fill_pending_orders()
    assert statuses(zip(clients, placed, strict=True)) == ["complete"] * 12
    assert len(db_assertions.owners()) == 60


def test_excess_buyers_wait_and_nothing_is_sold_twice(cast):
    clients = buyers(12)
    factories.stock(*factories.line(0, 30))
    answers = at_once([partial(buy, client, 4, max_price_per_number="1.00") for client in clients])
    placed = [answer.json()["data"]["order_id"] for answer in answers]
    fill_pending_orders()
    assert sorted(statuses(zip(clients, placed, strict=True))) == ["complete"] * 7 + ["pending"] * 5
    assert len(db_assertions.owners()) == 28


def test_bulk_order_does_not_wait_for_locked_numbers(api, cast, monkeypatch):
    """SKIP LOCKED: were it to wait, the gate would never be opened and the test would hang."""
    taken, free = factories.stock(*factories.line(0, 2))
    gate = gate_before(monkeypatch, place, "purchase_statement")
    with Clients(1) as clients:
        under_way = clients.start(api.using(cast.stranger_key).order, [taken])
        gate.wait_for_someone()
        assert [one["number"] for one in buy(api, 1).json()["data"]["assigned_numbers"]] == [free]
        wait_for(api, 1)
        gate.open()
        assert under_way.result().status_code == 200


def test_numbers_locked_only_briefly_fill_the_order_afterwards(api, cast, monkeypatch):
    """What a dry run has locked for a moment is not in stock for an order that comes then; it is a moment later."""
    numbers = factories.stock(*factories.line(0))
    gate = gate_after(monkeypatch, place, "price_purchase")
    with Clients(1) as clients:
        looking = clients.start(api.using(cast.stranger_key).order, numbers, query="?dry_run=true")
        gate.wait_for_someone()
        order_id = wait_for(api, 1)
        gate.open()
        assert looking.result().status_code == 200
    assert fill_pending_orders() == 1
    assert order_status(api, order_id)["status"] == "complete"


def test_fill_check_reads_past_numbers_locked_by_others(api, cast, monkeypatch):
    """With exactly one number left over, an order must not be refused as if there were none."""
    monkeypatch.setattr(picking, "usual_depth", lambda quantity: quantity)
    *taken, free = factories.stock(*factories.line(0, 4))
    demand = Demand(cast.owner.pk, False, Criteria(), None)
    gate = gate_before(monkeypatch, place, "purchase_statement")
    with Clients(1) as clients:
        under_way = clients.start(api.using(cast.stranger_key).order, taken)
        gate.wait_for_someone()
        for _ in range(4):  # each begins at another number
            with transaction.atomic():
                tx = Transaction()
                (rows,) = tx.run(picking.find_statement(demand, quantity=1, depth=1))
                found = picking.pick(tx, picking.read_found(rows), demand, quantity=1)
            assert [row.number for row in found.rows] == [free]
        gate.open()
        assert under_way.result().status_code == 200


def test_concurrent_requests_with_one_key_place_one_order(api, cast):
    factories.stock(*factories.line(0, 10))
    headers = {"Idempotency-Key": "k"}
    for quantity, status in ((2, 200), (50, 202)):
        headers = {"Idempotency-Key": f"k{quantity}"}
        one, other = at_once(
            [lambda h=headers, q=quantity: buy(Api(cast.owner_key), q, headers=h)] * 2
        )
        assert (one.status_code, other.content) == (status, one.content)
        assert sorted("Idempotent-Replayed" in answer for answer in (one, other)) == [False, True]
    assert db_assertions.rows("SELECT count(*) FROM numbers_order") == [(2,)]


def restore_ledger():
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE numbers_creditentry ADD CONSTRAINT credit_entry_unique UNIQUE "
            "(account_id, entry)"
        )
        cursor.execute(
            "CREATE UNIQUE INDEX credit_one_charge_per_order ON numbers_creditentry (order_id) "
            "WHERE kind = 'charge'"
        )
