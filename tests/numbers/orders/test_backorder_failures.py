"""A backorder that can't be judged: logged, counted, retried later, without blocking others."""

import json
import logging
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from config.observability.metrics import exposition
from numbers.models import Order
from numbers.orders import backorders
from numbers.orders.backorders import fill_pending_orders
from numbers.orders.waiting import KEPT_ATTEMPTS
from tests.support import db_assertions, factories
from tests.support.api_client import Api
from tests.support.phone_numbers import buy, order_status, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


class Unforeseen(Exception):
    """What no code expects."""


@pytest.fixture
def broken(monkeypatch):
    """Orders whose fill fails, by their label."""
    labels = {"broken"}
    fill = backorders._fill

    def break_down(tx, order, besides):
        if order.label in labels:
            raise Unforeseen("no such thing")
        return fill(tx, order, besides)

    monkeypatch.setattr(backorders, "_fill", break_down)
    return labels


@pytest.fixture
def stranger(cast):
    return Api(cast.stranger_key)


def status(api, order_id):
    return order_status(api, order_id)["status"]


def row(order_id):
    return Order.objects.get(pk=order_id)


def make_due(order_id):
    Order.objects.filter(pk=order_id).update(next_attempt_at=timezone.now() - timedelta(seconds=1))


def test_failing_order_is_logged_marked_and_counted(api, broken, caplog):
    order_id = wait_for(api, 1, label="broken")
    factories.stock(*factories.line(0))
    before = timezone.now()
    with caplog.at_level(logging.ERROR, "numbers"):
        assert fill_pending_orders() == 0
    assert [record.message for record in caplog.records] == [
        f"Backorders: item {order_id} failed: no such thing"
    ]
    assert "Unforeseen: no such thing" in caplog.text
    assert db_assertions.row("SELECT failures, last_item FROM numbers_queuefailures") == {
        "failures": 1,
        "last_item": order_id,
    }
    order = row(order_id)
    assert (order.status, order.fill_attempts, order.last_error) == (
        "pending",
        1,
        "Unforeseen: no such thing",
    )
    assert timedelta(seconds=25) < order.next_attempt_at - before < timedelta(minutes=1)
    metrics_text = exposition().decode()
    assert "numberdesk_pending_failing_orders 1.0" in metrics_text


def test_failing_order_is_retried_with_backoff(api, broken):
    order_id = wait_for(api, 1, label="broken")
    factories.stock(*factories.line(0))
    distances = []
    for attempt in range(1, 7):
        fill_pending_orders()
        fill_pending_orders()  # not before it is due
        order = row(order_id)
        assert order.fill_attempts == attempt
        distances.append(round((order.next_attempt_at - timezone.now()).total_seconds() / 10) * 10)
        make_due(order_id)
    assert distances == [30, 120, 480, 1920, 3600, 3600]


def test_failing_order_is_filled_once_it_can_be_judged(api, broken, cast):
    order_id = wait_for(api, 1, label="broken")
    factories.stock(*factories.line(0))
    fill_pending_orders()
    broken.clear()
    assert fill_pending_orders() == 0  # it is not due
    make_due(order_id)
    assert fill_pending_orders() == 1
    assert status(api, order_id) == "complete"
    db_assertions.assert_in_order()


def test_failing_order_keeps_no_other_order_waiting(api, broken, cast, stranger):
    failing = wait_for(api, 1, label="broken", area_code="415")
    others = [
        wait_for(api, 1, area_code="415"),
        wait_for(stranger, 2, area_code="415"),
        wait_for(stranger, 1, area_code="212"),
    ]
    factories.stock(*factories.line(0, 4))
    factories.stock(*factories.line(0, 1, area_code="212"))
    assert fill_pending_orders() == 3
    assert [status(api, others[0]), *(status(stranger, one) for one in others[1:])] == [
        "complete"
    ] * 3
    assert status(api, failing) == "pending"


def test_no_younger_order_takes_the_numbers_of_a_failing_one(api, broken, cast, stranger):
    """Had it been judged, the younger one had got nothing."""
    failing, younger = wait_for(api, 2, label="broken"), wait_for(stranger, 2)
    factories.stock(*factories.line(0, 3))
    for _ in range(2):  # when it fails, and while it waits for its retry
        assert fill_pending_orders() == 0
    newest = buy(stranger, 1)
    assert newest.status_code == 202
    assert fill_pending_orders() == 1  # of the three numbers one is left over
    assert status(stranger, newest.json()["data"]["order_id"]) == "complete"
    broken.clear()
    make_due(failing)
    assert fill_pending_orders() == 1
    assert (status(api, failing), status(stranger, younger)) == ("complete", "pending")


def test_numbers_are_kept_only_for_a_fillable_order(api, broken, cast, stranger):
    wait_for(api, 5, label="broken")
    younger = wait_for(stranger, 2)
    broken_too = wait_for(api, 1, label="broken", max_price_per_number="0.50")
    factories.stock(*factories.line(0, 2))
    assert fill_pending_orders() == 1
    assert (status(stranger, younger), status(api, broken_too)) == ("complete", "pending")


def test_numbers_are_kept_for_about_a_day(api, broken, cast, stranger):
    failing, younger = wait_for(api, 1, label="broken"), wait_for(stranger, 1)
    factories.stock(*factories.line(0))
    fill_pending_orders()
    Order.objects.filter(pk=failing).update(fill_attempts=KEPT_ATTEMPTS)
    assert fill_pending_orders() == 0
    Order.objects.filter(pk=failing).update(fill_attempts=KEPT_ATTEMPTS + 1)
    assert fill_pending_orders() == 1
    assert status(stranger, younger) == "complete"


@pytest.mark.parametrize("criteria", ['{"colour": "red"}', '{"pattern": 5550}', '"text"', "[1]"])
def test_unreadable_criteria_keep_no_other_order_waiting(api, cast, stranger, criteria):
    failing = wait_for(api, 1, area_code="415")
    db_assertions.run(f"UPDATE numbers_order SET criteria = '{criteria}' WHERE id = '{failing}'")
    younger = wait_for(stranger, 1)
    factories.stock(*factories.line(0))
    assert fill_pending_orders() == 1
    assert status(stranger, younger) == "complete"
    assert row(failing).fill_attempts == 1
    factories.stock(*factories.line(5))
    assert buy(stranger, 1).status_code == 200


def test_failing_statement_affects_its_own_order_only(api, cast, stranger):
    """The fault of C1: a row that a CHECK refuses."""
    failing, younger = wait_for(api, 1), wait_for(stranger, 1)
    db_assertions.run(
        "ALTER TABLE numbers_assignment ADD CONSTRAINT planted CHECK (label <> 'planted')",
        f"UPDATE numbers_order SET label = 'planted' WHERE id = '{failing}'",
    )
    try:
        factories.stock(*factories.line(0, 2))
        assert fill_pending_orders() == 1
        assert status(stranger, younger) == "complete"
        assert "planted" in row(failing).last_error
    finally:
        db_assertions.run("ALTER TABLE numbers_assignment DROP CONSTRAINT planted")


def test_command_fills_the_others_and_exits_1_naming_the_failure(api, broken, stranger, capsys):
    failing, younger = wait_for(api, 1, label="broken"), wait_for(stranger, 1)
    factories.stock(*factories.line(0, 2))
    with pytest.raises(CommandError, match=f"failed and are retried later.*: {failing}") as refused:
        call_command("fill_pending_orders", "--json")
    assert refused.value.returncode == 1
    assert json.loads(capsys.readouterr().out) == {"filled": 1, "failed": [failing]}
    assert status(stranger, younger) == "complete"
    call_command("fill_pending_orders")  # it is not due: nothing to complain of
