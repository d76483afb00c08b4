"""The state table: the database's rows are the code's, and it refuses every other change."""

from itertools import product

import pytest

from campaigns.models import (
    Brand,
    BrandIdentityStatus,
    BrandStatus,
    Campaign,
    CampaignStatus,
)
from campaigns.registry.states import TRANSITIONS, StateMachine, may_become
from tests.support import db_assertions, factories
from tests.support.rows import allow, refusing

pytestmark = pytest.mark.django_db

TABLE = "campaigns_statustransition"
IDENTITIES = [None, *BrandIdentityStatus.values]
MACHINES = {
    StateMachine.BRAND: (Brand, "status", BrandStatus.values, "brand_status_moves"),
    StateMachine.IDENTITY: (Brand, "identity_status", IDENTITIES, "brand_identity_moves"),
    StateMachine.CAMPAIGN: (Campaign, "status", CampaignStatus.values, "campaign_status_moves"),
}


def row_with(machine, status):
    """A row in this status, as an operator may create one."""
    organization = factories.organization(credit=None)
    if machine is StateMachine.CAMPAIGN:
        return factories.campaign(organization, status)
    if machine is StateMachine.BRAND:
        return factories.brand(organization, status=status)
    return factories.brand(organization, status)


def test_table_has_the_transitions_of_the_code():
    rows = db_assertions.rows(f"SELECT machine, from_status, to_status FROM {TABLE}")
    assert set(rows) == TRANSITIONS


@pytest.mark.parametrize("machine", MACHINES)
def test_database_allows_only_transitions_of_the_table(machine):
    model, column, statuses, constraint = MACHINES[machine]
    for before, after in product(statuses, repeat=2):
        row = row_with(machine, before)
        changes = {column: after}
        if after == CampaignStatus.REJECTED:
            changes["status_reason"] = "declined"
        change = model._default_manager.filter(pk=row.pk).update
        if may_become(machine, before, after):
            allow(change, **changes)
        else:
            assert refusing(change, **changes).constraint_name == constraint, (before, after)


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE {TABLE} SET to_status = 'ACTIVE'",
        f"DELETE FROM {TABLE}",
    ],
)
def test_table_is_changed_by_migrations_only(statement):
    assert "refused" in refusing(db_assertions.run, statement).message_primary


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ("'number', 'a', 'b'", "status_transition_machine_known"),
        ("'brand', 'a', 'a'", "status_transition_moves"),
        ("'brand', 'PENDING', 'ACTIVE'", f"{TABLE}_pkey"),
    ],
)
def test_table_refuses_a_bad_row(values, constraint):
    diag = refusing(db_assertions.run, f"INSERT INTO {TABLE} VALUES ({values})")
    assert diag.constraint_name == constraint
