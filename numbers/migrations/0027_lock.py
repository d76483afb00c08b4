from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q

EVENT_KINDS = [
    *("assigned", "released", "release_undone", "routed", "locked", "unlocked"),
    *("held", "hold_released", "hold_moved"),
    *("quarantine_ended", "retired", "restored", "priced", "changed"),
]


class Migration(migrations.Migration):
    """Locks against release. 0028 validates the constraints."""

    dependencies = [("numbers", "0026_credit_references")]

    operations = [
        migrations.AddField("assignment", "locked_at", models.DateTimeField(blank=True, null=True)),
        AddConstraintNotValid(
            "assignment",
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(locked_at__isnull=True),
                name="assignment_locked_not_ended",
            ),
        ),
        # Names for people only: the column stays as it is.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    "numberevent",
                    "kind",
                    models.CharField(
                        choices=[(kind, kind.replace("_", " ").title()) for kind in EVENT_KINDS],
                        max_length=24,
                    ),
                ),
            ]
        ),
        migrations.RemoveConstraint("numberevent", "number_event_kind_known"),
        AddConstraintNotValid(
            "numberevent",
            models.CheckConstraint(
                condition=Q(kind__in=EVENT_KINDS), name="number_event_kind_known"
            ),
        ),
    ]
