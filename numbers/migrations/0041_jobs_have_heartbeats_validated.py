from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    """Apart from 0040, whose lock it would keep while it reads the table."""

    dependencies = [("numbers", "0040_jobs_have_heartbeats")]

    operations = [ValidateConstraint("job", "job_heartbeat_while_running")]
