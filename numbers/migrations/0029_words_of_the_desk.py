"""How numbers, orders and their history are called on the admin's pages."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("numbers", "0028_lock_validated"),
    ]

    # Only how columns are called on pages: nothing of the database changes.
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterModelOptions(
                    name="numberevent",
                    options={
                        "ordering": ["-id"],
                        "verbose_name": "change of a number",
                        "verbose_name_plural": "history of numbers",
                    },
                ),
                migrations.AlterField(
                    model_name="assignment",
                    name="inbound_url",
                    field=models.CharField(
                        blank=True, default="", max_length=2048, verbose_name="inbound URL"
                    ),
                ),
                migrations.AlterField(
                    model_name="assignment",
                    name="status_url",
                    field=models.CharField(
                        blank=True, default="", max_length=2048, verbose_name="status URL"
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="api_key_id",
                    field=models.UUIDField(blank=True, null=True, verbose_name="API key id"),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="inbound_url",
                    field=models.CharField(
                        blank=True, default="", max_length=2048, verbose_name="inbound URL"
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="kind",
                    field=models.CharField(
                        choices=[("named", "Named numbers"), ("quantity", "Bulk")], max_length=16
                    ),
                ),
                migrations.AlterField(
                    model_name="order",
                    name="status_url",
                    field=models.CharField(
                        blank=True, default="", max_length=2048, verbose_name="status URL"
                    ),
                ),
                migrations.AlterField(
                    model_name="phonenumber",
                    name="mms_enabled",
                    field=models.BooleanField(default=True, verbose_name="MMS enabled"),
                ),
                migrations.AlterField(
                    model_name="phonenumber",
                    name="sms_enabled",
                    field=models.BooleanField(default=True, verbose_name="SMS enabled"),
                ),
            ]
        )
    ]
