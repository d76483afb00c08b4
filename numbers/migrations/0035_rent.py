"""Rent: its months, and the ledger entries that charge them. 0036 validates."""

from decimal import Decimal

import django.db.models.deletion
import django.db.models.functions.datetime
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import F, Q

import config.db.fields
from config.db.triggers import append_only
from numbers.roles import make_groups

LARGEST = Decimal("999999999.99")
ENTRY_KINDS = ["top_up", "charge", "rent", "correction", "reversal"]
EVENT_KINDS = [
    *("assigned", "released", "release_undone", "routed", "locked", "unlocked"),
    *("held", "hold_released", "hold_moved"),
    *("quarantine_ended", "retired", "restored", "priced", "changed"),
    *("past_due", "suspended", "resumed", "rent_changed"),
]

# Month n begins n months after the sale, counted from the sale each time: January 31st, February
# 28th, March 31st. In UTC, whatever the time zone of the session is.
PERIODS = migrations.RunSQL(
    """
    CREATE FUNCTION numberdesk_period_start(anchor timestamptz, period integer) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT ((anchor AT TIME ZONE 'UTC') + make_interval(months => period)) AT TIME ZONE 'UTC'
    $$
    """,
    "DROP FUNCTION numberdesk_period_start(timestamptz, integer)",
)
ON_ITS_DAY = migrations.RunSQL(
    """
    ALTER TABLE numbers_rent ADD CONSTRAINT rent_charged_on_its_day
    CHECK (next_charge_at = numberdesk_period_start(anchor, next_period))
    """,
    "ALTER TABLE numbers_rent DROP CONSTRAINT rent_charged_on_its_day",
)
# Rent follows its assignment, by whatever door that is released, given back or locked. What is
# locked does not end by itself.
FOLLOWS = migrations.RunSQL(
    [
        """
        CREATE FUNCTION numberdesk_follow_assignment() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE numbers_rent
            SET is_open = NEW.ended_at IS NULL,
                release_at_period_end = release_at_period_end AND NEW.locked_at IS NULL
            WHERE assignment_id = NEW.id;
            RETURN NULL;
        END $$
        """,
        """
        CREATE TRIGGER numbers_assignment_rented AFTER UPDATE ON numbers_assignment FOR EACH ROW
        WHEN ((OLD.ended_at, OLD.locked_at) IS DISTINCT FROM (NEW.ended_at, NEW.locked_at))
        EXECUTE FUNCTION numberdesk_follow_assignment()
        """,
    ],
    [
        "DROP TRIGGER numbers_assignment_rented ON numbers_assignment",
        "DROP FUNCTION numberdesk_follow_assignment()",
    ],
)


def kinds(values):
    return [(value, value.replace("_", " ").title()) for value in values]


def price(**options):
    return models.DecimalField(decimal_places=2, max_digits=12, **options)


def protected(to, **options):
    options = {"on_delete": django.db.models.deletion.PROTECT, "to": to, **options}
    return models.ForeignKey(**options)


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0012_words_of_the_desk"),
        ("numbers", "0034_monthly_price_covered"),
    ]

    operations = [
        PERIODS,
        migrations.CreateModel(
            name="Rent",
            fields=[
                (
                    "assignment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="rent",
                        serialize=False,
                        to="numbers.assignment",
                    ),
                ),
                ("sandbox", models.BooleanField(default=False)),
                ("anchor", models.DateTimeField()),
                ("monthly_price", price()),
                ("next_monthly_price", price(blank=True, null=True)),
                ("next_monthly_price_from", models.DateTimeField(blank=True, null=True)),
                ("first_period", models.IntegerField()),
                ("next_period", models.IntegerField()),
                ("next_charge_at", models.DateTimeField()),
                ("past_due_since", models.DateTimeField(blank=True, null=True)),
                ("suspended_at", models.DateTimeField(blank=True, null=True)),
                ("release_at_period_end", models.BooleanField(default=False)),
                ("is_open", models.BooleanField(default=True)),
                (
                    "organization",
                    protected("campaigns.organization", db_index=False, related_name="+"),
                ),
            ],
            options={
                "ordering": ["-assignment"],
                "indexes": [
                    models.Index(
                        condition=Q(is_open=True, past_due_since__isnull=True),
                        fields=["next_charge_at"],
                        include=["organization"],
                        name="rent_due",
                    ),
                    models.Index(
                        condition=Q(is_open=True),
                        fields=["organization", "next_charge_at"],
                        name="rent_of_organization",
                    ),
                    models.Index(
                        condition=Q(is_open=True, past_due_since__isnull=False),
                        fields=["organization", "past_due_since"],
                        name="rent_in_arrears",
                    ),
                    models.Index(
                        condition=Q(is_open=True, release_at_period_end=True),
                        fields=["next_charge_at"],
                        include=["organization"],
                        name="rent_ending",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(monthly_price__gte=0, monthly_price__lte=LARGEST),
                        name="rent_price_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=Q(
                            next_monthly_price__isnull=True, next_monthly_price_from__isnull=True
                        )
                        | Q(
                            next_monthly_price__isnull=False,
                            next_monthly_price_from__isnull=False,
                            next_monthly_price__gte=0,
                            next_monthly_price__lte=LARGEST,
                        ),
                        name="rent_notice_whole",
                    ),
                    models.CheckConstraint(
                        condition=Q(first_period__gte=1, next_period__gte=F("first_period")),
                        name="rent_periods_in_order",
                    ),
                    models.CheckConstraint(
                        condition=Q(suspended_at__isnull=True) | Q(past_due_since__isnull=False),
                        name="rent_suspended_when_past_due",
                    ),
                    models.CheckConstraint(
                        condition=Q(sandbox=False) | Q(past_due_since__isnull=True),
                        name="rent_sandbox_never_past_due",
                    ),
                ],
            },
        ),
        ON_ITS_DAY,
        FOLLOWS,
        migrations.CreateModel(
            name="RentCharge",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("period", models.IntegerField()),
                ("begins_at", models.DateTimeField()),
                ("amount", price()),
                (
                    "created_at",
                    config.db.fields.CreatedAt(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                (
                    "assignment",
                    protected("numbers.assignment", db_index=False, related_name="rent_charges"),
                ),
                (
                    "entry",
                    protected(
                        "numbers.creditentry", blank=True, null=True, related_name="rent_charges"
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("assignment", "period"), name="rent_charged_once"
                    ),
                    models.CheckConstraint(
                        condition=Q(period__gte=1), name="rent_charge_of_a_period"
                    ),
                    models.CheckConstraint(
                        condition=Q(entry__isnull=True, amount=0)
                        | Q(entry__isnull=False, amount__gt=0, amount__lte=LARGEST),
                        name="rent_charge_in_the_ledger",
                    ),
                ],
            },
        ),
        *append_only("numbers_rentcharge"),
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
                | Q(kind="rent", order__isnull=True, amount__lt=0, reverses__isnull=True)
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
        migrations.RunPython(make_groups, migrations.RunPython.noop),
    ]
