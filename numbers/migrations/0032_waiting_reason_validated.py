from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Apart from 0031, whose lock it would keep while it reads the table."""

    dependencies = [("numbers", "0031_waiting_reason")]

    operations = [ValidateConstraint("order", "order_waiting_reason_of_pending")]
