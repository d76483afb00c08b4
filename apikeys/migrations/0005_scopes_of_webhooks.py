from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q

SCOPES = [
    *("numbers:read", "numbers:write", "campaigns:read", "brands:read"),
    *("apikeys:read", "apikeys:write", "credit:read", "events:read"),
    *("webhooks:read", "webhooks:write"),
    "platform:inventory:write",
]


class Migration(migrations.Migration):
    """Two scopes more. 0006 validates the constraint."""

    dependencies = [("apikeys", "0004_scope_of_events_validated")]

    operations = [
        migrations.RemoveConstraint("apikey", "apikey_scopes_known"),
        AddConstraintNotValid(
            "apikey",
            models.CheckConstraint(
                condition=Q(scopes__contained_by=SCOPES) & Q(scopes__len__gt=0),
                name="apikey_scopes_known",
            ),
        ),
    ]
