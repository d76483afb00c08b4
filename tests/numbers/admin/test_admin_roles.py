"""What each admin role may and may not do."""

import html
import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from apikeys.models import ApiKey
from campaigns.models import Brand, Campaign, Organization
from config.env import BASE_DIR
from numbers.models import CreditAccount, CreditEntry, PhoneNumber
from numbers.reports.dashboard import refresh_figures
from numbers.roles import ROLES, make_groups, permissions_of, powers_of
from tests.support import factories
from tests.support.admin_client import url
from tests.support.api_client import Api

pytestmark = pytest.mark.django_db

WHY = {"reason": "ticket 7"}


@pytest.fixture(autouse=True)
def groups(db: None) -> None:
    """As the migration made them; a test with real commits before this one may have emptied the tables."""
    make_groups(apps)


def signed_in(role: str) -> Client:
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def test_migration_grants_each_group_its_role() -> None:
    for role in ROLES:
        given = {
            f"{one.content_type.app_label}.{one.codename}"
            for one in Group.objects.get(name=role).permissions.all()
        }
        assert given == set(permissions_of(role)), role


def test_every_permission_of_a_role_exists() -> None:
    known = {
        f"{one.content_type.app_label}.{one.codename}"
        for one in Permission.objects.select_related("content_type")
    }
    for role in ROLES:
        assert set(permissions_of(role)) <= known


@pytest.mark.parametrize("role", ROLES)
def test_every_role_sees_every_list(role: str) -> None:
    client = signed_in(role)
    for model in admin.site._registry:
        if model._meta.app_label in ("campaigns", "apikeys", "numbers"):
            assert client.get(url(model, "changelist")).status_code == 200, model
    for page in ("", "review/", "who-had/", "area-codes/"):
        assert client.get(f"/admin/{page}").status_code == 200


# Each action, and the roles that may do it; other roles get 403.
ACTIONS: dict[str, tuple[Any, str, set[str]]] = {
    "suspend": (Organization, "suspend", {"compliance"}),
    "review a brand": (Brand, "review", {"compliance"}),
    "reject a campaign": (Campaign, "reject", {"compliance"}),
    "top up": (CreditAccount, "top-up", {"billing"}),
    "correct credit": (CreditAccount, "correct", {"billing"}),
    "rotate a key": (ApiKey, "rotate", set()),
    "revoke a key": (ApiKey, "revoke", set()),
    "move a price": (PhoneNumber, "price", {"inventory"}),
    "move a monthly price": (PhoneNumber, "monthly-price", {"inventory"}),
    "retire": (PhoneNumber, "retire", {"inventory"}),
    "hold": (PhoneNumber, "hold", {"inventory"}),
    "assign": (PhoneNumber, "assign", {"inventory"}),
    "reverse an entry": (CreditEntry, "reverse", {"billing"}),
}
ADDING: dict[Any, set[str]] = {
    Organization: {"billing"},
    Brand: {"compliance"},
    Campaign: {"compliance"},
    ApiKey: set(),
    PhoneNumber: {"inventory"},
}


@pytest.mark.parametrize("role", ROLES)
def test_role_runs_only_its_own_operations(role: str, api: Api, cast: Any) -> None:
    factories.campaign(cast.owner)
    factories.stock("+14155550100")
    client = signed_in(role)
    for action, (model, name, roles) in ACTIONS.items():
        row = (
            model._default_manager.filter(organization=cast.owner).first()
            if model is ApiKey
            else model.objects.first()
        )
        allowed = role in roles | {"administrator"}
        expected = 200 if allowed else 403
        assert client.get(url(model, "operation", row.pk, name)).status_code == expected, (
            role,
            action,
        )
        assert client.post(url(model, "operation", row.pk, name), {}).status_code == expected, (
            role,
            action,
        )
    for model, roles in ADDING.items():
        assert client.get(url(model, "add")).status_code == (
            200 if role in roles | {"administrator"} else 403
        ), model


def test_support_role_reads_and_saves_no_form(api: Api, cast: Any) -> None:
    client = signed_in("support")
    for model, row in ((Organization, cast.owner), (CreditAccount, cast.owner.credit_account)):
        assert client.get(url(model, "change", row.pk)).status_code == 200
        assert (
            client.post(
                url(model, "change", row.pk), {"name": "X", "alert_below": "1", **WHY}
            ).status_code
            == 403
        )
    assert client.get("/admin/auth/user/").status_code == 403


def test_administrator_creates_operators_but_no_superuser() -> None:
    root = User.objects.create_superuser("root")
    client = signed_in("administrator")
    assert client.get("/admin/auth/user/").context["cl"].result_count == 1
    assert client.get(f"/admin/auth/user/{root.pk}/change/").status_code == 302
    assert client.post(f"/admin/auth/user/{root.pk}/password/", {}).status_code in (302, 403, 404)
    passwords = {"password1": "a long pass phrase", "password2": "a long pass phrase"}
    made = client.post(
        "/admin/auth/user/add/", {"username": "carol", "usable_password": "true", **passwords}
    )
    assert made.status_code == 302
    carol = User.objects.get(username="carol")
    inventory = Group.objects.get(name="inventory")
    form = {
        "username": "carol",
        "is_active": "on",
        "is_staff": "on",
        "groups": [inventory.pk],
        "is_superuser": "on",
    }
    assert client.post(f"/admin/auth/user/{carol.pk}/change/", form).status_code == 302
    carol.refresh_from_db()
    assert (carol.is_staff, carol.is_superuser, list(carol.groups.all())) == (
        True,
        False,
        [inventory],
    )


def test_operators_and_roles_are_not_deleted(desk: Client, operator: User) -> None:
    group = Group.objects.get(name="support")
    assert desk.post(f"/admin/auth/user/{operator.pk}/delete/", {"post": "yes"}).status_code == 403
    assert desk.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"}).status_code == 403
    assert desk.get("/admin/auth/user/").status_code == 200


@pytest.mark.parametrize("role", ROLES)
def test_role_is_documented_and_shown_on_its_page(desk: Client, role: str) -> None:
    powers = powers_of(role)
    assert len(powers) == len(ROLES[role])
    row = f"| {role} | {'; '.join(powers) or 'nothing'} |"
    assert row in (BASE_DIR / "docs" / "desk.md").read_text().splitlines()
    page = html.unescape(desk.get("/admin/roles/").content.decode())
    assert f'id="{role}"' in page
    assert all(f"<li>{power}</li>" in page for power in powers)


def home_links(client: Client) -> set[str]:
    found = re.findall(r'href="(/admin/[^"]*)"', client.get("/admin/").content.decode())
    return {html.unescape(address) for address in found}


@pytest.mark.parametrize("role", ROLES)
def test_role_may_open_every_link_of_its_home_page(role: str, api: Api, cast: Any) -> None:
    client = signed_in(role)
    refresh_figures()
    addresses = home_links(client)
    factories.stock(*factories.line(1, 4))
    assert api.order(factories.line(1, 3)).status_code == 200
    factories.campaign(cast.owner, "PENDING")
    refresh_figures()
    assert "runs out" not in client.get("/admin/").content.decode()
    for address in addresses | home_links(client):
        assert client.get(address, follow=True).status_code == 200, address
