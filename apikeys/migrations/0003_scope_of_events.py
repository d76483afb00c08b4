from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q

SCOPES = [
    *("numbers:read", "numbers:write", "campaigns:read", "brands:read"),
    *("apikeys:read", "apikeys:write", "credit:read", "events:read"),
    "platform:inventory:write",
]


class Migration(migrations.Migration):
    """One scope more. 0004 validates the constraint."""

    dependencies = [("apikeys", "0002_failed_authentications")]

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
