from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

SUBJECTS = ["organization", "brand", "campaign", "api_key", "webhook"]


class Migration(migrations.Migration):
    """One subject of the history more. 0008 validates the constraint."""

    dependencies = [("campaigns", "0006_found_by_name")]

    operations = [
        # Names for people only: the column stays as it is.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    "event",
                    "subject",
                    models.CharField(
                        max_length=16,
                        choices=[
                            ("organization", "Organization"),
                            ("brand", "Brand"),
                            ("campaign", "Campaign"),
                            ("api_key", "Api Key"),
                            ("webhook", "Webhook"),
                        ],
                    ),
                ),
            ]
        ),
        migrations.RemoveConstraint("event", "event_subject_known"),
        AddConstraintNotValid(
            "event",
            models.CheckConstraint(
                condition=models.Q(subject__in=SUBJECTS), name="event_subject_known"
            ),
        ),
    ]
