from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    """Add what a refused order asked for. The defaults are the database's: no row is rewritten."""

    dependencies = [("numbers", "0036_rent_validated")]

    operations = [
        migrations.AddField("refusal", "requested", models.IntegerField(blank=True, null=True)),
        migrations.AddField("refusal", "available", models.IntegerField(blank=True, null=True)),
        migrations.AddField(
            "refusal",
            "named",
            ArrayField(
                models.CharField(max_length=16),
                blank=True,
                db_default=[],
                default=list,
                editable=False,
            ),
        ),
        migrations.AddField(
            "refusal",
            "idempotency_key",
            models.CharField(
                blank=True, db_collation="C", db_default="", default="", max_length=255
            ),
        ),
        AddConstraintNotValid(
            "refusal",
            models.CheckConstraint(
                condition=Q(requested__isnull=True) | Q(requested__gte=1),
                name="refusal_requested_some",
            ),
        ),
        AddConstraintNotValid(
            "refusal",
            models.CheckConstraint(
                condition=Q(available__isnull=True)
                | Q(
                    requested__isnull=False,
                    available__gte=0,
                    available__lt=F("requested"),
                ),
                name="refusal_available_too_few",
            ),
        ),
    ]
