"""Names: one rule at every entry point and in the database, and unambiguous references."""

import importlib
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.models import Brand, Campaign, Event, Organization
from campaigns.names import read_name
from campaigns.registration import (
    add_campaign,
    create_brand,
    create_organization,
    find_organization,
)
from config.errors import ValidationFailed
from tests.support import db_assertions, factories
from tests.support.admin_client import form_of, url

pytestmark = pytest.mark.django_db

BAD = [
    *(
        "\u200b",
        "a\u202eb",
        "a\tb",
        "two\nlines",
        "",
        "  ",
        "\u200d",
        "x" * 129,
        "nul\0",
        "\udcff",
        "\u3164",
    ),
    *("018f0000-0000-7000-8000-000000000000", "018F0000000070008000000000000000"),
]
GOOD = [
    "Acme",
    "Acme & S\u00f6hne",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "\u682a\u5f0f\u3000\u5c71",
    "\u2764\ufe0f",
    "'=1+1",
]
TEXT = st.text(
    st.sampled_from(
        "ab \u00a0\u3000\u200b\u200c\u200d\u202e\u0301\ufe0f\t\n\x85\xad\u2800\u115f\U000e0041\u00e9-0"
    )
    | st.characters(),
    max_size=12,
)


def stored(name: str) -> bool:
    """Return whether the database takes the name as it is."""
    try:
        with transaction.atomic():
            Organization.objects.update(name=name)
    except (DatabaseError, ValueError):
        return False
    return True


@settings(deadline=None, max_examples=150, suppress_health_check=[*HealthCheck])
@given(TEXT)
def test_database_and_name_rule_agree(organization, name):
    try:
        clean = read_name(name)
    except ValueError:
        assert not stored(name)
    else:
        assert stored(clean)


@pytest.fixture
def organization(db):
    return factories.organization("Owner")


@pytest.mark.parametrize("name", BAD)
def test_bad_name_is_refused_at_every_entry_point(desk, organization, name):
    brand = factories.brand(organization)
    before = [Organization.objects.count(), Brand.objects.count(), Campaign.objects.count()]
    actor = factories.actor()
    doors = [
        lambda: create_organization(name=name, is_sandbox=False, actor=actor),
        lambda: create_brand(
            organization=organization, name=name, identity_status=None, actor=actor
        ),
        lambda: add_campaign(brand=brand, name=name, actor=actor),
    ]
    for door in doors:
        with pytest.raises(ValidationFailed) as refused:
            door()
        assert refused.value.details["name"].startswith("must ")
    for arguments in (
        ["create_organization", name],
        ["create_campaign", "--organization=Owner", f"--name={name}"],
    ):
        with pytest.raises(CommandError, match=r"must (not )?be"):
            call_command(*arguments)
    if "\0" not in name and (
        name.isprintable() or name.isascii()
    ):  # NUL is refused before any form
        page = desk.post(url(Organization, "add"), {"name": name, "credit": "0.00"})
        assert page.status_code == 200
        form = form_of(desk.get(url(Organization, "change", organization.pk), {"edit": "yes"}))
        page = desk.post(
            url(Organization, "change", organization.pk), {**form, "name": name, "reason": "why"}
        )
        assert "name" in page.context["adminform"].form.errors
    assert not stored(name)
    assert [Organization.objects.count(), Brand.objects.count(), Campaign.objects.count()] == before


@pytest.mark.parametrize("name", GOOD)
def test_good_name_is_accepted_at_every_entry_point(desk, organization, name):
    made = create_organization(name=f" {name} ", is_sandbox=False, actor=factories.actor())
    assert made.name == name
    assert find_organization(name) == find_organization(str(made.pk)) == made
    form = form_of(desk.get(url(Organization, "change", organization.pk), {"edit": "yes"}))
    renamed = {**form, "name": f"{name} 2 ", "reason": "why"}
    assert desk.post(url(Organization, "change", organization.pk), renamed).status_code == 302
    organization.refresh_from_db()
    assert organization.name == f"{name} 2"


def test_decomposed_name_is_stored_composed_and_taken_once():
    create_organization(name="Caf\u00e9", is_sandbox=False, actor=factories.actor())
    with pytest.raises(ValidationFailed, match="validation failed") as refused:
        create_organization(name="Cafe\u0301", is_sandbox=False, actor=factories.actor())
    assert "already" in refused.value.details["name"]


def test_reference_is_read_as_an_id_first(organization):
    with pytest.raises(CommandError, match="must not be an id"):
        call_command("create_organization", str(organization.pk))
    call_command("add_credit", str(organization.pk).upper(), "7.00")
    call_command("add_credit", organization.pk.hex, "7.00")
    assert db_assertions.balance(organization) == 114
    with pytest.raises(CommandError, match="no organization has the id or name"):
        call_command("add_credit", str(uuid4()), "7.00")


def test_similar_names_are_candidates_and_never_guessed(organization):
    factories.organization("Owner Two")
    with pytest.raises(CommandError, match=r"similar are 'Owner Two' \([0-9a-f-]+\), 'Owner' \("):
        call_command("add_credit", "own", "7.00")
    assert find_organization("OWNER") == organization


@pytest.mark.django_db(transaction=True)
def test_migration_repairs_names_and_reports_it():
    migration = importlib.import_module("campaigns.migrations.0003_one_rule_for_names")
    organizations = [factories.organization(f"Name {number}", credit=None) for number in range(4)]
    identity = str(organizations[0].pk)
    rule = next(
        one for one in Organization._meta.constraints if one.name == "organization_name_rule"
    )
    with connection.schema_editor() as editor:
        editor.remove_constraint(Organization, rule)
        for row, name in zip(
            organizations, ["Ot\nher\u200b", identity, "name 3\u200b", "Name 3"], strict=True
        ):
            Organization.objects.filter(pk=row.pk).update(name=name)
        migration.mend_names(apps, editor)
        editor.add_constraint(Organization, rule)
    names = [Organization.objects.get(pk=row.pk).name for row in organizations]
    assert names == [
        "Ot her",
        f"Organization {identity}",
        f"name 3 {organizations[2].pk}",
        "Name 3",
    ]
    events = Event.objects.filter(actor="system:migrate", kind="changed").order_by("id")
    assert [event.before["name"] for event in events] == ["Ot\nher\u200b", identity, "name 3\u200b"]
