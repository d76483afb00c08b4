"""A reason or note typed into an admin form is recorded, on every form (C22)."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone

from apikeys.models import ApiKey
from campaigns.models import Brand, Campaign, Event, Organization
from config.admin.actions import Operation
from config.admin.model_admin import DeskAdmin
from numbers.models import (
    Assignment,
    CreditAccount,
    CreditEntry,
    NumberEvent,
    Order,
    PhoneNumber,
    Reservation,
    StockBatch,
    Webhook,
    WebhookDelivery,
)
from tests.support import factories, webhooks
from tests.support.admin_client import url
from tests.support.api_client import Api
from tests.support.submissions import submitted_brand

pytestmark = pytest.mark.django_db

WORDS = ("reason", "note")
KEPT = (
    (NumberEvent, "reason"),
    (Event, "reason"),
    (CreditEntry, "note"),
    (StockBatch, "note"),
    (Order, "closing_note"),
)


def asks_why(operation: Operation) -> list[str]:
    return [name for name in operation.form_class.base_fields if name in WORDS]


ASKING = [
    (model, operation)
    for model, page in admin.site._registry.items()
    if isinstance(page, DeskAdmin)
    for operation in [*page.operations, *([page.adding] if page.adding else [])]
    if asks_why(operation)
]


def subject_for(model: Any, operation: Operation, owner: Organization) -> Any:
    """A row that the operation applies to."""
    if operation.permission == "add":
        return None
    for make in MAKERS[model]:
        row = make(owner)
        if operation.applies_to(row):
            return row
    raise AssertionError(f"no row for {operation.name}")


def number(status: str) -> Any:
    def make(owner: Organization) -> PhoneNumber:
        ((name,),) = [factories.line(len(status) * 100 + PhoneNumber.objects.count())]
        factories.stock(name, status="retired" if status == "retired" else "available")
        if status == "held":
            factories.hold(owner, name)
        if status in ("assigned", "quarantined"):
            factories.own(owner, name)
        if status == "quarantined":
            assignment = Assignment.objects.get(number__number=name)
            of_owner = Api(factories.key(owner, "numbers:write"))
            answer = of_owner.request("DELETE", f"/v1/phone-numbers/{assignment.pk}")
            assert answer.status_code == 200
        return PhoneNumber.objects.get(number=name)

    return make


def locked(owner: Organization) -> PhoneNumber:
    one = number("assigned")(owner)
    answer = Api(factories.key(owner)).request("PUT", f"/v1/phone-numbers/{one.number}/lock")
    assert answer.status_code == 200
    return one


def suspended(owner: Organization) -> Organization:
    return factories.organization(status="SUSPENDED")


def registered(owner: Organization) -> Brand:
    return Brand.objects.get(pk=submitted_brand(Api(factories.key(owner)))["id"])


def key_of(owner: Organization) -> ApiKey:
    factories.key(owner)
    return ApiKey.objects.latest("id")


def charge(owner: Organization) -> CreditEntry:
    number("assigned")(owner)
    return CreditEntry.objects.get(account_id=owner.pk, kind="charge")


def backorder(owner: Organization) -> Order:
    body = {"quantity": 3, "max_price_per_number": "1.00"}
    of_owner = Api(factories.key(owner, "numbers:write"))
    assert of_owner.post("/v1/phone-numbers/bulk", body).status_code == 202
    return Order.objects.get()


def reservation(owner: Organization) -> Reservation:
    number("held")(owner)
    return Reservation.objects.get()


def webhook(owner: Organization) -> Webhook:
    one, _ = webhooks.endpoint(owner, "https://example.com/hook")
    return one


def disabled(owner: Organization) -> Webhook:
    one = webhook(owner)
    Webhook.objects.filter(pk=one.pk).update(
        status="disabled", disabled_at=Now(), disabled_reason="the endpoint answered 410 Gone"
    )
    one.refresh_from_db()
    return one


MAKERS: dict[Any, list[Any]] = {
    Organization: [lambda owner: owner, suspended],
    Brand: [factories.brand, registered],
    Campaign: [lambda owner: factories.campaign(owner, "PENDING"), factories.campaign],
    ApiKey: [key_of],
    CreditAccount: [lambda owner: owner.credit_account],
    PhoneNumber: [
        *map(number, ("available", "assigned", "quarantined", "held", "retired")),
        locked,
    ],
    CreditEntry: [charge],
    Order: [backorder],
    Reservation: [reservation],
    Webhook: [disabled],
    WebhookDelivery: [lambda owner: webhooks.delivery(webhook(owner))],
}

TOMORROW = f"{timezone.now() + timedelta(days=1):%Y-%m-%d %H:%M}"
VALUES: dict[str, dict[str, Any]] = {
    "top-up": {"amount": "1.00"},
    "correct": {"amount": "-1.00"},
    "limits": {"limit_amount": "5.00", "limit_period": "day"},
    "review": {"status": "ACTIVE", "identity_status": "VETTED_VERIFIED"},
    "price": {"price": "9.00"},
    "monthly-price": {"monthly_price": "9.00"},
    "rent": {"monthly_price": "9.00", "begin": TOMORROW[:10]},
    "capabilities": {"sms_enabled": "off"},
    "hold": {"days": "3"},
    "assign": {},
    "move": {"until": TOMORROW},
    "move-hold": {"until": TOMORROW},
}
ADDED: dict[Any, dict[str, Any]] = {
    Organization: {"name": "Newcomer", "credit": "5.00"},
    PhoneNumber: {"numbers": "+14155550123", "price": "1.00"},
}


@pytest.mark.parametrize(
    ("model", "operation"), ASKING, ids=lambda one: getattr(one, "name", one.__class__.__name__)
)
def test_reason_given_in_a_form_is_recorded(
    desk: Client, cast: Any, model: Any, operation: Operation
) -> None:
    subject = subject_for(model, operation, cast.owner)
    words = {name: f"said as {name}" for name in asks_why(operation)}
    values = ADDED.get(model, {}) if subject is None else VALUES.get(operation.name, {})
    if operation.name in ("hold", "assign"):
        values = {**values, "organization": str(cast.owner.pk)}
    address = (
        url(model, "add")
        if subject is None
        else url(model, "operation", subject.pk, operation.name)
    )
    page = desk.post(address, {**values, **words})
    assert page.status_code == 302 or "secret" in page.context or "tax_id" in page.context
    for said in words.values():
        assert any(kept.objects.filter(**{column: said}).exists() for kept, column in KEPT), said


def test_walk_finds_the_forms() -> None:
    assert {"assign", "hold", "release", "suspend", "top-up", "add"} <= {
        operation.name for _, operation in ASKING
    }
