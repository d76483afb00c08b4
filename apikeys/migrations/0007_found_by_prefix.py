"""An index for prefixes of keys, which the operators' search looks for."""

from django.contrib.postgres.indexes import OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("apikeys", "0006_scopes_of_webhooks_validated")]

    operations = [
        AddIndexConcurrently(
            "apikey",
            models.Index(OpClass("prefix", name="varchar_pattern_ops"), name="apikey_by_prefix"),
        ),
    ]
