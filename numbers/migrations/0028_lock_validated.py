from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Apart from 0027, whose locks it would keep while it reads the tables."""

    dependencies = [("numbers", "0027_lock")]

    operations = [
        ValidateConstraint("assignment", "assignment_locked_not_ended"),
        ValidateConstraint("numberevent", "number_event_kind_known"),
    ]
