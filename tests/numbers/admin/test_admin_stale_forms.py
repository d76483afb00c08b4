"""A form that an operator left open undoes no change made since."""

from typing import Any

import pytest
from django.test import Client

from apikeys.models import ApiKey
from campaigns.models import Campaign, Event, Organization
from numbers.models import NumberEvent, PhoneNumber
from tests.support import db_assertions, factories
from tests.support.admin_client import form_of, url
from tests.support.api_client import Api
from tests.support.keys import id_of


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
    sent = {**form_of(desk.get(address)), "reason": "none"}
    page = desk.post(address, sent, follow=True).content.decode()
    assert "Nothing was changed: no field of +14155550123 has a new value." in page
    assert "changed successfully" not in page
    untouched = PhoneNumber.objects.get()
    assert untouched.updated_at == row.updated_at
    assert not NumberEvent.objects.exists()


def test_edit_without_a_reason_is_not_saved(desk: Client, cast: Any) -> None:
    address = url(Organization, "change", cast.owner.pk)
    form = form_of(desk.get(address, {"edit": "yes"}))
    page = desk.post(address, {**form, "name": "Other", "reason": ""})
    assert page.status_code == 200
    assert Organization.objects.filter(name="Owner").exists()


@pytest.mark.parametrize("typed", ["Third", "third"])
def test_column_changed_in_another_tab_is_refused(desk: Client, cast: Any, typed: str) -> None:
    campaign = factories.campaign(cast.owner)
    address = url(Campaign, "change", campaign.pk)
    first, second = form_of(desk.get(address)), form_of(desk.get(address))
    desk.post(address, {**first, "name": "Second", "reason": "typo"})
    sent = {**second, "name": typed, "description": "Reminders", "reason": "mine"}
    page = desk.post(address, sent)
    (error,) = page.context["adminform"].form.errors["name"]
    assert error.startswith("Name was changed by operator:alice at 2")
    assert "It is now “Second”." in error
    campaign.refresh_from_db()
    assert (campaign.name, campaign.description) == ("Second", "")
    again = form_of(page)
    assert (again["name"], again["description"], again["reason"]) == (typed, "Reminders", "mine")
    # The page showed the present value, so its form may replace it.
    assert desk.post(address, shown_again(page)).status_code == 302
    campaign.refresh_from_db()
    assert (campaign.name, campaign.description) == (typed, "Reminders")


def shown_again(page: Any) -> dict[str, Any]:
    """What the browser sends from a form that was refused: its data, with its hidden values."""
    return dict(page.context["adminform"].form.data.items())


def test_same_value_from_two_tabs_is_written_once(desk: Client, cast: Any) -> None:
    campaign = factories.campaign(cast.owner)
    address = url(Campaign, "change", campaign.pk)
    first, second = form_of(desk.get(address)), form_of(desk.get(address))
    desk.post(address, {**first, "name": "Same", "reason": "typo"})
    page = desk.post(address, {**second, "name": "Same", "reason": "typo"}, follow=True)
    assert "Nothing was changed" in page.content.decode()
    assert Event.objects.filter(subject_id=campaign.pk, kind="changed").count() == 1


def test_stale_column_of_every_form_names_who_changed_it(desk: Client, cast: Any) -> None:
    factories.stock("+14155550123")
    key = ApiKey.objects.get(pk=id_of(cast.owner_key))
    for row, column, old, new in (
        (cast.owner, "name", "One", "Two"),
        (factories.brand(cast.owner), "name", "One", "Two"),
        (key, "label", "one", "two"),
        (cast.owner.credit_account, "alert_below", "5.00", "6.00"),
        (PhoneNumber.objects.get(), "carrier", "one", "two"),
    ):
        address = url(type(row), "change", row.pk)
        opened = form_of(desk.get(address, {"edit": "yes"}))
        assert desk.post(address, {**opened, column: old, "reason": "x"}).status_code == 302, row
        page = desk.post(address, {**opened, column: new, "reason": "x"})
        (error,) = page.context["adminform"].form.errors[column]
        assert "was changed by operator:alice at 2" in error, row
        assert f"It is now “{old}”." in error, row
