from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """The references of payments in the operator's billing."""

    atomic = False

    dependencies = [("numbers", "0025_chosen_numbers")]

    operations = [
        migrations.AddField(
            "creditentry",
            "reference",
            models.CharField(
                blank=True, db_collation="C", db_default="", default="", max_length=255
            ),
        ),
        # Django creates unique indexes under a lock that stops sales.
        migrations.RunSQL(
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS credit_entry_reference_unique "
            "ON numbers_creditentry (account_id, reference) WHERE NOT (reference = '')",
            "DROP INDEX CONCURRENTLY IF EXISTS credit_entry_reference_unique",
            state_operations=[
                migrations.AddConstraint(
                    "creditentry",
                    models.UniqueConstraint(
                        fields=["account", "reference"],
                        condition=~Q(reference=""),
                        name="credit_entry_reference_unique",
                    ),
                )
            ],
        ),
    ]
