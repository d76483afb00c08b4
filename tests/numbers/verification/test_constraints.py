"""What the database itself refuses: each CHECK and UNIQUE by raw SQL, by name.

Every case is one step away from a row that is legal: a copy of a row that the product itself wrote,
with the columns of LEGAL changed so that two such rows may stand side by side, and those of the
case on top.
"""

from datetime import timedelta
from decimal import Decimal
from itertools import product
from uuid import uuid4

import pytest
from django.utils import timezone

from apikeys.lifecycle import issue_key, rotate_key
from apikeys.limits.spending_limits import KeyLimits, SpendingLimit
from campaigns.history import record
from campaigns.models import Organization
from numbers.credit.payments import enter_payment
from numbers.events.publish import publish_events
from numbers.models import DeliveryAttempt, Refusal, Webhook, WebhookDelivery, WorkerQueue
from numbers.worker.duties import PeriodicDuty
from numbers.worker.failures import record_failure
from numbers.worker.presence import renew_presence
from numbers.worker.schedule import claim_duty, plan_duties, run_duty
from tests.support import db_assertions, factories
from tests.support.rows import OURS, allow, copy, names, refusing
from tests.support.submissions import submitted_brand, submitted_campaign

pytestmark = pytest.mark.django_db

NOW, LATER = "now()", "now() + interval '1 day'"
# An assignment that has no rent.
ANOTHER = """(SELECT id FROM numbers_assignment a WHERE NOT EXISTS (
    SELECT FROM numbers_rent r WHERE r.assignment_id = a.id))"""

# A key without a budget.
OTHER_KEY = (
    "(SELECT id FROM apikeys_apikey WHERE id NOT IN (SELECT key_id FROM apikeys_keybudget) "
    "ORDER BY id LIMIT 1)"
)

# What makes a copy of a row legal: another name, another place in the ledger, an ownership that is
# over.
LEGAL = {
    "campaigns_organization": {"name": "'Another'"},
    "campaigns_brand": {"name": "'Another'"},
    "campaigns_campaign": {},
    "campaigns_event": {},
    "campaigns_outboxentry": {},
    "apikeys_apikey": {"digest": "repeat('0', 64)", "previous_digest": "repeat('1', 64)"},
    "apikeys_keybudget": {"key_id": OTHER_KEY, "within": f"ARRAY[{OTHER_KEY}]"},
    "numbers_stockbatch": {},
    "numbers_phonenumber": {"number": "'+14152000999'"},
    "numbers_assignment": {"ended_at": LATER, "inbound_url": "''", "status_url": "''"},
    "numbers_rent": {"assignment_id": ANOTHER},
    "numbers_rentcharge": {"period": "period + 1"},
    "numbers_numberevent": {},
    "numbers_refusal": {},
    "numbers_job": {},
    "numbers_duty": {"name": "'another_duty'"},
    "numbers_workerprocess": {},
    "numbers_queuefailures": {"queue": "'duties'"},
    "numbers_jobinput": {"position": "position + 1"},
    "numbers_order": {},
    "numbers_reservation": {},
    "numbers_creditaccount": {
        "organization_id": "(SELECT id FROM campaigns_organization WHERE name = 'Newcomer')",
        "balance": "0",
        "entries": "0",
    },
    "numbers_creditentry": {"entry": "3", "balance_before": "99", "balance_after": "199"},
    "numbers_idempotencyrecord": {"key": "'another'"},
    "numbers_webhook": {},
    "numbers_webhookdelivery": {"event_id": "gen_random_uuid()"},
    "numbers_deliveryattempt": {},
    "numbers_webhookcursor": {},
}
ONLY_ROW = {"numbers_webhookcursor"}  # no second row of it is legal
WHERE = {
    "apikeys_apikey": "previous_digest IS NOT NULL",
    "campaigns_brand": "reference_id = ''",
    "campaigns_campaign": "reference_id = ''",
    "numbers_phonenumber": "number = '+14152000005'",
    "numbers_assignment": "ended_at IS NULL",
    # The account of the buyer: a third entry continues its second.
    "numbers_creditentry": "kind = 'top_up' AND account_id IN (SELECT organization_id FROM numbers_order)",
}
CHARGE = {
    "kind": "'charge'",
    "amount": "-1",
    "balance_after": "98",
    "order_id": "(SELECT id FROM numbers_order)",
}
# With a reference to an entry that does not exist, which is checked last.
NO_REVERSALS = [
    {},
    CHARGE,
    {"kind": "'correction'"},
    {"kind": "'reversal'", "order_id": CHARGE["order_id"]},
    {"kind": "'reversal'", "amount": "0", "balance_after": "99"},
]

# Of one of the two numbers that are sold.
RENT = """
    INSERT INTO numbers_rent (assignment_id, organization_id, sandbox, anchor, monthly_price, first_period,
                              next_period, next_charge_at, release_at_period_end, is_open)
    SELECT a.id, a.organization_id, false, a.created_at, 1, 1, 2,
           numberdesk_period_start(a.created_at, 2), false, true
    FROM numbers_assignment a ORDER BY price LIMIT 1
"""
RENT_CHARGE = """
    INSERT INTO numbers_rentcharge (assignment_id, period, begins_at, amount, entry_id)
    SELECT assignment_id, 1, numberdesk_period_start(anchor, 1), 1,
           (SELECT min(id) FROM numbers_creditentry)
    FROM numbers_rent
"""

NO_ACTOR = [("actor", "''"), ("actor", "'alice'"), ("actor", "'key:'"), ("actor", "'robot:x'")]
ILLEGIBLE = [
    *("E'a\\tb'", "E'a\\nb'", "U&'\\200B'", "U&'a\\202Eb'", "' a'", "'a '", "U&'\\200D'"),
    *("'018F0000-0000-7000-8000-000000000000'", "repeat('0', 32)"),
]
BLANK = ["''", "' '"]

SUBMITTED_BRAND = {
    "submitted_at": NOW,
    "reference_id": "'r'",
    "legal_name": "'Legal'",
    "tax_id": "'sealed'",
    "tax_id_end": "'6789'",
    "country": "'US'",
    "vertical": "'RETAIL'",
    "website": "'https://a.example'",
}
SUBMITTED_CAMPAIGN = {
    "submitted_at": NOW,
    "reference_id": "'r'",
    "use_case": "'2FA'",
    "description": "'d'",
    "message_flow": "'m'",
    "samples": "ARRAY['a', 'b']",
    "opt_in_message": "'o'",
    "help_message": "'h'",
}


def one_missing(submission):
    """Each way to leave a part of it out."""
    missing = {"samples": ["ARRAY['a']", "ARRAY[]::text[]", "ARRAY['a','b','c','d','e','f']"]}
    return [
        {**submission, name: value}
        for name in submission
        if name != "submitted_at"
        for value in missing.get(name, ["''"])
    ]


BULK = {"kind": "'quantity'", "criteria": "'{}'", "max_price_per_number": "1.00"}
FAILED = {"fill_attempts": "1", "next_attempt_at": NOW, "last_error": "'no such thing'"}
CASES = {
    "campaigns_organization": {
        "organization_name_unique": [{"name": "'OWNER'"}],
        "organization_external_id_unique": [{"external_id": "'crm-1'"}],
        "organization_name_not_blank": [{"name": value} for value in BLANK],
        "organization_name_rule": [{"name": value} for value in ILLEGIBLE],
        "organization_status_known": [{"status": "'active'"}, {"status": "''"}],
    },
    "campaigns_brand": {
        "brand_name_unique_in_organization": [{"name": "upper(name)"}],
        "brand_name_not_blank": [{"name": value} for value in BLANK],
        "brand_name_rule": [{"name": value} for value in ILLEGIBLE],
        "brand_status_known": [{"status": "'GONE'"}],
        "brand_identity_status_known": [
            {"identity_status": "'verified'"},
            {"identity_status": "''"},
        ],
        "brand_reference_unique": [{"reference_id": "'brand-1'"}],
        "brand_submitted_whole": [
            *one_missing(SUBMITTED_BRAND),
            {**SUBMITTED_BRAND, "country": "'us'"},
            {**SUBMITTED_BRAND, "vertical": "'SHOPS'"},
            {**SUBMITTED_BRAND, "website": "'ftp://a.example'"},
        ],
        "brand_reasons_of_unverified": [
            {"rejection_reasons": "'[{}]'", "identity_status": value}
            for value in ("'VERIFIED'", "'SELF_DECLARED'")
        ],
    },
    "campaigns_campaign": {
        "campaign_name_not_blank": [{"name": value} for value in BLANK],
        "campaign_name_rule": [{"name": value} for value in ILLEGIBLE],
        "campaign_status_known": [{"status": "'SUSPENDED'"}],
        "campaign_rejected_with_reason": [
            {"status": "'REJECTED'", "status_reason": value} for value in BLANK
        ],
        "campaign_reference_unique": [{"reference_id": "'campaign-1'"}],
        "campaign_submitted_whole": [
            *one_missing(SUBMITTED_CAMPAIGN),
            {**SUBMITTED_CAMPAIGN, "use_case": "'ANYTHING'"},
        ],
        "campaign_reasons_of_rejected": [
            {"rejection_reasons": "'[{}]'", "status": value} for value in ("'ACTIVE'", "'PENDING'")
        ],
    },
    "campaigns_event": {
        "event_actor_named": [{name: value} for name, value in NO_ACTOR],
        "event_request_named": [{"request_id": value} for value in BLANK],
        "event_subject_known": [{"subject": "'number'"}],
    },
    "campaigns_outboxentry": {
        "outbox_entry_whole": [
            {"event_count": "0"},
            {"event_count": "-1"},
            {"subject_id": "NULL", "data": "NULL"},
            {"event_count": "4097"},
        ],
    },
    "apikeys_apikey": {
        "apikey_digest_unique": [{"digest": "digest"}],
        "apikey_digest_form": [
            {"digest": "repeat('0', 63)"},
            {"digest": "repeat('G', 64)"},
            {"digest": "''"},
        ],
        "apikey_prefix_form": [
            {"prefix": "'am_live_'"},
            {"prefix": "'am_prod_abcd'"},
            {"prefix": "'am_live_abcdefghi'"},
        ],
        "apikey_platform_apart": [
            {"organization_id": "NULL"},
            {"prefix": "'am_plat_abcd'"},
            {"scopes": "ARRAY['numbers:read', 'platform:credit']::varchar[]"},
            {"organization_id": "NULL", "prefix": "'am_plat_abcd'"},
        ],
        "apikey_label_not_blank": [{"label": value} for value in BLANK],
        "apikey_scopes_known": [
            {"scopes": "ARRAY['numbers:read', 'numbers:sell']::varchar[]"},
            {"scopes": "ARRAY[]::varchar[]"},
            {"scopes": "ARRAY[NULL]::varchar[]"},
        ],
        "apikey_expires_after_creation": [{"expires_at": "created_at"}],
        "apikey_previous_whole": [
            {"previous_prefix": "NULL"},
            {"previous_digest": "NULL"},
            {"previous_until": "NULL"},
            {"previous_digest": "'gone'"},
            {"previous_until": "rotated_at"},
            {"rotated_at": "NULL"},
        ],
        "apikey_previous_digest_unique": [{"previous_digest": "previous_digest"}],
        "apikey_max_numbers_in_bounds": [
            {"max_numbers_per_order": value} for value in ("0", "-1", "1001")
        ],
    },
    "apikeys_keybudget": {
        "budget_period_known": [{"period": "'year'"}],
        "budget_amount_in_bounds": [
            {"amount": "-0.01"},
            {"amount": "1000000000.00"},
            {"amount": "'NaN'"},
            {"amount": "NULL"},
        ],
        "budget_spent_in_bounds": [{"spent": "-0.01"}, {"spent": "'NaN'"}],
        "budget_within_its_own": [
            {"within": "ARRAY[]::uuid[]"},
            {"within": "ARRAY[gen_random_uuid()]"},
            {"within": f"array_fill({OTHER_KEY}, ARRAY[11])"},
        ],
    },
    "numbers_stockbatch": {
        "batch_source_known": [{"source": "'found'"}],
        "batch_actor_named": [{name: value} for name, value in NO_ACTOR],
    },
    "numbers_phonenumber": {
        "phone_number_unique": [{"number": "number"}],
        "phone_number_e164": [
            {"number": f"'{value}'"}
            for value in ("14155550123", "+04155550123", "+1415555012x", "+1", "+1 4155", "")
        ],
        "phone_number_price_in_bounds": [
            {"price": "-0.01"},
            {"price": "1000000000.00"},
            {"price": "'NaN'"},
        ],
        "phone_number_monthly_price_in_bounds": [
            {"monthly_price": "-0.01"},
            {"monthly_price": "1000000000.00"},
            {"monthly_price": "'NaN'"},
        ],
        "phone_number_type_known": [{"number_type": "'mobile'"}],
    },
    "numbers_assignment": {
        "assignment_one_owner": [{"ended_at": "NULL"}],
        "assignment_ends_after_start": [{"ended_at": "created_at - interval '1 microsecond'"}],
        "assignment_price_not_negative": [{"price": "-0.01"}, {"price": "'NaN'"}],
        "assignment_monthly_price_not_negative": [
            {"monthly_price": "-0.01"},
            {"monthly_price": "'NaN'"},
        ],
        "assignment_inbound_url_https": [
            {"ended_at": "NULL", "inbound_url": "'http://customer.example/'"}
        ],
        "assignment_status_url_https": [{"ended_at": "NULL", "status_url": "'customer.example'"}],
        "assignment_ended_not_routed": [
            {"inbound_url": "'https://x.example'"},
            {"status_url": "'https://x.example'"},
        ],
        "assignment_locked_not_ended": [{"locked_at": NOW}],
    },
    "numbers_rent": {
        "rent_price_in_bounds": [
            {"monthly_price": "-0.01"},
            {"monthly_price": "1000000000.00"},
            {"monthly_price": "'NaN'"},
        ],
        "rent_notice_whole": [
            {"next_monthly_price": "1"},
            {"next_monthly_price_from": NOW},
            {"next_monthly_price": "-0.01", "next_monthly_price_from": NOW},
            {"next_monthly_price": "'NaN'", "next_monthly_price_from": NOW},
        ],
        "rent_periods_in_order": [
            {"first_period": "0"},
            {"first_period": "next_period + 1"},
        ],
        "rent_charged_on_its_day": [
            {"next_charge_at": "next_charge_at + interval '1 day'"},
            {"next_period": "next_period + 1"},
            {"anchor": "anchor - interval '1 second'"},
        ],
        "rent_suspended_when_past_due": [{"suspended_at": NOW}],
        "rent_sandbox_never_past_due": [{"sandbox": "true", "past_due_since": NOW}],
    },
    "numbers_rentcharge": {
        "rent_charged_once": [{"period": "period"}],
        "rent_charge_of_a_period": [{"period": "0"}],
        "rent_charge_in_the_ledger": [
            {"entry_id": "NULL"},
            {"amount": "0"},
            {"amount": "-1"},
            {"amount": "'NaN'"},
        ],
    },
    "numbers_numberevent": {
        "number_event_kind_known": [{"kind": "'lost'"}],
        "number_event_actor_named": [{name: value} for name, value in NO_ACTOR],
        "number_event_request_named": [{"request_id": value} for value in BLANK],
    },
    "numbers_job": {
        "job_actor_named": [{name: value} for name, value in NO_ACTOR],
        "job_request_named": [{"request_id": value} for value in BLANK],
        "job_started_when_it_ran": [
            {"status": "'running'", "heartbeat_at": NOW},
            {"status": "'done'", "finished_at": NOW},
        ],
        "job_heartbeat_while_running": [
            {"status": "'running'", "started_at": NOW},
            {"heartbeat_at": NOW},
        ],
        "job_tried_before_next_attempt": [{"next_attempt_at": NOW}],
        "job_finished_when_over": [{"status": "'cancelled'"}, {"finished_at": NOW}],
    },
    "numbers_duty": {
        "duty_name_form": [
            {"name": value} for value in ("''", "'Sweep'", "' sweep'", "'sweep-up'")
        ],
        "duty_one_schedule": [
            {"every_seconds": "NULL"},
            {"every_seconds": "0"},
            {"daily_at": "'03:30'"},
            {"every_seconds": "-1", "daily_at": "'03:30'"},
        ],
        "duty_outcome_known": [{"outcome": "'lost'", "finished_at": NOW}],
        "duty_finished_with_outcome": [{"finished_at": "NULL"}, {"outcome": "''"}],
        "duty_error_when_failed": [
            {"error": "'x'"},
            {"outcome": "'failed'"},
            {"outcome": "'failed'", "error": "' '"},
        ],
        "duty_succeeded_when_done": [{"succeeded_at": "NULL"}],
        "duty_owner_has_heartbeat": [
            {"owner": "'host:1'"},
            {"beat_at": NOW},
            {"owner": "'host:1'", "beat_at": NOW},
            {"owner": "'host:1'", "beat_at": NOW, "attempts": "1", "started_at": "NULL"},
        ],
        "duty_counts_add_up": [{"attempts": "-1"}, {"failures": "-1"}, {"failures": "runs + 1"}],
    },
    "numbers_workerprocess": {
        "worker_named": [
            *({"name": value} for value in BLANK),
            *({"host": value} for value in BLANK),
        ],
    },
    "numbers_queuefailures": {
        "queue_failures_known": [{"queue": "'orders'"}],
        "queue_failures_counted": [{"failures": "0"}],
    },
    "numbers_jobinput": {"job_input_once": [{"position": "position"}]},
    "numbers_refusal": {
        "refusal_code_not_blank": [{"code": value} for value in BLANK],
        "refusal_found_too_little": [
            {"wanted": wanted, "found": found}
            for wanted, found in (("1", "1"), ("1", "-1"), ("1", "NULL"), ("NULL", "1"), ("0", "1"))
        ],
        "refusal_requested_some": [{"requested": "0", "available": "NULL"}],
        "refusal_available_too_few": [
            {"requested": "2", "available": "2"},
            {"requested": "2", "available": "-1"},
            {"requested": "NULL", "available": "0"},
        ],
        "refusal_wanted_where_unmet": [
            {"code": "'INSUFFICIENT_CREDIT'", "wanted": "1", "found": "0"}
        ],
        "refusal_criteria_of_search": [
            {"code": "'INSUFFICIENT_INVENTORY'", name: "'415'"}
            for name in ("area_code", "number_type", "pattern")
        ],
    },
    "numbers_order": {
        "order_kind_known": [{"kind": "'gift'"}],
        "order_actor_named": [{name: value} for name, value in NO_ACTOR],
        "order_quantity_in_bounds": [{"quantity": "0"}, {"quantity": "1001"}],
        "order_waiting_reason_of_pending": [{"waiting_reason": "'SPENDING_LIMIT_EXCEEDED'"}],
        "order_inbound_url_https": [
            {"inbound_url": "'HTTPS://customer.example/'"},
            {"inbound_url": "'http://x.example'"},
        ],
        "order_status_url_https": [
            {"status_url": "'HTTPS://customer.example/'"},
            {"status_url": "'customer.example'"},
        ],
        "order_max_price_in_bounds": [
            {"max_price_per_number": "1.00"},  # of an order of named numbers
            *(
                {**BULK, "max_price_per_number": price}
                for price in ("-0.01", "1000000000.00", "'NaN'")
            ),
            {
                **BULK,
                "status": "'pending'",
                "total": "NULL",
                "finished_at": "NULL",
                "max_price_per_number": "NULL",
            },
        ],
        "order_attempts_whole": [
            {
                "fill_attempts": "1",
                "next_attempt_at": NOW,
                "last_error": "'x'",
            },  # of an order of named numbers
            *(
                {**BULK, **{name: value for name, value in FAILED.items() if name != gone}}
                for gone in FAILED
            ),
            {**BULK, **FAILED, "fill_attempts": "-1"},
            {**BULK, **FAILED, "last_error": "' '"},
        ],
        "order_closing_note_of_cancelled": [{"closing_note": "'x'"}],
        "order_currency_form": [{"currency": "'usd'"}, {"currency": "''"}],
        "order_kind_whole": [
            {"criteria": "'{}'"},
            {"kind": "'quantity'"},
            {"status": "'pending'", "total": "NULL", "finished_at": "NULL"},
        ],
        "order_closed_by_someone": [
            {"closed_by": "'command:tests'", "closed_in_request": "'x'"},
            {"closed_by": "'command:tests'"},
            {"closed_in_request": "'x'"},
            {"status": "'gone'"},
        ],
    },
    "numbers_reservation": {
        "reservation_has_a_length": [{"expires_at": "created_at"}],
        "reservation_not_empty": [{"numbers": "ARRAY[]::varchar[]"}],
        "reservation_actor_named": [{name: value} for name, value in NO_ACTOR],
    },
    "numbers_creditaccount": {
        "credit_not_negative": [
            {"balance": "-0.01", "entries": "1"},
            {"balance": "'NaN'", "entries": "1"},
        ],
        "credit_currency_form": [{"currency": "'US'"}, {"currency": "'us$'"}],
        "credit_starts_at_zero": [{"balance": "1"}, {"entries": "-1"}],
    },
    "numbers_creditentry": {
        "credit_entry_unique": [{"entry": "2"}],
        "credit_one_charge_per_order": [CHARGE],
        "credit_entry_kind_known": [{"kind": "'gift'"}],
        "credit_entry_actor_named": [{name: value} for name, value in NO_ACTOR],
        "credit_entry_not_negative": [
            {**CHARGE, "amount": "-100", "balance_after": "-1"},
            {"balance_before": "'NaN'", "balance_after": "'NaN'"},
        ],
        "credit_entry_adds_up": [{"balance_after": "199.01"}],
        "credit_entry_kind_whole": [
            {**CHARGE, "order_id": "NULL"},
            {**CHARGE, "amount": "1", "balance_after": "100"},
            {**CHARGE, "kind": "'top_up'"},
            {"amount": "-1", "balance_after": "98"},
            {"kind": "'correction'", "amount": "0", "balance_after": "99"},
            {"kind": "'correction'", "order_id": CHARGE["order_id"]},
            {"kind": "'reversal'"},
            *({**row, "reverses_id": "-1"} for row in NO_REVERSALS),
        ],
        "credit_entry_reference_unique": [
            {
                "kind": "'top_up'",
                "amount": "5",
                "reference": "'invoice-1'",
                **{
                    name: f"(SELECT {value} FROM numbers_creditentry WHERE reference = 'invoice-1')"
                    for name, value in {
                        "account_id": "account_id",
                        "entry": "entry + 1",
                        "balance_before": "balance_after",
                        "balance_after": "balance_after + 5",
                    }.items()
                },
            }
        ],
        "credit_entry_reversed_once": [
            {
                "kind": "'reversal'",
                "amount": "-100",
                "balance_before": "100",
                **{
                    name: f"(SELECT {name} FROM numbers_creditentry WHERE kind = 'reversal')"
                    for name in ("account_id", "reverses_id")
                },
                "balance_after": "0",
            }
        ],
        "credit_entry_first_from_zero": [
            {"entry": "1"},
            {"entry": "0"},
            {"entry": "0", "balance_before": "0", "balance_after": "100"},
        ],
    },
    "numbers_idempotencyrecord": {"idempotency_key_unique": [{"key": "key"}]},
    "numbers_webhook": {
        "webhook_url_form": [{"url": "'ftp://a.example/'"}, {"url": "''"}],
        "webhook_events_some": [{"events": "ARRAY[]::varchar[]"}],
        "webhook_status_known": [{"status": "'gone'", "due_at": "NULL"}],
        "webhook_disabled_with_reason": [
            {"status": "'disabled'", "due_at": "NULL"},
            {"status": "'disabled'", "due_at": "NULL", "disabled_at": NOW},
            {"disabled_at": NOW},
            {"disabled_reason": "'gone'"},
        ],
        "webhook_secret_until_deleted": [
            {"secret": "''"},
            {"deleted_at": NOW, "due_at": "NULL"},
        ],
        "webhook_previous_secret_ends": [
            {"previous_secret": "'x'"},
            {"previous_secret_until": NOW},
        ],
        "webhook_failing_whole": [
            {"failures": "1"},
            {"failing_since": NOW},
            {"probe_at": NOW},
            {"failures": "-1"},
        ],
        "webhook_due_only_if_active": [
            {"status": "'paused'"},
            {"deleted_at": NOW, "secret": "''"},
        ],
    },
    "numbers_webhookdelivery": {
        "delivery_once": [{"event_id": "event_id"}],
        "delivery_status_known": [{"status": "'gone'", "due_at": "NULL", "finished_at": NOW}],
        "delivery_due_while_pending": [
            {"due_at": "NULL"},
            {"finished_at": NOW},
            {"status": "'failed'"},
        ],
        "delivery_leased_while_pending": [
            {"leased_until": LATER, "tries": "1"},
            {"leased_until": LATER, "due_at": LATER},
            {"leased_until": LATER, "due_at": "NULL", "status": "'failed'", "finished_at": NOW},
        ],
        "delivery_tries_counted": [{"tries": "-1"}],
    },
    "numbers_deliveryattempt": {
        "attempt_status_code_form": [{"status_code": "99", "error": "'x'"}],
        "attempt_error_unless_success": [
            {"status_code": "200"},
            {"error": "''"},
            {"status_code": "500", "error": "''"},
        ],
        "attempt_milliseconds_counted": [{"milliseconds": "-1"}],
    },
    "numbers_webhookcursor": {
        "webhook_cursor_only_one": [{"id": "2"}],
        "webhook_cursor_counts": [{"position": "-1"}],
    },
}
EACH = [pytest.param(table, name, id=name) for table, rules in CASES.items() for name in rules]


@pytest.fixture(autouse=True)
def world(api, cast):
    """One row of every table, written by the product: an order of a number with a campaign, and a hold."""
    newcomer = factories.organization("Newcomer", credit=None)
    Organization.objects.filter(pk=newcomer.pk).update(external_id="crm-1")
    campaign = factories.campaign(cast.owner)
    submitted_brand(api)
    submitted_campaign(api, campaign.brand)
    record(campaign, "created", actor=factories.actor())
    key, _ = issue_key(
        organization=cast.owner,
        scopes=["numbers:read"],
        label="a key",
        actor=factories.actor(),
        limits=KeyLimits(SpendingLimit(Decimal("5.00"), "day")),
    )
    rotate_key(
        key_id=key.pk,
        organization_id=cast.owner.pk,
        actor=factories.actor(),
        grace=timedelta(hours=1),
    )
    sold, held, _free = factories.stock(*factories.line(3, 3))
    factories.hold(cast.stranger, held)
    factories.reverse(cast.stranger, kind="top_up")
    enter_payment(
        organization_id=cast.sandbox.pk,
        amount=Decimal("5.00"),
        reference="invoice-1",
        note="",
        actor=factories.actor(),
    )
    factories.job()
    background_work()
    webhooks(cast)
    Refusal.objects.create(
        organization_id=cast.owner.pk, code="SEARCH_SHORT", actor="key:x", request_id="x"
    )
    (free_of_charge,) = factories.stock(*factories.line(9), price="0.00")
    response = api.order(
        [sold, free_of_charge], campaign_id=str(campaign.pk), headers={"Idempotency-Key": "k"}
    )
    assert response.status_code == 200
    db_assertions.run(RENT, RENT_CHARGE)


def background_work():
    """A duty that is done, a live worker, a counted failure."""
    duties = {"sweep": PeriodicDuty("sweep", lambda: "", every_seconds=60)}
    plan_duties(duties)
    run_duty(claim_duty(duties), is_stopping=lambda: False)
    renew_presence(uuid4())
    record_failure(WorkerQueue.JOBS, "an id", ValueError("planted"))


def webhooks(cast):
    """An endpoint with a delivery whose first attempt failed."""
    now = timezone.now()
    webhook = Webhook.objects.create(
        organization=cast.owner,
        url="https://example.com/hook",
        events=["*"],
        secret="sealed",
        followed_from=0,
        due_at=now,
    )
    delivery = WebhookDelivery.objects.create(
        webhook=webhook, event_id=uuid4(), event_type="order.completed", due_at=now
    )
    DeliveryAttempt.objects.create(delivery=delivery, at=now, error="refused", milliseconds=3)


def changed(table, changes):
    return copy(table, WHERE.get(table, "true"), **LEGAL[table] | changes)


def test_whole_submissions_are_legal():
    allow(changed, "campaigns_brand", SUBMITTED_BRAND)
    allow(changed, "campaigns_campaign", SUBMITTED_CAMPAIGN)


def test_base_rows_of_the_cases_are_legal():
    for table in LEGAL.keys() - ONLY_ROW:
        allow(changed, table, {})


@pytest.mark.parametrize(("table", "name"), EACH)
def test_row_that_breaks_a_rule_is_refused_by_its_name(table, name):
    for changes in CASES[table][name]:
        assert refusing(changed, table, changes).constraint_name == name, changes


# --- the two that spell out each legal row whole: every combination ------------------------------

HELD = ("held_for_id", "held_until", "reservation_id")
HOLD = {
    "held_for_id": "(SELECT id FROM campaigns_organization WHERE name = 'Owner')",
    "held_until": LATER,
    "reservation_id": "(SELECT id FROM numbers_reservation)",
}


@pytest.mark.parametrize("status", ["available", "assigned", "quarantined", "retired", "sold", ""])
def test_number_is_in_exactly_one_legal_state(status):
    for quarantined, *held in product([False, True], repeat=4):
        changes = {"status": f"'{status}'", "quarantined_until": LATER if quarantined else "NULL"}
        changes |= {
            name: HOLD[name] if set_ else "NULL" for name, set_ in zip(HELD, held, strict=True)
        }
        legal = {
            "available": not quarantined and len(set(held)) == 1,
            "quarantined": quarantined and not any(held),
            "assigned": not quarantined and not any(held),
            "retired": not quarantined and not any(held),
        }
        if legal.get(status):
            allow(changed, "numbers_phonenumber", changes)
        else:
            assert (
                refusing(changed, "numbers_phonenumber", changes).constraint_name
                == "phone_number_state"
            )


@pytest.mark.parametrize("status", ["pending", "complete", "failed", "cancelled"])
def test_bulk_order_is_in_exactly_one_legal_state(status):
    closed = {"closed_by": "'command:tests'", "closed_in_request": "'x'"}
    for total, finished, reason in product(
        ["NULL", "0", "-1", "'NaN'"], ["NULL", NOW], ["''", "'credit'"]
    ):
        changes = {**BULK, "status": f"'{status}'", "total": total}
        changes |= {"finished_at": finished, "failure_reason": reason}
        changes |= closed if status in ("failed", "cancelled") else {}
        legal = {
            "pending": (total, finished, reason) == ("NULL", "NULL", "''"),
            "complete": (total, finished, reason) == ("0", NOW, "''"),
            "failed": (total, finished, reason) == ("NULL", NOW, "'credit'"),
            "cancelled": (total, finished, reason) == ("NULL", NOW, "''"),
        }
        if legal[status]:
            allow(changed, "numbers_order", changes)
        else:
            assert refusing(changed, "numbers_order", changes).constraint_name == "order_state", (
                changes
            )


# --- the only row of its table -------------------------------------------------------------------

HEAD = {
    "feed_head_only_one": ["id = 2"],
    "feed_head_in_order": ["removed_up_to = position + 1"],
    "feed_head_counts": ["removed = published + 1", "removed = -1"],
}


@pytest.mark.parametrize("name", HEAD)
def test_head_of_the_feed_keeps_its_rules(name):
    publish_events()
    for change in HEAD[name]:
        diag = refusing(db_assertions.run, f"UPDATE numbers_feedhead SET {change}")
        assert diag.constraint_name == name


# --- and nothing is left out ---------------------------------------------------------------------

TESTED = {name for constraints in CASES.values() for name in constraints} | {
    "phone_number_state",
    "order_state",
    *HEAD,
    # tests/campaigns/registry/test_states.py has those of the state table.
    "status_transition_machine_known",
    "status_transition_moves",
}
# The first is implied by credit_entry_unique, and there for the ledger's foreign keys to point at;
# the second by job_finished_when_over, which spells out every status.
IMPLIED = {"credit_entry_link", "job_status_known"}


def test_every_constraint_refuses_some_row_here():
    checks = f"SELECT conname FROM pg_constraint WHERE contype IN ('c', 'u', 'x') AND conrelid::regclass::text {OURS}"
    indexes = f"""
        SELECT i.indexrelid::regclass::text FROM pg_index i
        WHERE i.indisunique AND NOT i.indisprimary AND i.indrelid::regclass::text {OURS}"""
    assert names(checks) | names(indexes) == TESTED | IMPLIED
