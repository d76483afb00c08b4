from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("apikeys", "0014_key_limits")]

    operations = [ValidateConstraint("apikey", "apikey_max_numbers_in_bounds")]
