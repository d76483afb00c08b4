"""verify_inventory finds every broken promise, and nothing on a correct desk.

The offence is planted behind the desk's back: by SQL, with the trigger or constraint that would
have refused it out of the way. The exact set of checks that see it is asserted, so that a check
that has gone blind, or cries wolf, fails here.
"""

from decimal import Decimal

import pytest
from django.db import connection

from apikeys.limits.spending_limits import KeyLimits, SpendingLimit
from apikeys.models import ApiKey
from numbers.credit.ledger import correct
from numbers.inventory.reservations import reserve
from numbers.models import Assignment
from numbers.ownership.undo_release import undo_release
from numbers.verification.promises import PROMISES
from numbers.verification.run import CHECKS, verify_inventory
from tests.support import db_assertions, factories
from tests.support.api_client import Api
from tests.support.world import (
    OF,
    actor,
    buyer,
    failing,
    give_back,
    new_world,
    number_id,
    order,
    plant,
)


@pytest.fixture
def world(db, settings):
    return new_world(settings)


def test_desk_with_full_history_passes(world):
    findings = list(verify_inventory())
    assert {finding.check.name: finding.rows for finding in findings if not finding.holds} == {}
    assert {finding.check.promise for finding in findings} == set(PROMISES)
    counted = {finding.check.counted: finding.counted for finding in findings}
    assert counted["numbers_phonenumber"] == 24
    assert counted["numbers_assignment"] == Assignment.objects.count() > 10
    assert all(counted.values()) or counted["numbers_idempotencyrecord"] == 0


def test_empty_desk_passes(db):
    assert failing() == set()


def test_every_check_has_a_unique_name():
    assert len({check.name for check in CHECKS}) == len(CHECKS)


COPY_OWNERSHIP = f"""
    INSERT INTO numbers_assignment (id, number_id, organization_id, order_id, price, inbound_url,
                                    status_url, label, created_at)
    SELECT gen_random_uuid(), number_id, organization_id, order_id, price, '', '', '', created_at
    FROM numbers_assignment WHERE number_id = {OF}
"""


class TestOneOwner:
    def test_number_with_two_owners_is_found(self, world):
        plant(COPY_OWNERSHIP, without=["assignment_one_owner"], number=world.numbers[0])
        assert failing() == {
            "open_ownership_is_unique",
            "ownerships_follow_each_other",
            "the_database_refuses_a_second_owner",
            "orders_have_all_their_numbers",
            "totals_are_the_sum_of_prices",
            "every_ownership_is_in_the_history",
        }

    def test_available_number_with_an_owner_is_found(self, world):
        plant(
            f"UPDATE numbers_phonenumber SET status = 'available' WHERE id = {OF}",
            number=world.numbers[0],
        )
        assert failing() == {"assigned_means_owned", "the_last_event_explains_the_status"}

    def test_assigned_number_without_an_owner_is_found(self, world):
        plant(
            f"UPDATE numbers_phonenumber SET status = 'assigned' WHERE id = {OF}",
            number=world.numbers[11],
        )
        assert failing() == {"assigned_means_owned", "the_last_event_explains_the_status"}

    def test_overlapping_past_ownerships_are_found(self, world):
        plant(
            "UPDATE numbers_assignment SET ended_at = ended_at + interval '1 day' WHERE "
            f"number_id = {OF} AND ended_at IS NOT NULL",
            number=world.numbers[4],
        )
        assert failing() == {"ownerships_follow_each_other"}

    def test_live_number_owned_by_a_sandbox_is_found(self, world):
        plant(
            f"UPDATE numbers_phonenumber SET sandbox = true WHERE id = {OF}",
            number=world.numbers[0],
        )
        assert failing() == {"sandbox_and_live_never_mix"}

    def test_test_number_held_by_a_live_organization_is_found(self, world):
        plant(
            f"UPDATE numbers_phonenumber SET sandbox = true WHERE id = {OF}",
            number=world.numbers[8],
        )
        assert failing() == {"sandbox_and_live_never_mix"}

    def test_number_routed_to_a_foreign_campaign_is_found(self, world):
        plant(
            "UPDATE campaigns_brand SET organization_id = %(stranger)s", stranger=world.stranger.pk
        )
        assert failing() == {"nothing_crosses_organizations"}

    def test_number_ordered_by_another_organization_is_found(self, world):
        plant(
            f"UPDATE numbers_assignment SET organization_id = %(stranger)s WHERE number_id = {OF}",
            number=world.numbers[6],
            stranger=world.stranger.pk,
        )
        assert failing() == {"nothing_crosses_organizations", "every_ownership_is_in_the_history"}


class TestWholeOrders:
    def test_number_missing_from_an_order_is_found(self, world):
        plant(
            f"DELETE FROM numbers_assignment WHERE number_id = {OF}",
            f"UPDATE numbers_phonenumber SET status = 'available' WHERE id = {OF}",
            number=world.numbers[1],
        )
        assert failing() == {
            "orders_have_all_their_numbers",
            "totals_are_the_sum_of_prices",
            "every_ownership_is_in_the_history",
            "the_last_event_explains_the_status",
        }

    def test_cancelled_order_with_numbers_is_found(self, world):
        plant(
            "UPDATE numbers_order SET status = 'cancelled', total = NULL, closed_by = 'key:x', "
            "closed_in_request = 'x', kind = 'quantity', criteria = '{}' WHERE id = "
            f"(SELECT order_id FROM numbers_assignment WHERE number_id = {OF})",
            number=world.numbers[6],
        )
        assert failing() == {
            "orders_have_all_their_numbers",
            "totals_are_the_sum_of_prices",
            "orders_are_charged_once",
            "every_order_has_its_event",
            "every_event_of_an_order_has_its_order",
        }

    def test_total_other_than_the_sum_of_prices_is_found(self, world):
        plant("UPDATE numbers_order SET total = total + 1 WHERE sandbox")
        assert failing() == {"totals_are_the_sum_of_prices"}

    def test_uncharged_order_is_found(self, world):
        plant("UPDATE numbers_order SET sandbox = false WHERE sandbox")
        assert failing() == {"orders_are_charged_once", "sandbox_and_live_never_mix"}

    def test_ownership_without_its_event_is_found(self, world):
        plant(f"DELETE FROM numbers_numberevent WHERE number_id = {OF}", number=world.numbers[6])
        assert failing() == {
            "every_ownership_is_in_the_history",
            "the_last_event_explains_the_status",
        }

    def test_event_with_another_price_is_found(self, world):
        plant(
            "UPDATE numbers_numberevent SET after = jsonb_set(after, '{price}', '9') "
            f"WHERE kind = 'assigned' AND number_id = {OF}",
            number=world.numbers[6],
        )
        assert failing() == {
            "every_ownership_is_in_the_history",
            "the_last_event_explains_the_price",
        }

    def test_unfinished_idempotency_record_is_found(self, world):
        plant(
            "INSERT INTO numbers_idempotencyrecord (organization_id, key, fingerprint) VALUES "
            "(%(id)s, 'k', '')",
            id=world.owner.pk,
        )
        assert failing() == {"remembered_answers_are_finished"}


BALANCE = "numbers_creditaccount.credit_balance_explained"
CHAIN = "numbers_creditentry.credit_entry_continues"


class TestCredit:
    def test_manually_changed_balance_is_found(self, world):
        plant("UPDATE numbers_creditaccount SET balance = balance + 5", without=[BALANCE])
        assert failing() == {"balances_are_the_sum_of_the_ledger"}

    def test_negative_balance_is_found(self, world):
        plant(
            "UPDATE numbers_creditaccount SET balance = -1 WHERE organization_id = %(id)s",
            without=[BALANCE, "numbers_creditaccount.credit_not_negative"],
            id=world.sandbox.pk,
        )
        assert failing() == {"credit_is_never_negative", "balances_are_the_sum_of_the_ledger"}

    def test_rewritten_ledger_entry_is_found(self, world):
        plant(
            "UPDATE numbers_creditentry SET amount = amount + 1, balance_after = balance_after + 1 "
            "WHERE kind = 'top_up' AND account_id = %(id)s",
            without=[BALANCE, CHAIN],
            id=world.owner.pk,
        )
        assert failing() == {
            "balances_are_the_sum_of_the_ledger",
            "ledger_entries_follow_each_other",
        }

    def test_removed_ledger_entry_is_found(self, world):
        plant(
            "DELETE FROM numbers_creditentry WHERE entry = 2 AND account_id = %(id)s",
            without=[BALANCE, CHAIN],
            id=world.owner.pk,
        )
        assert failing() == {
            "orders_are_charged_once",
            "balances_are_the_sum_of_the_ledger",
            "ledger_entries_follow_each_other",
        }

    def test_charged_sandbox_is_found(self, world):
        plant(
            "UPDATE campaigns_organization SET is_sandbox = true WHERE id = %(id)s",
            id=world.stranger.pk,
        )
        assert failing() == {"a_sandbox_never_pays", "sandbox_and_live_never_mix"}

    @pytest.mark.parametrize(
        "table", ["numbers_creditentry", "numbers_numberevent", "campaigns_event"]
    )
    def test_disabled_protection_is_found(self, world, table):
        plant()
        connection.cursor().execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_keep_rows")
        assert failing() == {"history_is_protected"}


class TestQuarantine:
    def test_number_sold_during_its_quarantine_is_found(self, world):
        plant(
            "DELETE FROM numbers_numberevent WHERE kind = 'quarantine_ended'",
            'UPDATE numbers_numberevent SET before = \'{"status": "quarantined"}\' '
            f"WHERE kind = 'assigned' AND number_id = {OF} AND before ->> 'status' = 'available' "
            f"AND id = (SELECT max(id) FROM numbers_numberevent WHERE number_id = {OF})",
            number=world.numbers[3],
        )
        assert failing() == {"nothing_is_sold_in_quarantine"}

    def test_resold_retired_number_is_found(self, world):
        order(world.owner, world.numbers[11])
        plant(
            f"UPDATE numbers_assignment SET number_id = {OF} WHERE number_id = %(sold)s",
            number=world.numbers[5],
            sold=number_id(world.numbers[11]),
        )
        assert "nothing_is_sold_in_quarantine" in failing()

    def test_number_held_in_its_quarantine_is_found(self, world, settings):
        give_back(world.owner, world.numbers[6])
        plant(
            f"UPDATE numbers_phonenumber SET quarantined_until = now() WHERE id = {OF}",
            number=world.numbers[6],
        )
        assert failing() == {"quarantines_last_as_long_as_the_history_says"}
        reserve([world.numbers[6]], ttl_seconds=600, buyer=buyer(world.owner))
        assert failing() == {"nothing_is_held_in_quarantine"}


class TestProvenance:
    def test_retirement_without_an_actor_is_found(self, world):
        plant(
            f"UPDATE numbers_phonenumber SET status = 'retired' WHERE id = {OF}",
            number=world.numbers[11],
        )
        assert failing() == {"the_last_event_explains_the_status"}

    def test_change_without_an_event_is_found(self, world):
        plant(
            "UPDATE numbers_numberevent SET before = '{\"status\": \"retired\"}' WHERE kind = 'held' "
            f"AND number_id = {OF}",
            number=world.numbers[8],
        )
        assert failing() == {"each_event_continues_the_one_before"}

    def test_manually_changed_price_is_found(self, world):
        plant(
            f"UPDATE numbers_phonenumber SET price = 99 WHERE id = {OF}", number=world.numbers[10]
        )
        assert failing() == {"the_last_event_explains_the_price"}

    def test_unrecorded_end_of_an_ownership_is_found(self, world):
        plant(
            f"DELETE FROM numbers_numberevent WHERE kind = 'released' AND number_id = {OF}",
            number=world.numbers[2],
        )
        assert failing() == {
            "every_end_of_an_ownership_is_in_the_history",
            "the_last_event_explains_the_status",
            "quarantines_last_as_long_as_the_history_says",
            "every_release_event_has_its_release",
        }

    def test_ownership_past_its_recorded_end_is_found(self, world):
        plant(
            f"UPDATE numbers_assignment SET ended_at = NULL WHERE number_id = {OF}",
            number=world.numbers[2],
        )
        assert failing() == {"assigned_means_owned", "every_end_of_an_ownership_is_in_the_history"}

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE campaigns_organization SET status = 'ACTIVE' WHERE name = 'Stranger'",
            "UPDATE campaigns_brand SET status = 'DELETED'",
            "UPDATE campaigns_brand SET identity_status = 'UNVERIFIED'",
            "UPDATE campaigns_brand SET identity_status = NULL",
            "UPDATE campaigns_campaign SET status = 'ACTIVE', rejection_reasons = '[]'",
        ],
    )
    def test_manually_changed_permission_is_found(self, world, statement):
        plant(statement)
        assert failing() == {"the_last_event_explains_who_may_do_what"}

    @pytest.mark.parametrize("column", ["actor", "request_id"])
    @pytest.mark.parametrize(
        ("table", "constraint"),
        [
            ("numbers_numberevent", "number_event"),
            ("campaigns_event", "event"),
            ("numbers_creditentry", "credit_entry"),
            ("numbers_order", "order"),
            ("numbers_reservation", "reservation"),
            ("numbers_stockbatch", "batch"),
        ],
    )
    def test_row_without_an_actor_is_found(self, world, table, constraint, column):
        named = {"actor": f"{constraint}_actor_named", "request_id": f"{constraint}_request_named"}[
            column
        ]
        exists = db_assertions.rows("SELECT 1 FROM pg_constraint WHERE conname = %s", named)
        plant(
            f"UPDATE {table} SET {column} = '' WHERE id = (SELECT id FROM {table} ORDER BY id "
            "LIMIT 1)",
            without=[f"{table}.{named}"] if exists else [],
        )
        assert failing() == {"every_change_says_who_and_in_which_request"}


class TestKeys:
    @pytest.fixture
    def limited(self, world):
        limits = KeyLimits(SpendingLimit(Decimal("5.00"), "day"))
        api = Api(factories.key(world.owner, limits=limits))
        assert api.order([world.numbers[-1]]).status_code == 200
        return world

    def test_key_that_spent_within_its_limit_breaks_no_promise(self, limited):
        assert failing() == set()

    @pytest.mark.parametrize("change", ["spent = spent - 1", "window_start = window_start + 1"])
    def test_count_that_orders_do_not_explain_is_found(self, limited, change):
        plant(f"UPDATE apikeys_keybudget SET {change}")
        assert failing() == {"what_a_key_spent_is_the_sum_of_its_orders"}

    def test_disabled_guard_of_limits_is_found(self, world):
        plant("ALTER TABLE apikeys_keybudget DISABLE TRIGGER apikeys_keybudget_never_exceeded")
        assert failing() == {"the_database_refuses_more_than_a_limit"}

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE campaigns_event SET actor = 'key:am_live_x' WHERE subject_id = %(id)s",
            "DELETE FROM campaigns_event WHERE subject_id = %(id)s",
        ],
    )
    def test_platform_key_that_no_operator_made_is_found(self, world, statement):
        factories.platform_key()
        plant(statement, id=ApiKey.objects.get(organization=None).pk)
        assert failing() == {"operators_made_every_platform_key"}


class TestUndo:
    def test_undone_release_and_reversal_break_no_promise(self, undone):
        assert failing() == set()

    def test_undo_that_gave_back_another_label_is_found(self, undone):
        plant(
            "UPDATE numbers_numberevent SET after = jsonb_set(after, '{label}', '\"other\"') "
            "WHERE kind = 'release_undone'"
        )
        assert failing() == {"an_undone_release_gives_back_what_it_took"}

    def test_undo_after_the_quarantine_is_found(self, undone):
        plant(
            "UPDATE numbers_numberevent SET before = jsonb_set(before, '{quarantined_until}', "
            "to_jsonb(at)) WHERE kind = 'release_undone'"
        )
        assert failing() == {"an_undone_release_gives_back_what_it_took"}

    def test_reversal_of_another_amount_is_found(self, undone):
        plant(
            "UPDATE numbers_creditentry SET reverses_id = (SELECT id FROM numbers_creditentry "
            "WHERE kind = 'top_up' AND account_id = %(id)s) WHERE kind = 'reversal'",
            id=undone.owner.pk,
        )
        assert failing() == {"a_reversal_takes_back_one_entry_once"}


@pytest.fixture
def undone(world):
    """A world in which a release was undone and a charge reversed."""
    number = world.numbers[6]
    assignment = Assignment.objects.get(number__number=number, ended_at=None)
    give_back(world.owner, number)
    undo_release(
        assignment_id=assignment.pk, organization_id=world.owner.pk, actor=factories.actor()
    )
    factories.reverse(world.owner, kind="charge")
    return world


ENTRY = "position = (SELECT max(position) FROM numbers_feedentry WHERE type = '{}')"


class TestEvents:
    """Entries are removed from the feed and its count, so that only the agreement is broken."""

    @pytest.mark.parametrize(
        ("event_type", "check"),
        [
            ("order.completed", "every_order_has_its_event"),
            ("bulk_order.pending", "every_order_has_its_event"),
            ("bulk_order.cancelled", "every_order_has_its_event"),
            ("phone_number.released", "every_change_of_an_owned_number_has_its_event"),
            ("campaign.updated", "every_change_of_brands_campaigns_and_keys_has_its_event"),
            ("brand.updated", "every_change_of_brands_campaigns_and_keys_has_its_event"),
        ],
    )
    def test_missing_event_is_found(self, world, event_type, check):
        plant(
            f"DELETE FROM numbers_feedentry WHERE {ENTRY.format(event_type)}",
            "UPDATE numbers_feedhead SET published = published - 1",
        )
        assert failing() == {check}

    def test_event_with_too_few_numbers_is_found(self, world):
        plant(
            "UPDATE numbers_feedentry SET event_count = event_count - 1 WHERE "
            + ENTRY.format("order.completed")
        )
        assert failing() == {"every_order_has_its_event"}

    def test_event_that_comes_twice_is_found(self, world):
        plant(
            "INSERT INTO numbers_feedentry SELECT "
            "(SELECT min(position) FROM numbers_feedentry) - 1, id, organization_id, type, at, "
            "subject_id, event_count, data FROM numbers_feedentry WHERE "
            + ENTRY.format("order.completed"),
            "UPDATE numbers_feedhead SET published = published + 1",
        )
        assert failing() == {"every_order_has_its_event"}

    def test_event_of_an_order_that_does_not_exist_is_found(self, world):
        plant(
            "UPDATE numbers_feedentry SET subject_id = gen_random_uuid() WHERE "
            + ENTRY.format("order.completed")
        )
        assert failing() == {"every_order_has_its_event", "every_event_of_an_order_has_its_order"}

    def test_event_of_a_release_that_did_not_happen_is_found(self, world):
        plant(
            "UPDATE numbers_feedentry SET data = data || data, event_count = 2 WHERE "
            + ENTRY.format("phone_number.released")
        )
        assert failing() == {"every_release_event_has_its_release"}

    def test_balance_that_fell_to_zero_without_event_is_found(self, world):
        balance = db_assertions.balance(world.owner)
        correct(organization_id=world.owner.pk, amount=-balance, note="a test", actor=actor())
        assert failing() == set()
        plant("DELETE FROM campaigns_outboxentry")
        assert failing() == {"every_balance_that_fell_to_zero_has_its_event"}

    @pytest.mark.parametrize(
        "statement",
        [
            "DELETE FROM numbers_feedentry WHERE " + ENTRY.format("campaign.updated"),
            "UPDATE numbers_feedhead SET position = position - 1",
        ],
    )
    def test_feed_that_lost_an_entry_or_passes_its_head_is_found(self, world, statement):
        plant(statement, "UPDATE numbers_feedhead SET began_at = clock_timestamp()")
        assert failing() == {"the_feed_is_whole"}

    def test_changes_before_the_feed_began_need_no_event(self, world):
        plant(
            "DELETE FROM numbers_feedentry",
            "UPDATE numbers_feedhead SET removed = published, removed_up_to = position, "
            "began_at = clock_timestamp()",
        )
        assert failing() == set()

    def test_suspension_that_no_gateway_learns_is_found(self, world):
        entry = "type = 'routes.changed' AND data -> 0 ? 'organization'"
        plant(
            f"DELETE FROM numbers_feedentry WHERE {entry}",
            "UPDATE numbers_feedhead SET published = published - 1",
        )
        assert failing() == {"every_suspension_reaches_the_gateways"}

    def test_decision_against_the_state_table_is_found(self, world):
        plant(
            'UPDATE campaigns_event SET before = before || \'{"status": "EXPIRED"}\' '
            "WHERE kind = 'rejected'"
        )
        assert failing() == {"every_decision_follows_the_state_table"}
