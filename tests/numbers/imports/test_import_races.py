"""Concurrent imports and orders: with threads and real commits."""

import io
from concurrent.futures import Future
from decimal import Decimal

import pytest
from django.core.management import call_command

from config.actors import command_actor
from numbers.imports import loader
from numbers.imports import run as imports_run
from numbers.imports.layout import Options
from numbers.imports.reader import Source
from numbers.imports.run import Outcome, import_numbers
from numbers.inventory.seed import Stock, seed_numbers
from numbers.models import PhoneNumber, StockBatch
from numbers.orders.backorders import fill_pending_orders
from numbers.verification.run import verify_inventory
from tests.support import db_assertions, factories
from tests.support.concurrency import Clients, at_once, gate_after, wait_until_blocked
from tests.support.phone_numbers import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def load(numbers: list[str], *, atomic: bool = False, price: str = "1.00") -> Outcome:
    content = "\n".join(["number,price", *(f"{number},{price}" for number in numbers)])
    source = Source(io.BytesIO(content.encode()), "stock.csv")
    return import_numbers(source, options=Options(), actor=command_actor("tests"), atomic=atomic)


def assert_verified() -> None:
    assert [finding.check.name for finding in verify_inventory() if not finding.holds] == []
    db_assertions.assert_in_order()


@pytest.mark.parametrize("atomic", [False, True])
def test_overlapping_imports_share_numbers_and_never_deadlock(monkeypatch, atomic):
    monkeypatch.setattr(imports_run, "CHUNK", 40)
    numbers = [
        *factories.line(0, 150),
        *factories.line(0, 150, area_code="212"),
        *factories.line(0, 50, area_code="646"),
    ]
    files = [numbers, numbers[::-1], numbers[150:] + numbers[:150], numbers[::2] + numbers[1::2]]
    outcomes = at_once([lambda file=file: load(file, atomic=atomic) for file in files])
    assert (
        sum(outcome.created for outcome in outcomes) == len(numbers) == PhoneNumber.objects.count()
    )
    assert all(outcome.created + outcome.unchanged == len(numbers) for outcome in outcomes)
    assert all(outcome.rejected == 0 for outcome in outcomes)
    assert_verified()


def test_second_of_two_conflicting_imports_is_refused(monkeypatch):
    numbers = factories.line(0, 10)
    gate = gate_after(monkeypatch, loader, "add_chunk")
    with Clients(2) as clients:
        first: Future[Outcome] = clients.start(load, numbers)
        gate.wait_for_someone()
        second: Future[Outcome] = clients.start(load, numbers, atomic=True, price="2.00")
        wait_until_blocked()
        gate.open()
        assert first.result().created == 10
        refused = second.result()
    assert (refused.created, refused.unchanged) == (0, 0)
    assert "price '1.00', not '2.00'" in next(refused.rejections()).reason
    assert StockBatch.objects.count() == 1


def test_import_waits_for_a_seeding_of_the_area_code():
    stock = Stock(area_code="415", count=300, price=Decimal("1.00"), sandbox=True)
    works = [lambda: seed_numbers(stock=stock, actor=command_actor("tests"))]
    works += [lambda: load(factories.line(0, 300), atomic=True)] * 2
    at_once(works)
    assert PhoneNumber.objects.count() == 600


def test_orders_continue_during_an_import(monkeypatch, cast, api):
    monkeypatch.setattr(imports_run, "CHUNK", 20)
    sold = factories.stock(*factories.line(0, 40))
    file = [*factories.line(0, 400)]

    def buy(start: int) -> list[int]:
        return [api.order([sold[n]]).status_code for n in range(start, 40, 4)]

    results = at_once(
        [lambda: load(file), lambda: load(file[::-1]), *(lambda n=n: buy(n) for n in range(4))]
    )
    assert [status for statuses in results[2:] for status in statuses] == [200] * 40
    assert results[0].created + results[1].created == 360
    assert_verified()


def test_interrupted_import_is_finished_by_the_next(monkeypatch):
    monkeypatch.setattr(imports_run, "CHUNK", 10)
    actor = command_actor("tests")
    content = ("number\n" + "\n".join(factories.line(0, 45))).encode()

    class Killed(Exception):
        pass

    def die(doing: str, done: int, total: int | None) -> None:
        if doing == "adding" and done == 20:
            raise Killed

    def run(progress=lambda doing, done, total: None) -> Outcome:
        return import_numbers(
            Source(io.BytesIO(content), "a"), options=Options(), actor=actor, progress=progress
        )

    with pytest.raises(Killed):
        run(die)
    assert PhoneNumber.objects.count() == 20
    outcome = run()
    # The same import, tried again: all of it is its work.
    assert (outcome.created, outcome.unchanged, StockBatch.objects.count()) == (45, 0, 1)


def test_import_fills_a_waiting_bulk_order(cast, api, tmp_path):
    wait_for(api, 3, area_code="415")
    file = tmp_path / "stock.csv"
    file.write_text("\n".join(factories.line(0, 3)))
    call_command("import_numbers", str(file))
    assert fill_pending_orders() == 1
    assert len(db_assertions.owners()) == 3
