from decimal import Decimal

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q

NO_RENT = Decimal("0.00")


def monthly_price():
    return models.DecimalField(decimal_places=2, default=NO_RENT, db_default=NO_RENT, max_digits=12)


COLUMNS = "id number_id organization_id order_id price created_at"
REOPENED = """
            IF OLD.ended_at IS NOT NULL THEN
                PERFORM FROM numbers_phonenumber n
                WHERE n.id = OLD.number_id AND n.status = 'quarantined'
                  AND n.quarantined_until > now()
                FOR NO KEY UPDATE;
                IF NOT FOUND OR EXISTS (
                    SELECT FROM numbers_assignment a
                    WHERE a.number_id = OLD.number_id AND a.id <> OLD.id
                      AND a.created_at >= OLD.created_at)
                THEN
                    RAISE EXCEPTION 'an assignment is opened again only in the quarantine that follows it'
                        USING ERRCODE = 'restrict_violation';
                END IF;
            END IF;
"""


def function(columns):
    new, old = (", ".join(f"{row}.{one}" for one in columns.split()) for row in ("NEW", "OLD"))
    return f"""
        CREATE OR REPLACE FUNCTION numberdesk_keep_assignment() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF ({new}) IS DISTINCT FROM ({old})
               OR (OLD.ended_at IS NOT NULL AND NEW.ended_at IS NOT NULL)
            THEN
                RAISE EXCEPTION 'an assignment is routed or ended, never rewritten'
                    USING ERRCODE = 'restrict_violation';
            END IF;
            {REOPENED}
            RETURN NEW;
        END $$
    """


def keep_identity():
    """Return the operation that makes the monthly price of the sale unchangeable."""
    return migrations.RunSQL(function(f"{COLUMNS} monthly_price"), function(COLUMNS))


class Migration(migrations.Migration):
    """A monthly price of numbers, and of the sale. 0034 validates, and rebuilds the indexes.

    The default is a constant, so that ten million rows are not rewritten.
    """

    dependencies = [("numbers", "0032_waiting_reason_validated")]

    operations = [
        migrations.AddField("phonenumber", "monthly_price", monthly_price()),
        migrations.AddField("assignment", "monthly_price", monthly_price()),
        AddConstraintNotValid(
            "phonenumber",
            models.CheckConstraint(
                condition=Q(monthly_price__gte=0, monthly_price__lte=Decimal("999999999.99")),
                name="phone_number_monthly_price_in_bounds",
            ),
        ),
        AddConstraintNotValid(
            "assignment",
            models.CheckConstraint(
                condition=Q(monthly_price__gte=0, monthly_price__lt=10**12),
                name="assignment_monthly_price_not_negative",
            ),
        ),
        keep_identity(),
    ]
