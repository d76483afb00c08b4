from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Apart from 0015, whose lock it would keep while it reads the table."""

    dependencies = [("campaigns", "0015_events_have_ids")]

    operations = [ValidateConstraint("outboxentry", "outbox_entry_whole")]
