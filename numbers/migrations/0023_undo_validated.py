from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Concurrently, while a live stock of ten million is sold."""

    atomic = False

    dependencies = [("numbers", "0022_undo")]

    operations = [
        ValidateConstraint("creditentry", "credit_entry_kind_known"),
        ValidateConstraint("creditentry", "credit_entry_kind_whole"),
        ValidateConstraint("numberevent", "number_event_kind_known"),
        ValidateConstraint("order", "order_closing_note_of_cancelled"),
        # Django creates unique indexes under a lock that stops sales.
        migrations.RunSQL(
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS credit_entry_reversed_once "
            "ON numbers_creditentry (reverses_id) WHERE reverses_id IS NOT NULL",
            "DROP INDEX CONCURRENTLY IF EXISTS credit_entry_reversed_once",
            state_operations=[
                migrations.AddConstraint(
                    "creditentry",
                    models.UniqueConstraint(
                        fields=["reverses"],
                        condition=Q(reverses__isnull=False),
                        name="credit_entry_reversed_once",
                    ),
                )
            ],
        ),
    ]
