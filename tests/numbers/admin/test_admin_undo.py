"""Nothing on the desk is a dead end: each operation says what will happen, does it once, and may refuse."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from config.admin.once import NOT_AGAIN
from numbers.models import CreditEntry, NumberEvent, Order, PhoneNumber, Reservation
from numbers.ownership.release import end_quarantine, retire
from tests.numbers.admin.test_admin_double_submit import Form, send, token_of
from tests.support import db_assertions, factories
from tests.support.admin_client import do, url
from tests.support.api_client import Api
from tests.support.phone_numbers import hold, order_status, owned, release, wait_for
from tests.support.time_travel import let_pass

pytestmark = pytest.mark.django_db(transaction=True)

WHY = {"reason": "ticket 7"}
NUMBER = "+14152000000"


def at(days: int) -> str:
    return f"{timezone.now() + timedelta(days=days):%Y-%m-%d %H:%M}"


def explained(desk: Client, subject: Any, name: str) -> str:
    page = desk.get(url(type(subject), "operation", subject.pk, name))
    assert page.status_code == 200
    return str(page.context["explanation"])


def offered(desk: Client, subject: Any) -> set[str]:
    page = desk.get(url(type(subject), "change", subject.pk))
    return {operation.name for operation in page.context["operations"]}


def errors(page: Any) -> str:
    return str(page.context["form"].errors)


def the_number() -> PhoneNumber:
    return PhoneNumber.objects.get(number=NUMBER)


# --- a waiting order -----------------------------------------------------------------------------


@pytest.fixture
def waiting(api: Api) -> Order:
    return Order.objects.get(pk=wait_for(api, 450, area_code="415", max_price_per_number="1.50"))


def test_waiting_order_is_cancelled_with_a_reason(desk: Client, api: Api, waiting: Order) -> None:
    text = explained(desk, waiting, "cancel")
    assert "450 numbers (area code 415, up to 1.50 USD each)" in text
    do(desk, waiting, "cancel", **WHY)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.closed_by, waiting.closing_note) == (
        "cancelled",
        "operator:alice",
        "ticket 7",
    )
    assert order_status(api, str(waiting.pk))["status"] == "cancelled"
    assert b"ticket 7" not in api.get(f"/v1/phone-numbers/bulk/{waiting.pk}").content
    assert "cancel" not in offered(desk, waiting)


def test_order_that_was_filled_in_the_meantime_is_not_cancelled(
    desk: Client, waiting: Order
) -> None:
    Order.objects.filter(pk=waiting.pk).update(
        status="failed",
        failure_reason="x",
        finished_at=timezone.now(),
        closed_by="system:x",
        closed_in_request="x",
    )
    assert "no longer applies" in do(desk, waiting, "cancel", **WHY).content.decode()


def test_cancel_sent_twice_is_carried_out_once(desk: Client, waiting: Order) -> None:
    form = Form(url(Order, "operation", waiting.pk, "cancel"), WHY)
    token = token_of(desk, form.address)
    first, second = send(desk, form, token), send(desk, form, token)
    assert second["Location"] == first["Location"]
    assert NOT_AGAIN in desk.get(second["Location"]).content.decode()


# --- holds ---------------------------------------------------------------------------------------


@pytest.fixture
def held(api: Api) -> Reservation:
    numbers = factories.stock(*factories.line(0, 3))
    return Reservation.objects.get(pk=hold(api, *numbers)["id"])


def test_hold_is_ended_from_its_page(desk: Client, api: Api, cast: Any, held: Reservation) -> None:
    assert "Owner holds 3 numbers until" in explained(desk, held, "end")
    do(desk, held, "end", **WHY)
    held.refresh_from_db()
    assert held.released_at is not None
    events = NumberEvent.objects.filter(kind="hold_released")
    assert set(events.values_list("actor", "reason")) == {("operator:alice", "ticket 7")}
    owned(api.using(cast.stranger_key), *factories.line(0, 3))
    assert offered(desk, held) == set()


def test_hold_is_moved_from_its_page(desk: Client, api: Api, cast: Any, held: Reservation) -> None:
    do(desk, held, "move", until=at(2), **WHY)
    let_pass(timedelta(days=1))
    assert api.using(cast.stranger_key).order([NUMBER]).status_code == 409
    held.refresh_from_db()
    assert held.expires_at > timezone.now()
    owned(api, *factories.line(0, 3))


@pytest.mark.parametrize("days", [-1, 400])
def test_hold_is_not_moved_into_the_past_or_far_away(
    desk: Client, held: Reservation, days: int
) -> None:
    page = do(desk, held, "move", until=at(days), **WHY)
    assert "must be in the future, within 366 days" in errors(page)


def test_hold_of_one_number_is_ended_and_the_others_stay(
    desk: Client, api: Api, cast: Any, held: Reservation
) -> None:
    number = the_number()
    assert "holds 2 other numbers" in explained(desk, number, "end-hold")
    do(desk, number, "end-hold", **WHY)
    held.refresh_from_db()
    assert held.released_at is None
    stranger = api.using(cast.stranger_key)
    owned(stranger, NUMBER)
    assert stranger.order(factories.line(1)).status_code == 409


def test_last_hold_of_a_reservation_ends_it(desk: Client, held: Reservation) -> None:
    for number in PhoneNumber.objects.all():
        do(desk, number, "end-hold", **WHY)
    held.refresh_from_db()
    assert held.released_at is not None


def test_hold_of_one_number_moves_to_a_reservation_of_its_own(
    desk: Client, held: Reservation
) -> None:
    do(desk, the_number(), "move-hold", until=at(2), **WHY)
    number = the_number()
    assert number.reservation_id != held.pk
    assert (number.reservation.numbers, number.reservation.actor) == ([NUMBER], "operator:alice")
    assert number.held_until == number.reservation.expires_at
    assert PhoneNumber.objects.filter(reservation=held).count() == 2
    event = NumberEvent.objects.get(kind="hold_moved")
    assert event.before["held_until"] < event.after["held_until"]


def test_number_that_is_not_held_offers_no_operation_of_holds(desk: Client, db: None) -> None:
    factories.stock(NUMBER)
    assert not offered(desk, the_number()) & {"end-hold", "move-hold"}
    assert "no longer applies" in do(desk, the_number(), "end-hold", **WHY).content.decode()


# --- releases and retirements --------------------------------------------------------------------


@pytest.fixture
def released(api: Api, cast: Any) -> PhoneNumber:
    campaign = factories.campaign(cast.owner)
    (number,) = factories.stock(NUMBER, price="2.00")
    (number_id,) = owned(api, number, label="support", campaign_id=str(campaign.pk))
    assert release(api, number_id).status_code == 200
    return the_number()


def test_release_is_undone_from_the_page_of_the_number(
    desk: Client, cast: Any, released: PhoneNumber
) -> None:
    text = explained(desk, released, "undo-release")
    for part in (
        "released it from Owner",
        "label “support”",
        "(ACTIVE, brand VERIFIED)",
        "cost 2.00",
    ):
        assert part in text
    do(desk, released, "undo-release", **WHY)
    assert db_assertions.owners() == {NUMBER: "Owner"}
    assert db_assertions.balance(cast.owner) == Decimal("98.00")
    event = NumberEvent.objects.get(kind="release_undone")
    assert (event.actor, event.reason) == ("operator:alice", "ticket 7")
    page = desk.get(url(PhoneNumber, "change", released.pk)).content.decode()
    assert "Release undone" in page


def test_release_of_a_number_sold_early_is_not_undone(
    desk: Client, cast: Any, released: PhoneNumber
) -> None:
    address = url(PhoneNumber, "operation", released.pk, "undo-release")
    token = token_of(desk, address)
    end_quarantine(number_ids=[released.pk], actor=factories.actor(), reason="needed")
    factories.own(cast.stranger, NUMBER)
    page = desk.get(send(desk, Form(address, WHY), token)["Location"])
    assert "no longer applies" in page.content.decode()
    assert db_assertions.owners() == {NUMBER: "Stranger"}


def test_quarantine_without_an_earlier_owner_is_not_undone(desk: Client, db: None) -> None:
    until = timezone.now() + timedelta(days=9)
    factories.stock(NUMBER, status="quarantined", quarantined_until=until)
    page = do(desk, the_number(), "undo-release", **WHY)
    assert "no owner has released it" in errors(page)


def test_retired_number_returns_to_stock_from_its_page(
    desk: Client, api: Api, released: PhoneNumber
) -> None:
    retire(number_ids=[released.pk], actor=factories.actor(), reason="worn out")
    assert "in quarantine until" in explained(desk, released, "restore")
    do(desk, released, "restore", **WHY)
    assert the_number().status == "quarantined"
    assert "undo-release" in offered(desk, released)
    db_assertions.assert_in_order()


def test_operation_without_a_reason_changes_nothing(
    desk: Client, held: Reservation, waiting: Order
) -> None:
    for subject, name in ((held, "end"), (waiting, "cancel"), (the_number(), "end-hold")):
        page = do(desk, subject, name, reason=" ")
        assert "reason" in errors(page)
    assert not NumberEvent.objects.filter(kind="hold_released").exists()


# --- the ledger ----------------------------------------------------------------------------------


def entry(kind: str, owner: Any) -> CreditEntry:
    return CreditEntry.objects.get(kind=kind, account_id=owner.pk)


def test_charge_is_reversed_from_its_page(desk: Client, cast: Any, released: PhoneNumber) -> None:
    charge = entry("charge", cast.owner)
    text = explained(desk, charge, "reverse")
    assert "by an entry of +2.00" in text
    assert "from 98.00 to 100.00. The order keeps its numbers." in text
    do(desk, charge, "reverse", note="goodwill")
    assert db_assertions.balance(cast.owner) == Decimal("100.00")
    reversal = entry("reversal", cast.owner)
    ledger = desk.get(url(CreditEntry, "changelist")).content.decode()
    assert "reverses entry 2" in ledger
    assert "reversed by entry 3" in ledger
    account = desk.get(url(type(charge.account), "change", charge.account_id)).content.decode()
    assert "reverses entry 2" in account
    assert offered(desk, charge) == offered(desk, reversal) == set()


def test_reversal_below_zero_is_refused_with_figures(
    desk: Client, cast: Any, released: PhoneNumber
) -> None:
    top_up = entry("top_up", cast.owner)
    assert "the balance is 98.00, 2.00 too little" in explained(desk, top_up, "reverse")
    page = do(desk, top_up, "reverse", note="bounced")
    assert "2.00 USD are missing" in errors(page)
    assert db_assertions.balance(cast.owner) == Decimal("98.00")


def test_reversed_charge_is_not_revenue(desk: Client, cast: Any, released: PhoneNumber) -> None:
    factories.reverse(cast.owner, kind="charge")
    desk.post("/admin/refresh/")
    from numbers.reports.dashboard import current_figures, refresh_figures

    refresh_figures()
    days = current_figures().panels["days"]["days"]
    assert sum(Decimal(day["revenue"]) for day in days) == 0


def test_undo_says_who_released_and_what_comes_back(desk: Client, api: Api) -> None:
    factories.stock(NUMBER)
    owned(api, NUMBER, inbound_url="https://acme.example/in")
    do(desk, the_number(), "release", reason="asked by mail")
    said = explained(desk, the_number(), "undo-release")
    assert said.partition("operator:alice released it from Owner at ")[1]
    assert "(“asked by mail”)" in said
    back = "inbound URL https://acme.example/in, no status URL, no label, no campaign."
    assert f"With it come back: {back}" in said


def test_undo_says_that_the_customer_released(desk: Client, api: Api) -> None:
    factories.stock(NUMBER)
    (number_id,) = owned(api, NUMBER)
    release(api, number_id)
    assert "key:am_live_" in explained(desk, the_number(), "undo-release").partition(" released")[0]
