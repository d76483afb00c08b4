"""An operator's day, tasks with numbers: each from the home page, in at most six clicks."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from numbers.imports.job import keep_file, prepare
from numbers.imports.layout import Options
from numbers.models import Assignment, NumberEvent, PhoneNumber, Reservation
from numbers.worker.jobs import queue
from tests.support import db_assertions, factories
from tests.support.api_client import Api
from tests.support.clicks import Operator
from tests.support.phone_numbers import hold, owned, release, search

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SIDEBAR = "#nav-sidebar .model-phonenumber"


@pytest.fixture
def acme(db: None) -> Api:
    owner = factories.organization("Acme Dental", credit="1000.00")
    factories.stock(*factories.line(0, 12))
    return Api(factories.key(owner))


def wait_for_job(alice: Operator) -> None:
    alice.page.wait_for("document.querySelector('#progress h2')?.innerText === 'Done'")


def state_of(number: str) -> str:
    return PhoneNumber.objects.get(number=number).status


def test_import_a_file(alice: Operator, jobs_worker: None, tmp_path: Path) -> None:
    file = tmp_path / "stock.csv"
    file.write_text("\n".join(["number,price", *(f"{one},1.50" for one in factories.line(0, 40))]))
    alice.follow("Import", within=".desk-menu")
    alice.attach("file", file)
    alice.submit()
    alice.follow("Import", within="#mapping_form")
    alice.page.wait_for("document.querySelector('#progress .desk-answer')")
    alice.says("40 created")
    assert PhoneNumber.objects.filter(price="1.50").count() == 40


def test_mend_a_rejected_line(alice: Operator, jobs_worker: None, tmp_path: Path) -> None:
    job = keep_file(
        name="stock.csv",
        pieces=[b"number,price\n+14152000000,1.00\n+14152000001,gratis\n"],
        actor=factories.actor(),
    )
    prepare(job, Options(), actor=factories.actor(), atomic=False, dry_run=False)
    queue(job.pk)
    mended = tmp_path / "rejected.csv"
    alice.follow("Import", within=".desk-menu")
    alice.follow("stock.csv")
    alice.page.wait_for("document.querySelector('#rejected')")
    alice.says("price 'gratis' is not an amount")
    alice.clicks += 1  # the download, which leads to no page
    text = alice.page.evaluate(
        "fetch(document.querySelector('#rejected').href).then(a => a.text())"
    )
    mended.write_text(text.replace("gratis", "2.00"))
    alice.attach("file", mended)
    alice.follow("Upload")
    alice.follow("Import", within="#mapping_form")
    alice.page.wait_for("document.querySelector('#progress .desk-answer')")
    assert str(PhoneNumber.objects.get(number="+14152000001").price) == "2.00"


def test_add_ten_numbers_by_hand(alice: Operator) -> None:
    alice.follow("Add", within=SIDEBAR)
    alice.submit(numbers="\n".join(factories.line(0, 10)), note="from the carrier")
    assert PhoneNumber.objects.filter(number__in=factories.line(0, 10)).count() == 10


def test_change_the_price_of_chosen_numbers(alice: Operator, jobs_worker: None) -> None:
    factories.stock(*factories.line(0, 320))
    chosen = [f"({one[2:5]}) {one[5:8]}-{one[8:]}" for one in factories.line(0, 300)]
    alice.follow("Paste numbers")
    alice.submit(numbers="\n".join([*chosen, "+13055550142"]))
    alice.says("300 found, 1 not in stock")
    alice.follow("Change price", within="#found")
    alice.submit(price="2.50", reason="the list of June")
    alice.says("300 of them will change")
    alice.submit()
    wait_for_job(alice)
    changed = PhoneNumber.objects.filter(price="2.50")
    assert set(changed.values_list("number", flat=True)) == set(factories.line(0, 300))


def test_hold_numbers_for_a_customer(alice: Operator, acme: Api, jobs_worker: None) -> None:
    alice.follow("Paste numbers")
    alice.submit(numbers="\n".join(factories.line(0, 3)))
    alice.follow("Hold for an organization", within="#found")
    alice.choose_by_typing("organization", "Acme Dental")
    alice.submit(reason="they decide next week")
    alice.submit()
    wait_for_job(alice)
    held = PhoneNumber.objects.filter(held_for__name="Acme Dental", held_until__gt=timezone.now())
    assert held.count() == 3


def test_end_a_hold(alice: Operator, acme: Api) -> None:
    hold(acme, *factories.line(0, 3))
    alice.find("(415) 200-0000")
    alice.follow(str(Reservation.objects.get().pk), within=".field-reservation")
    alice.follow("End hold", within=".object-tools")
    alice.submit(reason="they decided")
    assert not PhoneNumber.objects.filter(held_until__gt=timezone.now()).exists()
    assert set(factories.line(0, 3)) <= set(search(acme, area_code="415", quantity=20))


def test_retire_a_number_and_bring_it_back(alice: Operator, acme: Api) -> None:
    number = factories.line(0)[0]
    alice.find(number)
    alice.follow("Retire", within=".object-tools")
    alice.submit(reason="it rings elsewhere")
    assert state_of(number) == "retired"
    # On the page that follows.
    alice.follow("Return to stock", within=".object-tools")
    alice.submit(reason="the carrier mended it")
    assert state_of(number) == "available"


def test_who_had_a_number_on_a_day(alice: Operator, acme: Api) -> None:
    owned(acme, *factories.line(0))
    day = Assignment.objects.get().created_at.date()
    alice.follow("Who had a number?")
    alice.submit(number="415.200.0000", at=f"{day}")
    alice.says(f"On {day} +14152000000 belonged to Acme Dental")
    alice.submit(at=f"{day - timedelta(days=1)}")
    alice.says("No organization had +14152000000")
    alice.finish()
    alice.home()
    alice.find("4152000000")
    alice.follow("Look up", within="#who-had")
    alice.says("belonged to Acme Dental", within="#who-had")


def test_undo_a_release(alice: Operator, acme: Api) -> None:
    number = factories.line(0)[0]
    (number_id,) = owned(acme, number, label="reception")
    assert release(acme, number_id).status_code == 200
    alice.find(number)
    alice.follow("Undo release", within=".object-tools")
    alice.says("label “reception”", within=".desk-explanation")
    alice.submit(reason="their mistake")
    assert db_assertions.owners() == {number: "Acme Dental"}
    assert NumberEvent.objects.latest("id").reason == "their mistake"
    assert acme.get(f"/v1/phone-numbers/{number_id}").json()["data"]["label"] == "reception"
