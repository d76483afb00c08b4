"""What a key may spend, and how many numbers it may order at once. 0015 validates."""

from decimal import Decimal

import django.contrib.postgres.fields
import django.db.models.deletion
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import F, Q

# The first day of the period that `at` is in. Orders, changes of limits and the proof use it.
WINDOW = migrations.RunSQL(
    """
    CREATE FUNCTION apikeys_window_start(period text, at timestamptz) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT CASE period WHEN 'total' THEN DATE '1970-01-01'
                           ELSE date_trunc(period, at AT TIME ZONE 'UTC')::date END
    $$
    """,
    "DROP FUNCTION apikeys_window_start(text, timestamptz)",
)
# The order judges the limit first. This refuses an order of code that does not.
GUARD = migrations.RunSQL(
    """
    CREATE FUNCTION apikeys_refuse_excess() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'key % would spend % of %', NEW.key_id, NEW.spent, NEW.amount
            USING ERRCODE = 'check_violation', CONSTRAINT = 'budget_never_exceeded';
    END $$;
    CREATE TRIGGER apikeys_keybudget_never_exceeded BEFORE UPDATE ON apikeys_keybudget
    FOR EACH ROW WHEN (
        NEW.spent > NEW.amount AND NEW.amount = OLD.amount AND NEW.period = OLD.period
        AND (NEW.spent > OLD.spent OR NEW.window_start <> OLD.window_start)
    ) EXECUTE FUNCTION apikeys_refuse_excess()
    """,
    "DROP TRIGGER apikeys_keybudget_never_exceeded ON apikeys_keybudget; "
    "DROP FUNCTION apikeys_refuse_excess()",
)


class Migration(migrations.Migration):
    dependencies = [("apikeys", "0013_scopes_of_submissions_validated")]

    operations = [
        migrations.AddField(
            "apikey", "max_numbers_per_order", models.SmallIntegerField(blank=True, null=True)
        ),
        AddConstraintNotValid(
            "apikey",
            models.CheckConstraint(
                condition=Q(max_numbers_per_order__isnull=True)
                | Q(
                    organization__isnull=False,
                    max_numbers_per_order__gte=1,
                    max_numbers_per_order__lte=1_000,
                ),
                name="apikey_max_numbers_in_bounds",
            ),
        ),
        WINDOW,
        migrations.CreateModel(
            "KeyBudget",
            fields=[
                (
                    "key",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="budget",
                        serialize=False,
                        to="apikeys.apikey",
                    ),
                ),
                ("amount", models.DecimalField(decimal_places=2, max_digits=12, null=True)),
                (
                    "period",
                    models.CharField(
                        choices=[
                            ("day", "Day"),
                            ("week", "Week"),
                            ("month", "Month"),
                            ("total", "Total"),
                        ],
                        max_length=8,
                    ),
                ),
                ("window_start", models.DateField()),
                ("spent", models.DecimalField(decimal_places=2, max_digits=14)),
                (
                    "within",
                    django.contrib.postgres.fields.ArrayField(models.UUIDField(), size=None),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(period__in=["day", "week", "month", "total"]),
                        name="budget_period_known",
                    ),
                    models.CheckConstraint(
                        condition=Q(amount__isnull=True, period="total")
                        | Q(
                            amount__isnull=False,
                            amount__gte=0,
                            amount__lte=Decimal("999999999.99"),
                        ),
                        name="budget_amount_in_bounds",
                    ),
                    models.CheckConstraint(
                        condition=Q(spent__gte=0, spent__lt=10**12), name="budget_spent_in_bounds"
                    ),
                    models.CheckConstraint(
                        condition=Q(within__contains=[F("key")]) & Q(within__len__lte=10),
                        name="budget_within_its_own",
                    ),
                ],
            },
        ),
        GUARD,
    ]
