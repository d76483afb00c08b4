"""An index for parts of organizations' names, which the operators' search looks for."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("campaigns", "0005_outbox")]

    operations = [
        # It stays behind: the indexes of numbers need it too.
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS pg_trgm", migrations.RunSQL.noop),
        AddIndexConcurrently(
            "organization",
            GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="organization_name_part"),
        ),
    ]
