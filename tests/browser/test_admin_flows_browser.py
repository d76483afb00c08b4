"""Operators' flows in a real browser: reviews, the second factor, and each role's menu."""

import json
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User

from campaigns.models import Brand, Campaign, Organization
from config.admin.models import Authenticator
from numbers.models import CreditAccount, PhoneNumber
from numbers.roles import ROLES, make_groups
from tests.numbers.admin.test_admin_roles import ACTIONS, ADDING
from tests.numbers.admin.test_admin_sign_in import code_of
from tests.support import factories
from tests.support.admin_client import PASSWORD, sign_in, url
from tests.support.browser import Browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(visitor: Browser) -> Browser:
    """The browser, signed in nowhere."""
    return visitor


def submit(page: Browser, **values: str) -> None:
    for name, value in values.items():
        page.fill(f"[name={name}]", value)
    with page.loading():
        page.click(".submit-row input[type=submit]")


def is_there(page: Browser, selector: str) -> bool:
    return bool(page.evaluate(f"document.querySelector({json.dumps(selector)}) !== null"))


def test_operator_expires_a_campaign(page: Browser, live_server: Any) -> None:
    User.objects.create_superuser("alice", password=PASSWORD)
    campaign = factories.campaign(factories.organization("Acme"))
    address = url(Campaign, "change", campaign.pk)
    sign_in(page, live_server.url, "alice", to=address)
    with page.loading():
        page.click(".object-tools a[href$='/do/expire/']")
    assert "can't be used for orders" in page.text()
    submit(page, reason="ended in May")
    assert f"Campaign {campaign} is EXPIRED" in page.text()
    assert not is_there(page, "a[href$='/do/expire/']")
    with page.loading():
        page.click(".object-tools .historylink")
    assert "ended in May" in page.text("#result_list")


def test_operator_verifies_exactly_one_brand_of_the_queue(page: Browser, live_server: Any) -> None:
    User.objects.create_superuser("alice", password=PASSWORD)
    owner = factories.organization("Acme")
    for _ in range(2):
        factories.brand(owner, None, status="PENDING")
    first, second = Brand.objects.order_by("id")
    sign_in(page, live_server.url, "alice", to="/admin/review/")
    for brand, status, identity in (
        (first, "ACTIVE", "VERIFIED"),
        (second, "DELETED", "UNVERIFIED"),
    ):
        with page.loading():
            page.click(f"#brands a[href*='{brand.pk}/do/review/']")
        page.choose("[name=status]", status)
        page.choose("[name=identity_status]", identity)
        submit(page, reason="papers seen")
        # Back at the queue, which it has left.
        assert f"Brand {brand} is now {status}, its identity {identity}" in page.text()
        assert page.evaluate("location.pathname") == "/admin/review/"
        assert str(brand) not in page.text("#brands")
    assert "Every brand has been reviewed" in page.text("#brands")


def test_operator_sets_up_a_second_factor_and_signs_in(
    page: Browser, live_server: Any, settings: Any
) -> None:
    settings.DESK_TWO_FACTOR = True
    User.objects.create_superuser("alice", password=PASSWORD)
    sign_in(page, live_server.url, "alice", to="/admin/review/")
    assert "needs a second factor" in page.text()
    assert (
        page.evaluate("document.querySelector('.desk-qr svg').getBoundingClientRect().width") > 100
    )
    page.fill("[name=code]", code_of(Authenticator.objects.get()))
    with page.loading():
        page.press("Enter")
    assert page.evaluate("document.querySelectorAll('.desk-codes li').length") == 10
    with page.loading():
        page.click("#content-main a.button")
    assert page.evaluate("location.pathname") == "/admin/review/"
    with page.loading():
        page.click("#logout-form button")
    sign_in(page, live_server.url, "alice", to="/admin/review/")
    assert "Enter the code that your authenticator app shows" in page.text()
    page.go(live_server.url + "/admin/")
    assert "Enter the code that your authenticator app shows" in page.text()
    submit(page, code=code_of(Authenticator.objects.get()))
    assert page.evaluate("location.pathname") == "/admin/"
    assert "Today" in page.text()


def signed_in_as(role: str, page: Browser, live_server: Any) -> None:
    make_groups(apps)  # a test with real commits before this one may have emptied the tables
    user = User.objects.create_user(role, password=PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    sign_in(page, live_server.url, role)


def refused(page: Browser) -> bool:
    """Whether this is the desk's word for who may not, with its menu; the browser's own word for it is dropped."""
    page.complaints[:] = [one for one in page.complaints if "status of 403" not in one]
    if "You may not do this" not in page.text():
        return False
    return (
        bool(page.evaluate("document.querySelectorAll('.desk-menu a').length"))
        and "403" in page.text()
    )


@pytest.mark.parametrize("role", ROLES)
def test_role_sees_its_operations_and_is_refused_the_rest(
    page: Browser, live_server: Any, role: str
) -> None:
    owner = factories.organization("Owner", credit="10.00")
    factories.key(owner)
    factories.campaign(owner)
    factories.stock("+14155550100")
    signed_in_as(role, page, live_server)
    for action, (model, name, roles) in ACTIONS.items():
        may = role in roles | {"administrator"}
        row = model.objects.get()
        page.go(live_server.url + url(model, "change", row.pk))
        assert is_there(page, f"a[href$='/do/{name}/']") == may, (role, action)
        page.go(live_server.url + url(model, "operation", row.pk, name))
        assert refused(page) != may, (role, action)
    for model, roles in ADDING.items():
        page.go(live_server.url + url(model, "add"))
        assert refused(page) != (role in roles | {"administrator"}), (role, model)
    page.go(live_server.url + "/admin/auth/user/")
    assert refused(page) != (role == "administrator")


@pytest.mark.parametrize("role", ROLES)
def test_role_reads_every_menu_page_and_saves_its_own_forms(
    page: Browser, live_server: Any, role: str
) -> None:
    owner = factories.organization("Owner", credit="10.00")
    factories.stock("+14155550100")
    signed_in_as(role, page, live_server)
    menu = page.evaluate("[...document.querySelectorAll('.desk-menu a')].map((one) => one.href)")
    assert len(menu) >= 3
    for address in menu:
        page.go(address)
        assert not refused(page), (role, address)
    saving = {
        url(Organization, "change", owner.pk) + "?edit=yes": {"compliance", "administrator"},
        url(CreditAccount, "change", owner.credit_account.pk): {"billing", "administrator"},
        url(PhoneNumber, "change", PhoneNumber.objects.get().pk): {"inventory", "administrator"},
    }
    for address, roles in saving.items():
        page.go(live_server.url + address)
        assert is_there(page, "[name=_save]") == (role in roles), (role, address)
    page.go(live_server.url + url(PhoneNumber, "changelist"))
    actions = page.evaluate("document.querySelectorAll('select[name=action] option').length")
    assert bool(actions) == (role in ("inventory", "administrator"))
