"""What backorders pay at most, and how they are retried. 0019 validates the constraints."""

from decimal import Decimal

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q

# Orders that wait already agreed to any price. Their customers see the bound and can cancel.
BOUND = "UPDATE numbers_order SET max_price_per_number = 999999999.99 WHERE status = 'pending'"


class Migration(migrations.Migration):
    dependencies = [("numbers", "0017_one_form_of_a_region")]

    operations = [
        migrations.AddField(
            "order",
            "max_price_per_number",
            models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True),
        ),
        migrations.AddField("order", "fill_attempts", models.IntegerField(db_default=0, default=0)),
        migrations.AddField(
            "order", "next_attempt_at", models.DateTimeField(blank=True, null=True)
        ),
        migrations.AddField(
            "order",
            "last_error",
            models.CharField(blank=True, db_default="", default="", max_length=512),
        ),
        migrations.RunSQL(BOUND, migrations.RunSQL.noop),
        AddConstraintNotValid(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=Q(max_price_per_number__isnull=True) & ~Q(status="pending")
                | Q(
                    kind="quantity",
                    max_price_per_number__isnull=False,
                    max_price_per_number__gte=0,
                    max_price_per_number__lte=Decimal("999999999.99"),
                ),
                name="order_max_price_in_bounds",
            ),
        ),
        AddConstraintNotValid(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=Q(fill_attempts=0, next_attempt_at__isnull=True, last_error="")
                | Q(
                    kind="quantity",
                    fill_attempts__gt=0,
                    next_attempt_at__isnull=False,
                    last_error__regex=r"\S",
                ),
                name="order_attempts_whole",
            ),
        ),
    ]
