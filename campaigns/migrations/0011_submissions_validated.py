from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models
from django.db.models import Q


def unique(model: str, column: str, name: str) -> migrations.SeparateDatabaseAndState:
    """Return the unique index of references, made without a lock that writers wait for."""
    return migrations.SeparateDatabaseAndState(
        database_operations=[
            migrations.RunSQL(
                f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON campaigns_{model} "
                f"({column}_id, reference_id) WHERE NOT reference_id = ''",
                f"DROP INDEX CONCURRENTLY {name}",
            )
        ],
        state_operations=[
            migrations.AddConstraint(
                model,
                models.UniqueConstraint(
                    fields=[column, "reference_id"], condition=~Q(reference_id=""), name=name
                ),
            )
        ],
    )


class Migration(migrations.Migration):
    """Apart from 0010, whose locks it would keep while it reads the tables."""

    atomic = False

    dependencies = [("campaigns", "0010_submissions")]

    operations = [
        ValidateConstraint("brand", "brand_submitted_whole"),
        ValidateConstraint("brand", "brand_reasons_of_unverified"),
        ValidateConstraint("campaign", "campaign_submitted_whole"),
        ValidateConstraint("campaign", "campaign_reasons_of_rejected"),
        unique("brand", "organization", "brand_reference_unique"),
        unique("campaign", "brand", "campaign_reference_unique"),
    ]
