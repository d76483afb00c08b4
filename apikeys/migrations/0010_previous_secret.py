"""The secret before a rotation, which works for its grace. 0011 validates, and adds the index."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("apikeys", "0009_platform_keys_validated")]

    operations = [
        migrations.AddField(
            "apikey",
            "previous_prefix",
            models.CharField(blank=True, max_length=24, null=True),
        ),
        migrations.AddField(
            "apikey",
            "previous_digest",
            models.CharField(blank=True, max_length=64, null=True),
        ),
        migrations.AddField(
            "apikey", "previous_until", models.DateTimeField(blank=True, null=True)
        ),
        AddConstraintNotValid(
            "apikey",
            models.CheckConstraint(
                condition=Q(
                    previous_prefix__isnull=True,
                    previous_digest__isnull=True,
                    previous_until__isnull=True,
                )
                | Q(
                    previous_prefix__isnull=False,
                    previous_digest__isnull=False,
                    previous_digest__regex=r"^[0-9a-f]{64}$",
                    previous_until__gt=F("rotated_at"),
                    previous_until__isnull=False,
                    rotated_at__isnull=False,
                ),
                name="apikey_previous_whole",
            ),
        ),
    ]
