from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Apart from 0005, whose lock it would keep while it reads the table."""

    dependencies = [("apikeys", "0005_scopes_of_webhooks")]

    operations = [ValidateConstraint("apikey", "apikey_scopes_known")]
