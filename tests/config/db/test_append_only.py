"""Triggers and foreign keys that keep the history append-only and its rows complete."""

from decimal import Decimal

import pytest

from apikeys.limits.spending_limits import KeyLimits, SpendingLimit
from campaigns.history import record
from tests.numbers.verification.test_constraints import ANOTHER, RENT, RENT_CHARGE, webhooks
from tests.support import db_assertions, factories
from tests.support.rows import OURS, allow, check_now, copy, names, refusing

pytestmark = pytest.mark.django_db

REFUSED = "restrict_violation"
APPEND_ONLY = [
    "campaigns_event",
    "numbers_numberevent",
    "numbers_creditentry",
    "numbers_stockbatch",
    "numbers_rentcharge",
]
NEVER_DELETED = ["numbers_assignment", "numbers_order"]


@pytest.fixture(autouse=True)
def world(api, cast):
    campaign = factories.campaign(cast.owner)
    record(campaign, "created", actor=factories.actor())
    sold, held = factories.stock(*factories.line(0, 2))
    (other,) = factories.stock(*factories.line(2), price="0.00")
    factories.hold(cast.stranger, held)
    factories.job()
    factories.key(cast.owner, limits=KeyLimits(SpendingLimit(Decimal("5.00"), "day")))
    webhooks(cast)
    assert api.order([sold, other], campaign_id=str(campaign.pk), label="x").status_code == 200
    db_assertions.run(RENT, RENT_CHARGE)


def refused(statement):
    """That a trigger of ours refuses this."""
    diag = refusing(db_assertions.run, statement)
    assert (diag.sqlstate, diag.context.split("(")[0]) in (
        ("23001", "PL/pgSQL function numberdesk_refuse_change"),
        ("23001", "PL/pgSQL function numberdesk_keep_assignment"),
        ("23001", "PL/pgSQL function numberdesk_owns_when_open"),
        ("23001", "PL/pgSQL function numberdesk_check_reversal"),
    )


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_history_row_is_never_changed(table):
    column, other = ("period", "2") if table == "numbers_rentcharge" else ("actor", "'command:x'")
    refused(f"UPDATE {table} SET {column} = {other}")
    refused(f"UPDATE {table} SET {column} = {column}")


@pytest.mark.parametrize("table", APPEND_ONLY + NEVER_DELETED)
def test_history_row_is_never_deleted(table):
    refused(f"DELETE FROM {table}")


@pytest.mark.parametrize("table", APPEND_ONLY + NEVER_DELETED)
def test_history_table_is_never_truncated(table):
    check_now()
    # The suite switches it off, see conftest.py; this is taken back with the test's transaction.
    db_assertions.run(f"ALTER TABLE {table} ENABLE TRIGGER {table}_keep_truncate")
    refused(f"TRUNCATE {table} CASCADE")


IDENTITY = {
    "id": "gen_random_uuid()",
    "number_id": "number_id + 1",
    "organization_id": "(SELECT id FROM campaigns_organization WHERE name = 'Stranger')",
    "order_id": "gen_random_uuid()",
    "price": "price + 1",
    "monthly_price": "monthly_price + 1",
    "created_at": "created_at - interval '1 day'",
}
ROUTING = {
    "inbound_url": "'https://other.example/'",
    "status_url": "'https://other.example/'",
    "label": "'other'",
    "campaign_id": "NULL",
    "updated_at": "now()",
}
END = (
    "UPDATE numbers_assignment SET ended_at = clock_timestamp(), inbound_url = '', status_url = ''"
)


def test_assignment_columns_are_all_classified():
    columns = names(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'numbers_assignment'"
    )
    assert columns == {*IDENTITY, *ROUTING, "ended_at", "locked_at"}


@pytest.mark.parametrize("column", IDENTITY)
def test_owner_number_start_and_price_never_change(column):
    refused(f"UPDATE numbers_assignment SET {column} = {IDENTITY[column]}")


@pytest.mark.parametrize("column", ROUTING)
def test_ownership_may_be_routed_and_an_ended_one_may_not(column):
    change = f"UPDATE numbers_assignment SET {column} = {ROUTING[column]}"
    allow(db_assertions.run, change)
    db_assertions.run(END)
    refused(change)


REOPEN = "UPDATE numbers_assignment SET ended_at = NULL"
REST = (
    "UPDATE numbers_phonenumber SET status = 'quarantined', quarantined_until = now() + interval '{}' "
    "WHERE id IN (SELECT number_id FROM numbers_assignment)"
)
TAKE_BACK = (
    "UPDATE numbers_phonenumber SET status = 'assigned', quarantined_until = NULL "
    "WHERE id IN (SELECT number_id FROM numbers_assignment)"
)
ANOTHER_OWNER = """
    INSERT INTO numbers_assignment (id, number_id, organization_id, order_id, price, inbound_url, status_url, label,
                                    created_at, ended_at)
    SELECT gen_random_uuid(), number_id, organization_id, order_id, price, '', '', '', ended_at, ended_at
    FROM numbers_assignment
"""


def end_for(rest):
    db_assertions.run(END, REST.format(rest))


def test_ownership_ends_once_and_stays_ended_outside_quarantine():
    allow(db_assertions.run, END)
    db_assertions.run(END)
    refused(END)
    refused(REOPEN)
    for state in ("available", "assigned", "retired"):
        db_assertions.run(f"UPDATE numbers_phonenumber SET status = '{state}', held_for_id = NULL, "
                          "held_until = NULL, reservation_id = NULL")  # fmt: skip
        refused(REOPEN)


def test_ownership_reopens_in_quarantine_with_its_number():
    end_for("1 hour")
    allow(db_assertions.run, REOPEN, TAKE_BACK)
    check_now()
    assert refusing(db_assertions.run, REOPEN).sqlstate == "23001"  # without its number


def test_ownership_stays_ended_once_its_quarantine_is_over():
    end_for("-1 second")
    refused(REOPEN)


def test_ownership_stays_ended_once_another_owner_came():
    end_for("1 hour")
    db_assertions.run(ANOTHER_OWNER)
    refused(f"{REOPEN} WHERE created_at < (SELECT max(created_at) FROM numbers_assignment)")


def test_ownership_that_comes_back_keeps_whose_it_is():
    end_for("1 hour")
    for column, value in IDENTITY.items():
        refused(f"{REOPEN}, {column} = {value}")


REVERSAL = """
    INSERT INTO numbers_creditentry (account_id, entry, kind, amount, balance_before, balance_after, currency, actor,
                                     request_id, note, created_at, reverses_id)
    SELECT e.account_id, 99, 'reversal', {amount}, 0, {amount}, e.currency, 'command:tests', 'x', '', now(), e.id
    FROM numbers_creditentry e WHERE {which}
"""


@pytest.mark.parametrize(
    ("amount", "which"),
    [
        ("-e.amount + 1", "e.kind = 'top_up'"),
        ("e.amount", "e.kind = 'top_up'"),
        ("-e.amount", "e.kind = 'reversal'"),
    ],
)
def test_reversal_takes_back_one_whole_entry(cast, amount, which):
    factories.reverse(cast.owner, kind="charge")
    refused(REVERSAL.format(amount=amount, which=which))


# By tests/campaigns/registry/test_states.py.
TESTED_WITH_THE_STATE_TABLE = {
    "campaigns_statustransition_keep_rows",
    "campaigns_statustransition_keep_truncate",
    "brand_status_moves",
    "brand_identity_moves",
    "campaign_status_moves",
}


def test_every_trigger_of_our_tables_is_tested():
    triggers = names(
        f"SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgrelid::regclass::text {OURS}"
    )
    kept = {
        f"{table}_keep_{what}"
        for table in APPEND_ONLY + NEVER_DELETED
        for what in ("rows", "truncate")
    }
    assert triggers == kept | {
        "numbers_assignment_keep_identity",
        "numbers_assignment_reopened",
        "numbers_assignment_rented",  # tests/numbers/rent
        "numbers_creditentry_reversal",
        "apikeys_keybudget_never_exceeded",  # tests/numbers/orders/test_spending_limits.py
        *TESTED_WITH_THE_STATE_TABLE,
    }


# --- foreign keys --------------------------------------------------------------------------------

FOREIGN_KEYS = f"""
    SELECT c.conname, c.conrelid::regclass::text, a.attname, format_type(a.atttypid, NULL), c.confdeltype, c.confupdtype
    FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    WHERE c.contype = 'f' AND c.conrelid::regclass::text {OURS}
"""
LEGAL = {
    "numbers_rent": {"assignment_id": ANOTHER},
    "numbers_rentcharge": {"period": "period + 1"},
    "apikeys_apikey": {"digest": "repeat('0', 64)"},
    "campaigns_brand": {"name": "'Another'"},
    "numbers_assignment": {
        "ended_at": "now() + interval '1 day'",
        "inbound_url": "''",
        "status_url": "''",
    },
    "numbers_phonenumber": {"number": "'+14152000999'"},
    "numbers_creditaccount": {"balance": "0", "entries": "0"},
    "numbers_jobinput": {"position": "position + 1"},
    "numbers_webhookdelivery": {"event_id": "gen_random_uuid()"},
    "numbers_creditentry": {"entry": "entry + 1", "amount": "0", "balance_before": "balance_after"},
}

NOBODYS_ID = "'00000000-0000-4000-8000-000000000001'"
REVERSAL_OF_NOTHING = {
    "kind": "'reversal'",
    "entry": "entry + 1",
    "amount": "-amount",
    "order_id": "NULL",
    "balance_before": "balance_after",
    "balance_after": "balance_before",
    "reverses_id": "-1",
}


@pytest.fixture
def foreign_keys():
    return {name: rest for name, *rest in db_assertions.rows(FOREIGN_KEYS)}


def test_no_foreign_key_deletes_or_clears_referencing_rows(foreign_keys):
    assert {(delete, update) for _, _, _, delete, update in foreign_keys.values()} == {("a", "a")}
    assert len(foreign_keys) >= 17


def test_every_reference_to_a_missing_row_is_refused(foreign_keys):
    for name in foreign_keys.keys() - {"credit_entry_continues", "credit_balance_explained"}:
        table, column, kind, _, _ = foreign_keys[name]
        changes = {
            **LEGAL.get(table, {}),
            column: {"uuid": "gen_random_uuid()", "bigint": "-1"}[kind],
        }
        where = f"{column} IS NOT NULL AND {'held_for_id IS NOT NULL' if table == 'numbers_phonenumber' else 'true'}"
        if (table, column) == ("numbers_creditentry", "account_id"):
            where, changes = "entry = 1", {"account_id": "gen_random_uuid()"}
        if table == "apikeys_keybudget":
            changes = {"key_id": NOBODYS_ID, "within": f"ARRAY[{NOBODYS_ID}::uuid]"}
        if column == "reverses_id":
            where, changes = "kind = 'charge'", REVERSAL_OF_NOTHING
        assert refusing(copy, table, where, **changes).constraint_name == name


def test_ledger_entry_continues_the_one_before_it():
    gap = {"entry": "4", "kind": "'top_up'", "amount": "1", "order_id": "NULL"}
    for before in ("99", "98"):  # the third is missing; and the balance is not what the second left
        entry = {**gap, "entry": "4" if before == "99" else "3", "balance_before": before}
        diag = refusing(
            copy, "numbers_creditentry", "entry = 2", **entry, balance_after=f"{before} + 1"
        )
        assert diag.constraint_name == "credit_entry_continues"


@pytest.mark.parametrize(
    "change", ["balance = balance + 1", "entries = entries + 1", "entries = 1", "balance = 0"]
)
def test_balance_equals_the_last_entry(change):
    account = "WHERE organization_id = (SELECT organization_id FROM numbers_order)"
    diag = refusing(db_assertions.run, f"UPDATE numbers_creditaccount SET {change} {account}")
    assert diag.constraint_name == "credit_balance_explained"


@pytest.mark.parametrize(
    "table",
    [
        "campaigns_organization",
        "campaigns_brand",
        "campaigns_campaign",
        "numbers_phonenumber",
        "numbers_creditaccount",
    ],
)
def test_nothing_that_is_sold_or_recorded_can_be_deleted(table):
    assert refusing(db_assertions.run, f"DELETE FROM {table}").sqlstate == "23503"
