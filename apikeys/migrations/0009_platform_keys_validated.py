from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Apart from 0008, whose lock it would keep while it reads the table."""

    dependencies = [("apikeys", "0008_platform_keys")]

    operations = [
        ValidateConstraint("apikey", "apikey_scopes_known"),
        ValidateConstraint("apikey", "apikey_prefix_form"),
        ValidateConstraint("apikey", "apikey_platform_apart"),
    ]
