from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Why a backorder waits though the stock could fill it. 0032 validates."""

    dependencies = [("numbers", "0030_audit_log"), ("apikeys", "0015_key_limits_validated")]

    operations = [
        migrations.AddField(
            "order",
            "waiting_reason",
            models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        AddConstraintNotValid(
            "order",
            models.CheckConstraint(
                condition=Q(waiting_reason="") | Q(status="pending"),
                name="order_waiting_reason_of_pending",
            ),
        ),
    ]
