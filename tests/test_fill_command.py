"""``fill_pending_orders``: once from cron, or as a worker until it is told to stop."""

import json
import os
import signal

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from numbers import filling
from tests import factories
from tests.phone_numbers import order_status, wait_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def signals():
    """Put back what the worker installs."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_once_fills_what_there_is_and_says_how_many(api, capsys):
    order_id = wait_for(api, 2)
    factories.stock(*factories.line(0, 2))
    call_command("fill_pending_orders")
    assert order_status(api, order_id)["status"] == "complete"
    assert "1 order filled" in capsys.readouterr().out


def test_once_with_nothing_to_do_is_quiet_so_that_cron_sends_no_mail(db, capsys):
    call_command("fill_pending_orders")
    assert capsys.readouterr() == ("", "")


def test_json_says_so_also_when_there_is_nothing(db, capsys):
    call_command("fill_pending_orders", "--json")
    assert json.loads(capsys.readouterr().out)["filled"] == 0


@pytest.mark.parametrize("how_to_stop", [signal.SIGTERM, signal.SIGINT])
def test_the_worker_looks_again_and_again_survives_the_database_and_stops_when_told(
    db, capsys, monkeypatch, signals, how_to_stop
):
    looks = []

    def look():
        looks.append(1)
        if len(looks) == 1:
            raise OperationalError("the server is restarting")
        if len(looks) == 3:
            os.kill(os.getpid(), how_to_stop)
        return len(looks) - 1

    monkeypatch.setattr(filling, "fill_pending_orders", look)
    monkeypatch.setattr(filling, "close_old_connections", lambda: None)
    call_command("fill_pending_orders", "--loop", "--interval", "0.1")
    assert len(looks) == 3
    told = capsys.readouterr().err
    assert "pending orders wait: the server is restarting" in told
    assert "1 order filled\n2 orders filled" in told


@pytest.mark.parametrize("interval", ["nan", "soon", "0", "inf"])
def test_an_interval_that_makes_no_sense_is_refused(interval):
    with pytest.raises(CommandError, match=r"argument --interval: .* must be a number of seconds from 0.1 to 3,600"):
        call_command("fill_pending_orders", "--loop", "--interval", interval)
