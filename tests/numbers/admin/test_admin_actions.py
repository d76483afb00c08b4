"""Operations of the admin: each calls the function behind the API and is recorded."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from apikeys.models import ApiKey
from campaigns.models import Brand, Campaign, Event, Organization
from numbers.models import CreditAccount, CreditEntry, NumberEvent, PhoneNumber
from tests.support import db_assertions, factories
from tests.support.admin_client import do, url
from tests.support.api_client import Api
from tests.support.keys import id_of

WHY = {"reason": "ticket 7"}


def last_event(subject: Any) -> Event:
    return Event.objects.filter(subject_id=subject.pk).latest("id")


def test_operator_builds_the_demo_from_an_empty_desk(desk: Client, db: None) -> None:
    desk.post(url(Organization, "add"), {"name": "Acme", "credit": "25.00", "note": "invoice 1"})
    acme = Organization.objects.get(name="Acme")
    assert db_assertions.balance(acme) == Decimal("25.00")
    do(desk, acme.credit_account, "top-up", amount="75.00", note="invoice 2")
    desk.post(url(Brand, "add"), {"organization": acme.pk, "name": "Acme Inc", "status": "ACTIVE"})
    brand = Brand.objects.get()
    do(desk, brand, "review", status="ACTIVE", identity_status="VERIFIED", **WHY)
    desk.post(url(Campaign, "add"), {"brand": brand.pk, "name": "Reminders", "use_case": "2FA"})
    campaign = Campaign.objects.get()
    assert campaign.status == "PENDING"
    do(desk, campaign, "approve")
    page = desk.post(
        url(ApiKey, "add"),
        {"organization": acme.pk, "label": "first", "scopes": ["numbers:write", "numbers:read"]},
    )
    secret = page.context["secret"]
    desk.post(
        url(PhoneNumber, "add"),
        {"area_code": "415", "count": "2", "price": "1.00", "sms_enabled": "on"},
    )
    numbers = list(PhoneNumber.objects.values_list("number", flat=True))

    answer = Api(secret).order(numbers, campaign_id=str(campaign.pk))

    assert answer.status_code == 200
    assert db_assertions.balance(acme) == Decimal("98.00")
    db_assertions.assert_in_order()


def test_operation_is_recorded_with_operator_request_and_reason(
    desk: Client,
    cast: Any,
) -> None:
    response = desk.post(url(Organization, "operation", cast.owner.pk, "suspend"), WHY)
    event = last_event(cast.owner)
    assert (event.kind, event.actor, event.reason) == ("suspended", "operator:alice", "ticket 7")
    assert event.request_id == response["X-Request-Id"]
    assert (event.before, event.after) == ({"status": "ACTIVE"}, {"status": "SUSPENDED"})


def test_suspension_stops_the_keys_and_restoring_starts_them(
    desk: Client,
    api: Api,
    cast: Any,
) -> None:
    one, other = factories.stock(*factories.line(1, 2))
    assert api.order([one]).status_code == 200
    do(desk, cast.owner, "suspend", **WHY)
    assert api.order([other]).status_code == 401
    assert db_assertions.owners() == {one: "Owner"}
    do(desk, cast.owner, "restore", **WHY)
    assert api.order([other]).status_code == 200


def test_operation_without_a_reason_is_refused(desk: Client, cast: Any) -> None:
    page = do(desk, cast.owner, "suspend", reason=" ")
    assert "reason" in page.context["form"].errors
    cast.owner.refresh_from_db()
    assert cast.owner.status == "ACTIVE"


def test_campaign_is_rejected_with_a_reason_and_approved_later(
    desk: Client,
    cast: Any,
) -> None:
    campaign = factories.campaign(cast.owner, "PENDING")
    do(desk, campaign, "reject", reason="no opt-out")
    campaign.refresh_from_db()
    assert (campaign.status, campaign.status_reason) == ("REJECTED", "no opt-out")
    do(desk, campaign, "approve")
    campaign.refresh_from_db()
    assert (campaign.status, campaign.status_reason) == ("ACTIVE", "")
    do(desk, campaign, "expire")
    campaign.refresh_from_db()
    assert campaign.status == "EXPIRED"


def test_operation_that_no_longer_applies_is_refused(desk: Client, cast: Any) -> None:
    campaign = factories.campaign(cast.owner, "ACTIVE")
    page = do(desk, campaign, "approve")
    assert "no longer applies" in page.content.decode()
    assert not Event.objects.filter(subject_id=campaign.pk).exists()


def test_keys_secret_is_shown_once_and_no_cache_keeps_it(desk: Client, cast: Any) -> None:
    page = desk.post(
        url(ApiKey, "add"),
        {"organization": cast.owner.pk, "label": "new", "scopes": ["numbers:read"]},
    )
    secret = page.context["secret"]
    assert secret in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    key = ApiKey.objects.get(label="new")
    assert secret not in desk.get(url(ApiKey, "change", key.pk)).content.decode()
    assert last_event(key).actor == "operator:alice"


def test_key_is_rotated_and_revoked(desk: Client, cast: Any) -> None:
    key = ApiKey.objects.get(pk=id_of(cast.owner_key))
    page = do(desk, key, "rotate", **WHY)
    fresh = page.context["secret"]
    assert Api(cast.owner_key).order(["+14155550123"]).status_code == 401
    assert Api(fresh).order(["+14155550123"]).status_code == 409
    do(desk, key, "revoke", **WHY)
    assert Api(fresh).order(["+14155550123"]).status_code == 401
    assert last_event(key).reason == "ticket 7"


def test_key_with_a_past_expiry_is_refused(desk: Client, cast: Any) -> None:
    page = desk.post(
        url(ApiKey, "add"),
        {
            "organization": cast.owner.pk,
            "label": "old",
            "scopes": ["numbers:read"],
            "expires_at_0": "2020-01-01",
            "expires_at_1": "00:00",
        },
    )
    assert "expires_at" in page.context["form"].errors


def test_credit_is_corrected_but_never_below_zero(desk: Client, cast: Any) -> None:
    account = CreditAccount.objects.get(organization=cast.owner)
    page = do(desk, account, "correct", amount="-100.01", note="oops")
    assert "below zero" in page.content.decode()
    do(desk, account, "correct", amount="-40.00", note="entered twice")
    assert db_assertions.balance(cast.owner) == Decimal("60.00")
    entry = CreditEntry.objects.latest("id")
    assert (entry.kind, entry.actor, entry.note) == (
        "correction",
        "operator:alice",
        "entered twice",
    )
    db_assertions.assert_in_order()


def test_duplicate_organization_name_is_refused_at_the_field(desk: Client, cast: Any) -> None:
    name = cast.owner.name.upper()
    page = desk.post(url(Organization, "add"), {"name": name, "credit": "0.00"})
    assert "name" in page.context["form"].errors


def test_pasted_numbers_are_added_whole_or_not_at_all(desk: Client, db: None) -> None:
    factories.stock("+14155550100")
    add = {"price": "2.00", "sms_enabled": "on", "note": "from Bandwidth"}
    refusals = {
        "+14155550101\n+14155550100": "are in stock already: +14155550100",
        "+14155550101\n+14155550101": "is listed twice",
        "+14155550101\nabc": "line 2: &#x27;abc&#x27; is not a phone number",
        "+19995550101": "no such number is in service",
        "": "Give either numbers or an area code",
    }
    for numbers, sentence in refusals.items():
        assert (
            sentence
            in desk.post(url(PhoneNumber, "add"), {**add, "numbers": numbers}).content.decode()
        )
    assert PhoneNumber.objects.count() == 1
    desk.post(url(PhoneNumber, "add"), {**add, "numbers": "+14155550101 +18885550101"})
    local, toll_free = PhoneNumber.objects.exclude(number="+14155550100").order_by("number")
    assert (local.number_type, local.region, local.mms_enabled) == ("local", "US-CA", False)
    assert (toll_free.number_type, toll_free.area_code) == ("toll_free", "888")
    batch = local.batch
    assert (batch.source, batch.actor, batch.note) == (
        "operator",
        "operator:alice",
        "from Bandwidth",
    )


def test_price_change_applies_to_the_next_sale_and_is_recorded(desk: Client, api: Api) -> None:
    (number,) = factories.stock("+14155550123")
    row = PhoneNumber.objects.get(number=number)
    do(desk, row, "price", price="2.50", **WHY)
    event = NumberEvent.objects.latest("id")
    assert (event.kind, event.actor, event.reason) == ("priced", "operator:alice", "ticket 7")
    assert (event.before, event.after) == ({"price": "1.00"}, {"price": "2.50"})
    do(desk, row, "price", price="2.50", **WHY)
    assert NumberEvent.objects.count() == 1
    assert api.order([number]).status_code == 200
    assert db_assertions.charges(Organization.objects.get(name="Owner")) == [Decimal("2.50")]


def test_sms_and_mms_are_switched(desk: Client, db: None) -> None:
    factories.stock("+14155550123")
    row = PhoneNumber.objects.get()
    do(desk, row, "capabilities", sms_enabled="on", mms_enabled="off", **WHY)
    row.refresh_from_db()
    assert (row.sms_enabled, row.mms_enabled) == (True, False)
    event = NumberEvent.objects.get()
    assert event.before == {"sms_enabled": True, "mms_enabled": True}
    assert event.after == {"sms_enabled": True, "mms_enabled": False}


def test_viewer_can_run_no_operation(cast: Any) -> None:
    support = User.objects.create_user("bob", is_staff=True)
    support.user_permissions.add(*Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(support)
    page = client.get(url(Organization, "change", cast.owner.pk))
    assert page.status_code == 200
    assert page.context["operations"] == []
    assert (
        client.post(url(Organization, "operation", cast.owner.pk, "suspend"), WHY).status_code
        == 403
    )
    assert client.post(url(Organization, "add"), {"name": "X", "credit": "0"}).status_code == 403
    assert (
        client.post(url(Organization, "change", cast.owner.pk), {"name": "X", **WHY}).status_code
        == 403
    )


@pytest.mark.parametrize("name", ["nonsense", "add"])
def test_unknown_operation_is_404(desk: Client, cast: Any, name: str) -> None:
    assert desk.post(url(Organization, "operation", cast.owner.pk, name), WHY).status_code == 404
