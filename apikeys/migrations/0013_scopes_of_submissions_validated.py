from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Apart from 0012, whose lock it would keep while it reads the table."""

    dependencies = [("apikeys", "0012_scopes_of_submissions")]

    operations = [
        ValidateConstraint("apikey", "apikey_scopes_known"),
        ValidateConstraint("apikey", "apikey_platform_apart"),
    ]
