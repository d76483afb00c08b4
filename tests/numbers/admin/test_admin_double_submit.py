"""An admin form that is sent twice is carried out once (C17)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from apikeys.models import ApiKey
from campaigns.models import Brand, Campaign, Organization
from config.admin import once
from config.admin.models import SubmittedForm
from config.admin.once import FIELD, NOT_AGAIN
from numbers.models import CreditAccount, CreditEntry, PhoneNumber
from numbers.ownership.release import release, retire
from numbers.verification.run import verify_inventory
from tests.support import admin_pages, factories
from tests.support.admin_client import url
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = re.compile(rf'name="{FIELD}" value="([0-9a-f-]{{36}})"')
NOT_COUNTED = {"sessions.Session", "desk.SubmittedForm", "axes.AccessAttempt"}


@dataclass
class Form:
    """Where a form is, and what to send."""

    address: str
    values: dict[str, Any] = field(default_factory=dict)
    # Where it is sent to, if not to its own page.
    to: str = ""


def operation(subject: Any, name: str, **values: Any) -> Form:
    return Form(url(type(subject), "operation", subject.pk, name), values)


def number_of_stock() -> PhoneNumber:
    (name,) = factories.stock(*factories.line(PhoneNumber.objects.count() + 1))
    return PhoneNumber.objects.get(number=name)


def sold_number(owner: Organization) -> PhoneNumber:
    number = number_of_stock()
    factories.own(owner, number.number)
    return number


def held(owner: Organization) -> PhoneNumber:
    number = number_of_stock()
    factories.hold(owner, number.number)
    return PhoneNumber.objects.get(pk=number.pk)


def retired() -> PhoneNumber:
    number = number_of_stock()
    retire(number_ids=[number.pk], actor=factories.actor(), reason="worn out")
    return number


def given_back(owner: Organization) -> PhoneNumber:
    number = number_of_stock()
    factories.own(owner, number.number)
    assignment = number.assignments.get()
    release(assignment_id=assignment.pk, organization_id=owner.pk, actor=factories.actor())
    return number


NEXT_WEEK = f"{timezone.now() + timedelta(days=7):%Y-%m-%d %H:%M}"


def live_key(owner: Organization) -> ApiKey:
    factories.key(owner)
    return ApiKey.objects.latest("id")


def bulk_action(owner: Organization) -> Form:
    values = {"action": "price", "_selected_action": number_of_stock().pk, "index": "0"}
    return Form(url(PhoneNumber, "changelist"), values)


def user_form(owner: Organization) -> Form:
    secret = "correct horse battery staple"
    values = {
        "username": "newcomer",
        "usable_password": "true",
        "password1": secret,
        "password2": secret,
    }
    return Form(url(User, "add"), values)


def renaming(owner: Organization) -> Form:
    values = {"name": "Renamed", "initial-name": owner.name, "reason": "merger"}
    return Form(url(Organization, "change", owner.pk), values)


FORMS: dict[str, Callable[[Organization], Form]] = {
    "top up": lambda owner: operation(
        owner.credit_account, "top-up", amount="7.00", note="invoice 7"
    ),
    "correct": lambda owner: operation(
        owner.credit_account, "correct", amount="-7.00", note="invoice 7"
    ),
    "new organization": lambda owner: Form(
        url(Organization, "add"), {"name": "New", "credit": "5.00", "note": "n"}
    ),
    "rename organization": renaming,
    "suspend": lambda owner: operation(owner, "suspend", reason="unpaid"),
    "new brand": lambda owner: Form(
        url(Brand, "add"), {"organization": owner.pk, "name": "B", "status": "ACTIVE"}
    ),
    "new campaign": lambda owner: Form(
        url(Campaign, "add"), {"brand": factories.brand(owner).pk, "name": "C"}
    ),
    "new key": lambda owner: Form(
        url(ApiKey, "add"), {"organization": owner.pk, "label": "k", "scopes": ["numbers:read"]}
    ),
    "rotate key": lambda owner: operation(live_key(owner), "rotate", reason="leaked"),
    "paste numbers": lambda owner: Form(
        url(PhoneNumber, "add"), {"numbers": "+14155550123", "price": "1.00"}
    ),
    "seed numbers": lambda owner: Form(
        url(PhoneNumber, "add"), {"area_code": "415", "count": "5", "price": "1.00"}
    ),
    "assign": lambda owner: operation(
        number_of_stock(), "assign", organization=owner.pk, reason="by phone"
    ),
    "hold": lambda owner: operation(
        number_of_stock(), "hold", organization=owner.pk, days="3", reason="by phone"
    ),
    "reverse": lambda owner: operation(
        CreditEntry.objects.get(account=owner.credit_account), "reverse", note="twice"
    ),
    "end hold": lambda owner: operation(held(owner).reservation, "end", reason="by phone"),
    "move hold": lambda owner: operation(
        held(owner).reservation, "move", until=NEXT_WEEK, reason="by phone"
    ),
    "end hold of a number": lambda owner: operation(held(owner), "end-hold", reason="by phone"),
    "move hold of a number": lambda owner: operation(
        held(owner), "move-hold", until=NEXT_WEEK, reason="by phone"
    ),
    "undo release": lambda owner: operation(given_back(owner), "undo-release", reason="by phone"),
    "return to stock": lambda owner: operation(retired(), "restore", reason="by phone"),
    "price": lambda owner: operation(number_of_stock(), "price", price="3.00", reason="vanity"),
    "monthly price": lambda owner: operation(
        number_of_stock(), "monthly-price", monthly_price="3.00", reason="rented"
    ),
    "rent": lambda owner: operation(
        sold_number(owner), "rent", monthly_price="3.00", begin=NEXT_WEEK[:10], reason="notice"
    ),
    "bulk action": bulk_action,
    "upload": lambda owner: Form("/admin/imports/", {"file": b"+14155550123\n"}),
    "count": lambda owner: Form("/admin/", to="/admin/refresh/"),
    "new operator": user_form,
    "new role": lambda owner: Form(url(Group, "add"), {"name": "Night shift"}),
}


@pytest.fixture
def owner(db: None) -> Organization:
    return factories.organization("Acme")


@pytest.fixture(autouse=True)
def one_who_counts_later(operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator exists before rows are counted; the home page's figures are counted by a job, as in a large desk."""
    monkeypatch.setattr("numbers.admin.dashboard.counts_at_once", lambda: False)


def token_of(desk: Client, address: str) -> str:
    found = TOKEN.search(desk.get(address).content.decode())
    assert found, f"{address} has no token"
    return found[1]


def send(desk: Client, form: Form, token: str) -> Any:
    """Post the form, a file as a file."""
    values = {
        name: _file(value) if isinstance(value, bytes) else value
        for name, value in form.values.items()
    }
    return desk.post(form.to or form.address, {**values, FIELD: token})


def _file(content: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("stock.csv", content)


def rows() -> dict[str, int]:
    """How many rows each table has."""
    models = [
        model
        for model in apps.get_models()
        if model._meta.label not in NOT_COUNTED and model._meta.managed
    ]
    return {model._meta.label: model._default_manager.count() for model in models}


@pytest.mark.parametrize("name", FORMS)
def test_form_sent_twice_is_carried_out_once(desk: Client, owner: Organization, name: str) -> None:
    form = FORMS[name](owner)
    token, before = token_of(desk, form.address), rows()
    first = send(desk, form, token)
    assert first.status_code == 302 or "secret" in first.context, first.context["errors"]
    after = rows()
    assert after != before
    second = send(desk, form, token)
    assert second.status_code == 302
    assert first.status_code == 200 or second["Location"] == first["Location"]
    assert NOT_AGAIN in desk.get(second["Location"]).content.decode()
    assert rows() == after
    assert all(finding.holds for finding in verify_inventory())


@pytest.mark.parametrize("name", FORMS)
def test_form_sent_twice_concurrently_is_carried_out_once(
    operator: User, owner: Organization, name: str
) -> None:
    form, clients = FORMS[name](owner), [Client(), Client()]
    for client in clients:
        client.force_login(operator)
    token, before = token_of(clients[0], form.address), rows()
    first, second = at_once([lambda client=client: send(client, form, token) for client in clients])
    assert {first.status_code, second.status_code} <= {200, 302}
    together = rows()
    assert SubmittedForm.objects.count() == 1
    assert together != before
    grown = {
        label: together[label] - before[label]
        for label in together
        if together[label] != before[label]
    }
    assert max(grown.values()) <= (5 if name == "seed numbers" else 1), grown


@pytest.mark.parametrize("name", ["top up", "seed numbers", "upload"])
def test_form_without_its_token_is_done_twice(
    desk: Client, owner: Organization, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The negative control: it is the token that holds."""
    form = FORMS[name](owner)
    monkeypatch.setattr(once, "_token_of", lambda request: None)
    token, before = token_of(desk, form.address), rows()
    send(desk, form, token)
    after = rows()
    send(desk, form, token)
    assert after != before
    assert rows() != after


def test_two_pages_of_a_form_have_separate_tokens(desk: Client, owner: Organization) -> None:
    account = owner.credit_account
    for amount in ("7.00", "8.00"):
        form = operation(account, "top-up", amount=amount, note="invoices")
        assert send(desk, form, token_of(desk, form.address)).status_code == 302
    account.refresh_from_db()
    assert account.balance == 115


def test_same_values_from_another_tab_require_confirmation(
    desk: Client, owner: Organization
) -> None:
    form = operation(owner.credit_account, "top-up", amount="7.00", note="invoice 7")
    tabs = [token_of(desk, form.address) for _ in range(2)]
    assert send(desk, form, tabs[0]).status_code == 302
    page = send(desk, form, tabs[1])
    assert page.status_code == 200
    assert "Acme now has 107.00 USD" in page.content.decode()
    assert 'name="once_more"' in page.content.decode()
    assert CreditEntry.objects.count() == 2
    form.values["once_more"] = "yes"
    assert send(desk, form, tabs[1]).status_code == 302
    assert CreditEntry.objects.count() == 3


def test_same_values_from_two_concurrent_tabs_are_done_once(
    operator: User, owner: Organization
) -> None:
    form, clients = (
        operation(owner.credit_account, "top-up", amount="7.00", note="invoice 7"),
        [Client(), Client()],
    )
    for client in clients:
        client.force_login(operator)
    tabs = [token_of(client, form.address) for client in clients]
    works = [
        lambda pair=pair: send(pair[0], form, pair[1]) for pair in zip(clients, tabs, strict=True)
    ]
    assert sorted(page.status_code for page in at_once(works)) == [200, 302]
    assert CreditAccount.objects.get().balance == 107


def test_refused_form_can_be_sent_again_from_the_same_page(
    desk: Client, owner: Organization
) -> None:
    form = operation(owner.credit_account, "top-up", amount="-7.00", note="invoice 7")
    token = token_of(desk, form.address)
    assert send(desk, form, token).status_code == 200
    form.values["amount"] = "7.00"
    assert send(desk, form, token).status_code == 302
    assert CreditAccount.objects.get().balance == 107


def test_token_of_another_operator_reveals_nothing(desk: Client, owner: Organization) -> None:
    form = operation(owner.credit_account, "top-up", amount="7.00", note="invoice 7")
    token = token_of(desk, form.address)
    send(desk, form, token)
    other = Client()
    other.force_login(User.objects.create_superuser("bob"))
    page = send(other, form, token)
    assert (page.status_code, page["Location"]) == (302, "/admin/")
    assert CreditEntry.objects.count() == 2


# What can't be done twice: it signs in or out, shows, or changes one thing to what it is already; a
# draft that has begun is none any more (test_admin_bulk_actions, test_admin_imports).
WITHOUT_TOKEN = ("/logout/", "/login/", "two-factor/", "/confirm/", "password", "i18n")
DRAFTS = ("mapping_form", "bulk_action_form")


def test_every_form_of_every_page_has_a_token(desk: Client, owner: Organization, cast: Any) -> None:
    factories.own(cast.owner, *factories.stock(*factories.line(1, 1)))
    factories.campaign(cast.owner)
    factories.job("import", status="done", started_at="2026-01-01T00:00Z", finished_at="2026-01-01T00:00Z",
                  counts={"created": 0, "layout": {"delimiter": ",", "names": ["number"], "meanings": ["number"],
                                                   "has_header": True}})  # fmt: skip
    admin_pages.drafts()
    seen = 0
    for address in admin_pages.addresses_of_rows_that_exist():
        page = desk.get(address) if "export" not in address else None
        is_page = page is not None and not page.streaming
        html = page.content.decode(errors="replace") if is_page else ""
        for form in re.findall(r"<form.*?</form>", html, re.DOTALL):
            head = form.partition(">")[0]
            if 'method="post"' not in head or any(
                word in head for word in (*WITHOUT_TOKEN, *DRAFTS)
            ):
                continue
            if any(word in address for word in WITHOUT_TOKEN):
                continue
            if TOKEN.search(form):
                seen += 1
            else:  # only a list without actions has nothing to carry out
                assert "changelist-form" in head, (address, head)
                assert 'name="action"' not in form, (address, head)
    assert seen > 35  # the walk found its pages; three forms of these now ask for a password first
