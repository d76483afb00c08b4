from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Apart from 0007, whose lock it would keep while it reads the table."""

    dependencies = [("campaigns", "0007_history_of_webhooks")]

    operations = [ValidateConstraint("event", "event_subject_known")]
