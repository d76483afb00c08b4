"""The whole tax id of a brand: shown to operators, with a record of who saw it and why."""

from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from campaigns.models import Brand, Event
from campaigns.registry.show_tax_id import show_tax_id
from config.errors import NotFound, ValidationFailed
from tests.support import factories
from tests.support.admin_client import url
from tests.support.submissions import submitted_brand

pytestmark = pytest.mark.django_db

TAX_ID = "123456789"


@pytest.fixture
def brand(api):
    return Brand.objects.get(pk=submitted_brand(api, tax_id="12-3456789")["id"])


def acts(brand):
    found = Event.objects.filter(subject_id=brand.pk, kind="tax_id_shown")
    return list(found.values_list("actor", "reason"))


def test_operator_sees_it_once_and_leaves_a_record(desk, brand):
    page = url(Brand, "change", brand.pk)
    assert TAX_ID not in desk.get(page).content.decode()
    response = desk.post(url(Brand, "operation", brand.pk, "tax-id"), {"reason": "registration"})
    assert TAX_ID in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert acts(brand) == [("operator:alice", "registration")]
    assert TAX_ID not in desk.get(page).content.decode()


def test_command_prints_it_and_leaves_a_record(brand, capsys):
    call_command("show_tax_id", str(brand.pk), reason="registration")
    assert capsys.readouterr().out == f"{TAX_ID}\n"
    assert acts(brand) == [("command:show_tax_id", "registration")]


def test_history_never_has_it(brand):
    show_tax_id(brand_id=brand.pk, actor=factories.actor(), reason="registration")
    assert not [row for row in Event.objects.values() if TAX_ID in str(row)]


def test_no_reason_shows_nothing(brand):
    with pytest.raises(ValidationFailed):
        show_tax_id(brand_id=brand.pk, actor=factories.actor(), reason=" ")
    assert acts(brand) == []


def test_brand_without_a_tax_id_is_not_found(api):
    other = factories.brand(factories.organization())
    for brand_id in (other.pk, uuid4()):
        with pytest.raises(NotFound):
            show_tax_id(brand_id=brand_id, actor=factories.actor(), reason="registration")
        with pytest.raises(CommandError):
            call_command("show_tax_id", str(brand_id), reason="registration")


def test_lost_key_is_named(brand, settings):
    settings.WEBHOOK_SECRET_KEYS = ["x" * 43]
    with pytest.raises(ValidationFailed) as refused:
        show_tax_id(brand_id=brand.pk, actor=factories.actor(), reason="registration")
    assert "WEBHOOK_SECRET_KEYS" in str(refused.value.details)
