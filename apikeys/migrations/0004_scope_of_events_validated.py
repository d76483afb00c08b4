from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Apart from 0003, whose lock it would keep while it reads the table."""

    dependencies = [("apikeys", "0003_scope_of_events")]

    operations = [ValidateConstraint("apikey", "apikey_scopes_known")]
