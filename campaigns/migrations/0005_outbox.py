import django.db.models.functions.datetime
from django.db import migrations, models

import config.db.fields


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0004_one_rule_for_names_validated"),
    ]

    operations = [
        migrations.CreateModel(
            name="OutboxEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("organization_id", models.UUIDField()),
                ("type", models.CharField(max_length=32)),
                (
                    "at",
                    config.db.fields.CreatedAt(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("subject_id", models.UUIDField(null=True)),
                ("event_count", models.SmallIntegerField()),
                ("data", models.JSONField(null=True)),
            ],
            options={
                "verbose_name_plural": "outbox entries",
                "ordering": ["id"],
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("event_count__gte", 1),
                            models.Q(
                                ("subject_id__isnull", False),
                                ("data__isnull", False),
                                _connector="OR",
                            ),
                        ),
                        name="outbox_entry_whole",
                    )
                ],
            },
        ),
    ]
