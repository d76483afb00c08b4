from django.db import migrations, models


class Migration(migrations.Migration):
    """The ids of organizations in the operator's own systems."""

    atomic = False

    dependencies = [("campaigns", "0008_history_of_webhooks_validated")]

    operations = [
        migrations.AddField(
            "organization",
            "external_id",
            models.CharField(
                blank=True, db_collation="C", db_default="", default="", max_length=255
            ),
        ),
        # Django creates unique indexes under a lock that stops orders.
        migrations.RunSQL(
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS organization_external_id_unique "
            "ON campaigns_organization (external_id) WHERE NOT (external_id = '')",
            "DROP INDEX CONCURRENTLY IF EXISTS organization_external_id_unique",
            state_operations=[
                migrations.AddConstraint(
                    "organization",
                    models.UniqueConstraint(
                        fields=["external_id"],
                        condition=~models.Q(external_id=""),
                        name="organization_external_id_unique",
                    ),
                )
            ],
        ),
    ]
