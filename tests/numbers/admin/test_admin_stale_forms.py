"""A form that an operator left open undoes no change made since."""

from typing import Any

from django.test import Client

from campaigns.models import Campaign, Event, Organization
from numbers.models import NumberEvent, PhoneNumber
from tests.support import db_assertions, factories
from tests.support.admin_client import form_of, url
from tests.support.api_client import Api


def test_number_stays_sold_when_sold_while_its_form_was_open(desk: Client, api: Api) -> None:
    (number,) = factories.stock("+14155550123")
    row = PhoneNumber.objects.get()
    address = url(PhoneNumber, "change", row.pk)
    left_open = form_of(desk.get(address))
    assert api.order([number]).status_code == 200
    sent = {
        **left_open,
        "carrier": "Bandwidth",
        "reason": "ported in",
        "status": "available",
        "price": "0.00",
    }

    assert desk.post(address, sent).status_code == 302

    row.refresh_from_db()
    assert (row.status, row.carrier, str(row.price)) == ("assigned", "Bandwidth", "1.00")
    assert db_assertions.owners() == {number: "Owner"}
    db_assertions.assert_in_order()
    event = NumberEvent.objects.latest("id")
    assert (event.kind, event.actor, event.reason) == ("changed", "operator:alice", "ported in")
    assert (event.before, event.after) == ({"carrier": ""}, {"carrier": "Bandwidth"})


def test_edits_of_different_fields_are_both_kept(desk: Client, cast: Any) -> None:
    campaign = factories.campaign(cast.owner)
    address = url(Campaign, "change", campaign.pk)
    first, second = form_of(desk.get(address)), form_of(desk.get(address))
    desk.post(address, {**first, "name": "Renamed", "reason": "typo"})
    desk.post(address, {**second, "description": "Reminders", "reason": "fuller"})
    campaign.refresh_from_db()
    assert (campaign.name, campaign.description) == ("Renamed", "Reminders")
    assert [
        event.after
        for event in Event.objects.filter(subject_id=campaign.pk, kind="changed").order_by("id")
    ] == [
        {"name": "Renamed"},
        {"description": "Reminders"},
    ]


def test_organization_stays_suspended_when_its_form_was_open(
    desk: Client,
    cast: Any,
) -> None:
    address = url(Organization, "change", cast.owner.pk)
    left_open = form_of(desk.get(address, {"edit": "yes"}))
    desk.post(url(Organization, "operation", cast.owner.pk, "suspend"), {"reason": "fraud"})
    desk.post(
        address, {**left_open, "name": "Owner & Sons", "status": "ACTIVE", "reason": "new name"}
    )
    cast.owner.refresh_from_db()
    assert (cast.owner.name, cast.owner.status) == ("Owner & Sons", "SUSPENDED")


def test_saving_without_a_change_writes_nothing(desk: Client, db: None) -> None:
    factories.stock("+14155550123")
    row = PhoneNumber.objects.get()
    address = url(PhoneNumber, "change", row.pk)
    assert desk.post(address, {**form_of(desk.get(address)), "reason": "none"}).status_code == 302
    untouched = PhoneNumber.objects.get()
    assert untouched.updated_at == row.updated_at
    assert not NumberEvent.objects.exists()


def test_edit_without_a_reason_is_not_saved(desk: Client, cast: Any) -> None:
    address = url(Organization, "change", cast.owner.pk)
    form = form_of(desk.get(address, {"edit": "yes"}))
    page = desk.post(address, {**form, "name": "Other", "reason": ""})
    assert page.status_code == 200
    assert Organization.objects.filter(name="Owner").exists()
