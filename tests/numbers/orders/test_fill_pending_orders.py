"""The command ``fill_pending_orders``, run once by hand."""

import json

import pytest
from django.core.management import CommandError, call_command

from numbers.orders.backorders import look
from tests.support import factories
from tests.support.phone_numbers import order_status, wait_for

pytestmark = pytest.mark.django_db


def test_once_fills_orders_and_reports_the_count(api, capsys):
    order_id = wait_for(api, 2)
    factories.stock(*factories.line(0, 2))
    call_command("fill_pending_orders")
    assert order_status(api, order_id)["status"] == "complete"
    assert "1 order filled" in capsys.readouterr().out


def test_once_is_quiet_when_there_is_nothing_to_do(db, capsys):
    call_command("fill_pending_orders")
    assert capsys.readouterr() == ("", "")


def test_json_is_printed_also_when_there_is_nothing_to_do(db, capsys):
    call_command("fill_pending_orders", "--json")
    assert json.loads(capsys.readouterr().out)["filled"] == 0


def test_fill_check_ends_early_when_its_worker_stops(api):
    order_id = wait_for(api, 2)
    factories.stock(*factories.line(0, 2))
    assert look(lambda: True).filled == 0
    assert order_status(api, order_id)["status"] == "pending"
    assert look().filled == 1


@pytest.mark.parametrize("interval", ["nan", "soon", "0", "inf"])
def test_invalid_poll_interval_is_refused(interval):
    with pytest.raises(
        CommandError, match=r"argument --poll: .* must be a number of seconds from 0.1 to 3,600"
    ):
        call_command("worker", "--poll", interval)
