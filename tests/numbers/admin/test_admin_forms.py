"""Every form of an operation marks what it requires, and names the fields that have an error."""

import re
from typing import Any

import pytest
from django import forms
from django.contrib import admin

from campaigns.models import Brand, Organization
from config.admin.actions import Operation, mark_required, page_of
from numbers.admin.bulk_action_forms import FORMS, BulkActionForm
from numbers.bulk_actions.actions import BULK_ACTIONS
from numbers.bulk_actions.job import choose
from numbers.models import CreditAccount, PhoneNumber
from tests.support import factories
from tests.support.admin_client import url

pytestmark = pytest.mark.django_db
KEY = "/admin/apikeys/apikey/add/"


def operations() -> list[tuple[Any, Operation]]:
    found = []
    for model_admin in admin.site._registry.values():
        for one in getattr(model_admin, "operations", []):
            found.append((model_admin, one))
        adding = getattr(model_admin, "adding", None)
        if adding is not None:
            found.append((model_admin, adding))
    return found


def form_classes() -> list[type[forms.Form]]:
    known = [operation.form_class for _, operation in operations()]
    return sorted({*known, *FORMS.values(), BulkActionForm}, key=lambda one: one.__name__)


@pytest.mark.parametrize("form_class", form_classes(), ids=lambda one: one.__name__)
def test_form_marks_its_required_fields_and_no_others(form_class):
    form = mark_required(form_class())
    marked = {
        field.name for field in form.visible_fields() if 'class="required"' in field.label_tag()
    }
    assert marked == {name for name, field in form.fields.items() if field.required}


@pytest.mark.parametrize("form_class", form_classes(), ids=lambda one: one.__name__)
def test_amount_with_a_comma_is_refused_not_read(form_class):
    amounts = [
        name for name, field in form_class().fields.items() if isinstance(field, forms.DecimalField)
    ]
    form = form_class(dict.fromkeys(amounts, "100,50"))
    for name in amounts:
        assert 'type="text"' in str(form[name]), "Chromium's number field drops the comma"
        assert "such as 1250.00" in form.errors[name][0]


def test_editable_amount_is_typed_as_text(desk, cast):
    page = desk.get(url(CreditAccount, "change", cast.owner.pk)).content.decode()
    assert re.search(r'<input type="text" name="alert_below"[^>]* inputmode="decimal"', page)


def test_pages_of_operations_mark_the_reason(desk, cast):
    brand = factories.brand(cast.owner)
    review = url(Brand, "operation", brand.pk, "review")
    suspend = url(Organization, "operation", cast.owner.pk, "suspend")
    (number,) = factories.stock("+14155550101")
    price = url(PhoneNumber, "operation", PhoneNumber.objects.get(number=number).pk, "price")
    for address in (review, suspend, price):
        page = desk.get(address).content.decode()
        assert re.search(
            r'<label class="required" for="id_reason"|for="id_reason" class="req', page
        )
        assert re.search(r'<input[^>]*name="reason"[^>]* required', page)


def test_bulk_action_marks_the_reason(desk, cast):
    factories.stock("+14155550101")
    job = choose(PhoneNumber.objects.all(), action=BULK_ACTIONS["price"], actor=factories.actor())
    page = desk.get(f"/admin/numbers/phonenumber/bulk-action/{job.pk}/").content.decode()
    assert len(re.findall(r"<label[^>]*class=\"required\"", page)) == 2


def test_form_of_a_key_marks_label_and_scopes(desk):
    page = desk.get(KEY).content.decode()
    marked = re.findall(r"<label([^>]*)>([^<:]+):</label>", page)
    assert {text for attributes, text in marked if "required" in attributes} == {"Label", "Scopes"}


def test_error_is_named_above_the_form_with_a_link(desk, cast):
    said = {
        "organization": cast.owner.pk,
        "label": "x",
        "scopes": "numbers:read",
        "limit_amount": "5",
    }
    page = desk.post(KEY, said).content.decode()
    summary = page[page.index('id="form-errors"') : page.index('id="operation_form"') + 900]
    assert '<a href="#id_limit_period">Period of the limit</a>: Choose how often' in summary
    assert 'id="id_limit_period"' in page


def test_errors_of_checkboxes_link_to_their_group(desk):
    page = desk.post(KEY, {"label": "x"}).content.decode()
    assert '<a href="#id_scopes">Scopes</a>: This field is required.' in page
    assert 'id="id_scopes"' in page


def test_customer_is_not_offered_scopes_of_the_platform(desk, cast):
    page = desk.get(KEY, {"organization": cast.owner.pk}).content.decode()
    assert "Everything of the platform" not in page
    assert "platform:credit" not in page
    assert "Everything of a customer" in page
    assert "Everything of the platform" in desk.get(KEY).content.decode()


def test_scope_that_is_refused_is_named_as_on_the_form(desk, cast):
    said = {"organization": cast.owner.pk, "label": "x", "scopes": ["platform:credit"]}
    page = desk.post(KEY, said).content.decode()
    assert "Only a platform key can have “Top up and correct credit”" in page
    assert re.search(r'value="platform:credit"[^>]*checked', page)


def test_bulk_action_without_effect_says_why_and_asks_nothing(desk, cast):
    factories.own(cast.owner, *factories.stock("+14155550101"))
    job = choose(PhoneNumber.objects.all(), action=BULK_ACTIONS["retire"], actor=factories.actor())
    page = desk.get(f"/admin/numbers/phonenumber/bulk-action/{job.pk}/").content.decode()
    assert "None of them will change: Retire applies to numbers that are" in page
    assert 'name="reason"' not in page


def test_preview_offers_to_edit_and_back_leads_to_the_list(desk, cast):
    factories.stock("+14155550101")
    listed = f"{url(PhoneNumber, 'changelist')}?area_code=415"
    chosen = {"action": "price", "_selected_action": PhoneNumber.objects.get().pk}
    response = desk.post(listed, chosen)
    page = desk.get(response["Location"]).content.decode()
    assert f'href="{listed}">Back' in page
    said = {"price": "2.00", "reason": "cheaper"}
    preview = desk.post(response["Location"], said).content.decode()
    assert ">Edit</a>" in preview
    assert ">Change</a>" not in preview


def test_back_of_a_top_up_leads_where_one_came_from(desk, cast):
    account = CreditAccount.objects.get(pk=cast.owner.pk)
    owner = page_of(cast.owner)
    address = f"{url(CreditAccount, 'operation', account.pk, 'top-up')}?back={owner}"
    assert f'<a href="{owner}" class="closelink">Back</a>' in desk.get(address).content.decode()
    said = {"amount": "5", "note": "invoice"}
    assert desk.post(address, said)["Location"] == owner
