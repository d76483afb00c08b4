from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("numbers", "0039_batches_by_note")]

    operations = [
        # The workers of the release before ended jobs in these states without looking.
        migrations.RunSQL(
            """
            UPDATE numbers_job SET heartbeat_at = NULL
            WHERE status <> 'running' AND heartbeat_at IS NOT NULL;
            UPDATE numbers_job SET heartbeat_at = clock_timestamp()
            WHERE status = 'running' AND heartbeat_at IS NULL
            """,
            migrations.RunSQL.noop,
        ),
        AddConstraintNotValid(
            "job",
            models.CheckConstraint(
                condition=Q(status="running", heartbeat_at__isnull=False)
                | (~Q(status="running") & Q(heartbeat_at__isnull=True)),
                name="job_heartbeat_while_running",
            ),
        ),
    ]
