from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Apart from 0035, whose locks it would keep while it reads the tables."""

    dependencies = [("numbers", "0035_rent")]

    operations = [
        ValidateConstraint("creditentry", "credit_entry_kind_known"),
        ValidateConstraint("creditentry", "credit_entry_kind_whole"),
        ValidateConstraint("numberevent", "number_event_kind_known"),
    ]
