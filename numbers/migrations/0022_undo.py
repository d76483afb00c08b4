"""Undo of releases, reversals of ledger entries, reasons of cancelled orders. 0023 validates."""

import django.db.models.deletion
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q

ENTRY_KINDS = ["top_up", "charge", "correction", "reversal"]
EVENT_KINDS = [
    *("assigned", "released", "release_undone", "routed", "held", "hold_released", "hold_moved"),
    *("quarantine_ended", "retired", "restored", "priced", "changed"),
]

# An ended assignment may be opened again while its number is in the quarantine that follows it.
# The lock on the number makes orders and releases of it wait, so that none slips in between the
# check and the write. What is open again must own its number when the transaction commits.
REOPENING = migrations.RunSQL(
    [
        """
        CREATE OR REPLACE FUNCTION numberdesk_keep_assignment() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF (NEW.id, NEW.number_id, NEW.organization_id, NEW.order_id, NEW.price, NEW.created_at)
               IS DISTINCT FROM
               (OLD.id, OLD.number_id, OLD.organization_id, OLD.order_id, OLD.price, OLD.created_at)
               OR (OLD.ended_at IS NOT NULL AND NEW.ended_at IS NOT NULL)
            THEN
                RAISE EXCEPTION 'an assignment is routed or ended, never rewritten'
                    USING ERRCODE = 'restrict_violation';
            END IF;
            IF OLD.ended_at IS NOT NULL THEN
                PERFORM FROM numbers_phonenumber n
                WHERE n.id = OLD.number_id AND n.status = 'quarantined'
                  AND n.quarantined_until > now()
                FOR NO KEY UPDATE;
                IF NOT FOUND OR EXISTS (
                    SELECT FROM numbers_assignment a
                    WHERE a.number_id = OLD.number_id AND a.id <> OLD.id AND a.created_at >= OLD.created_at)
                THEN
                    RAISE EXCEPTION 'an assignment is opened again only in the quarantine that follows it'
                        USING ERRCODE = 'restrict_violation';
                END IF;
            END IF;
            RETURN NEW;
        END $$
        """,
        """
        CREATE FUNCTION numberdesk_owns_when_open() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (
                SELECT FROM numbers_assignment a JOIN numbers_phonenumber n ON n.id = a.number_id
                WHERE a.id = NEW.id AND a.ended_at IS NULL AND n.status <> 'assigned')
            THEN
                RAISE EXCEPTION 'an assignment that is open again owns its number'
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NULL;
        END $$
        """,
        """
        CREATE CONSTRAINT TRIGGER numbers_assignment_reopened AFTER UPDATE ON numbers_assignment
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
        WHEN (OLD.ended_at IS NOT NULL AND NEW.ended_at IS NULL)
        EXECUTE FUNCTION numberdesk_owns_when_open()
        """,
    ],
    [
        "DROP TRIGGER numbers_assignment_reopened ON numbers_assignment",
        "DROP FUNCTION numberdesk_owns_when_open()",
        """
        CREATE OR REPLACE FUNCTION numberdesk_keep_assignment() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.ended_at IS NOT NULL
               OR (NEW.id, NEW.number_id, NEW.organization_id, NEW.order_id, NEW.price, NEW.created_at)
                  IS DISTINCT FROM
                  (OLD.id, OLD.number_id, OLD.organization_id, OLD.order_id, OLD.price, OLD.created_at)
            THEN
                RAISE EXCEPTION 'an assignment is routed or ended, never rewritten'
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
        """,
    ],
)

# Entries never change, so what holds when a reversal is written holds for good.
REVERSAL = migrations.RunSQL(
    [
        """
        CREATE FUNCTION numberdesk_check_reversal() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (
                SELECT FROM numbers_creditentry e
                WHERE e.id = NEW.reverses_id
                  AND (e.kind = 'reversal' OR e.account_id <> NEW.account_id
                       OR e.currency <> NEW.currency OR e.amount <> -NEW.amount))
            THEN
                RAISE EXCEPTION 'a reversal takes back the whole of one entry of its account, not a reversal'
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$
        """,
        """
        CREATE TRIGGER numbers_creditentry_reversal BEFORE INSERT ON numbers_creditentry
        FOR EACH ROW WHEN (NEW.reverses_id IS NOT NULL) EXECUTE FUNCTION numberdesk_check_reversal()
        """,
    ],
    [
        "DROP TRIGGER numbers_creditentry_reversal ON numbers_creditentry",
        "DROP FUNCTION numberdesk_check_reversal()",
    ],
)


def kinds(values):
    return [(value, value.replace("_", " ").title()) for value in values]


class Migration(migrations.Migration):
    dependencies = [("numbers", "0021_feed")]

    operations = [
        migrations.AddField(
            "creditentry",
            "reverses",
            models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reversals",
                to="numbers.creditentry",
            ),
        ),
        migrations.AddField(
            "order",
            "closing_note",
            models.CharField(blank=True, db_default="", default="", max_length=256),
        ),
        # Names for people only: the columns stay as they are.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    "creditentry",
                    "kind",
                    models.CharField(choices=kinds(ENTRY_KINDS), max_length=16),
                ),
                migrations.AlterField(
                    "numberevent",
                    "kind",
                    models.CharField(choices=kinds(EVENT_KINDS), max_length=24),
                ),
            ]
        ),
        migrations.RemoveConstraint("creditentry", "credit_entry_kind_known"),
        AddConstraintNotValid(
            "creditentry",
            models.CheckConstraint(
                condition=Q(kind__in=ENTRY_KINDS), name="credit_entry_kind_known"
            ),
        ),
        migrations.RemoveConstraint("creditentry", "credit_entry_kind_whole"),
        AddConstraintNotValid(
            "creditentry",
            models.CheckConstraint(
                condition=Q(
                    kind="charge", order__isnull=False, amount__lte=0, reverses__isnull=True
                )
                | Q(kind="top_up", order__isnull=True, amount__gt=0, reverses__isnull=True)
                | Q(kind="correction", order__isnull=True, reverses__isnull=True) & ~Q(amount=0)
                | Q(kind="reversal", order__isnull=True, reverses__isnull=False) & ~Q(amount=0),
                name="credit_entry_kind_whole",
            ),
        ),
        migrations.RemoveConstraint("numberevent", "number_event_kind_known"),
        AddConstraintNotValid(
            "numberevent",
            models.CheckConstraint(
                condition=Q(kind__in=EVENT_KINDS), name="number_event_kind_known"
            ),
        ),
        AddConstraintNotValid(
            "order",
            models.CheckConstraint(
                condition=Q(closing_note="") | Q(status="cancelled"),
                name="order_closing_note_of_cancelled",
            ),
        ),
        REOPENING,
        REVERSAL,
    ]
