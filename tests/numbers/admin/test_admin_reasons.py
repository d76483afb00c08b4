"""A reason or note typed into an admin form is recorded, on every form (C22)."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from apikeys.models import ApiKey
from campaigns.models import Brand, Campaign, Event, Organization
from config.admin.actions import Operation
from config.admin.model_admin import DeskAdmin
from numbers.models import CreditAccount, CreditEntry, NumberEvent, PhoneNumber, StockBatch
from tests.support import factories
from tests.support.admin_client import url

pytestmark = pytest.mark.django_db

WORDS = ("reason", "note")
KEPT = ((NumberEvent, "reason"), (Event, "reason"), (CreditEntry, "note"), (StockBatch, "note"))


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
        factories.stock(name)
        if status != "available":
            factories.own(owner, name)
        if status == "quarantined":
            factories.release(name, until="2100-01-01T00:00Z")
        return PhoneNumber.objects.get(number=name)

    return make


def suspended(owner: Organization) -> Organization:
    return factories.organization(status="SUSPENDED")


def key_of(owner: Organization) -> ApiKey:
    factories.key(owner)
    return ApiKey.objects.latest("id")


MAKERS: dict[Any, list[Any]] = {
    Organization: [lambda owner: owner, suspended],
    Brand: [factories.brand],
    Campaign: [lambda owner: factories.campaign(owner, "PENDING"), factories.campaign],
    ApiKey: [key_of],
    CreditAccount: [lambda owner: owner.credit_account],
    PhoneNumber: [number("available"), number("assigned"), number("quarantined")],
}

VALUES: dict[str, dict[str, Any]] = {
    "top-up": {"amount": "1.00"},
    "correct": {"amount": "-1.00"},
    "review": {"status": "ACTIVE", "identity_status": "VETTED_VERIFIED"},
    "price": {"price": "9.00"},
    "capabilities": {"sms_enabled": "off"},
    "hold": {"days": "3"},
    "assign": {},
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
    assert page.status_code == 302 or "secret" in page.context
    for said in words.values():
        assert any(kept.objects.filter(**{column: said}).exists() for kept, column in KEPT), said


def test_walk_finds_the_forms() -> None:
    assert {"assign", "hold", "release", "suspend", "top-up", "add"} <= {
        operation.name for _, operation in ASKING
    }
