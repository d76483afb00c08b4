from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Concurrently: every request reads this table."""

    atomic = False

    dependencies = [("apikeys", "0010_previous_secret")]

    operations = [
        ValidateConstraint("apikey", "apikey_previous_whole"),
        # Django creates unique indexes under a lock that stops every request.
        migrations.RunSQL(
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS apikey_previous_digest_unique "
            "ON apikeys_apikey (previous_digest) WHERE previous_digest IS NOT NULL",
            "DROP INDEX CONCURRENTLY IF EXISTS apikey_previous_digest_unique",
            state_operations=[
                migrations.AddConstraint(
                    "apikey",
                    models.UniqueConstraint(
                        fields=["previous_digest"],
                        condition=Q(previous_digest__isnull=False),
                        name="apikey_previous_digest_unique",
                    ),
                )
            ],
        ),
    ]
