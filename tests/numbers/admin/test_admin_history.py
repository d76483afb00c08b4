"""Pages of history: numbers and customers by name, what changed in words, everything linked."""

from typing import Any

import pytest
from django.test import Client

from campaigns.history import record
from campaigns.models import Event, Organization
from config.admin.actions import page_of
from numbers.models import Assignment, IdempotencyRecord, NumberEvent, Order, PhoneNumber
from tests.support import factories
from tests.support.admin_client import do, url
from tests.support.api_client import Api
from tests.support.keys import id_of

pytestmark = pytest.mark.django_db

NUMBER = "+14155550100"


@pytest.fixture
def sold(api: Api) -> PhoneNumber:
    assert api.order(factories.stock(NUMBER)).status_code == 200
    return PhoneNumber.objects.get()


def html_of(desk: Client, row: Any) -> str:
    page = desk.get(page_of(row))
    assert page.status_code == 200
    return str(page.content.decode())


def link_to(row: Any, text: str) -> str:
    return f'<a href="{page_of(row)}">{text}</a>'


def test_change_of_a_number_names_and_links_what_it_concerns(
    desk: Client, cast: Any, sold: PhoneNumber
) -> None:
    html = html_of(desk, NumberEvent.objects.get(kind="assigned"))
    for row, text in (
        (sold, NUMBER),
        (cast.owner, str(cast.owner)),
        (Order.objects.get(), str(Order.objects.get())),
        (Assignment.objects.get(), str(Assignment.objects.get().pk)),
    ):
        assert link_to(row, text) in html
    assert f"<h2>{NUMBER}: Assigned</h2>" in html
    assert "status: available → assigned" in html
    assert "{" not in html.partition('class="readonly"')[2].partition("</fieldset>")[0]


def test_change_of_a_campaign_is_shown_by_the_names_of_both(desk: Client, api: Api, cast: Any):
    factories.stock(NUMBER)
    first, second = factories.campaign(cast.owner), factories.campaign(cast.owner)
    owned = api.order([NUMBER], campaign_id=str(first.pk)).json()["data"][0]["id"]
    api.post(f"/v1/phone-numbers/{owned}/campaign", {"campaign_id": str(second.pk)})
    shown = f"campaign: {link_to(first, str(first))} → {link_to(second, str(second))}"
    event = NumberEvent.objects.get(kind="routed")
    for page in (page_of(event), page_of(PhoneNumber.objects.get())):
        assert shown in desk.get(page).content.decode()
    assert shown in desk.get(url(NumberEvent, "changelist")).content.decode()


def test_history_of_numbers_shows_and_finds_numbers(desk: Client, sold: PhoneNumber) -> None:
    factories.stock("+14155550199")
    other = PhoneNumber.objects.get(number="+14155550199")
    do(desk, other, "price", price="2.25", reason="vanity")
    page = url(NumberEvent, "changelist")
    html = desk.get(page).content.decode()
    assert link_to(sold, NUMBER) in html
    assert "price: 1.00 → 2.25" in html
    priced = NumberEvent.objects.get(kind="priced")
    for typed in ("(415) 555-0199", "+14155550199", str(other.pk), priced.request_id):
        found = desk.get(page, {"q": typed}).context["cl"].result_list
        assert [event.pk for event in found] == [priced.pk], typed
    for typed in ("+14155550198", "9" * 30, "nothing"):
        assert desk.get(page, {"q": typed}).context["cl"].result_list == []


@pytest.mark.parametrize(
    "name", ["owner", "campaign", "key"], ids=["organization", "campaign", "key"]
)
def test_change_of_a_customer_names_and_links_its_subject(
    desk: Client, cast: Any, name: str
) -> None:
    from apikeys.models import ApiKey

    subject = {
        "owner": cast.owner,
        "campaign": factories.campaign(cast.owner),
        "key": ApiKey.objects.get(pk=id_of(cast.owner_key)),
    }[name]
    actor = factories.actor()
    event = record(subject, "changed", actor=actor, before={"name": "a"}, after={"name": "b"})
    html = html_of(desk, event)
    assert link_to(subject, str(subject)) in html
    assert link_to(cast.owner, str(cast.owner)) in html
    assert "name: a → b" in html
    assert f"changed: {subject}</h2>" in html
    assert link_to(subject, str(subject)) in desk.get(url(Event, "changelist")).content.decode()


def test_change_of_what_is_gone_is_shown_by_its_id(desk: Client, cast: Any) -> None:
    event = record(factories.campaign(cast.owner), "created", actor=factories.actor())
    gone = Event.objects.create(
        organization_id=cast.owner.pk,
        subject=Event.Subject.WEBHOOK,
        subject_id=event.subject_id,
        kind="created",
        actor=event.actor,
        request_id=event.request_id,
    )
    assert f"Webhook …{str(gone.subject_id)[-8:]}" in html_of(desk, gone)


def test_remembered_response_names_its_customer_and_order(desk: Client, api: Api, cast: Any):
    api.order(factories.stock(NUMBER), headers={"Idempotency-Key": "mine"})
    html = html_of(desk, IdempotencyRecord.objects.get())
    assert link_to(cast.owner, str(cast.owner)) in html
    assert link_to(Order.objects.get(), str(Order.objects.get())) in html
    assert "&quot;data&quot;: [\n" in html
    listed = desk.get(url(IdempotencyRecord, "changelist")).content.decode()
    assert link_to(Organization.objects.get(pk=cast.owner.pk), str(cast.owner)) in listed
