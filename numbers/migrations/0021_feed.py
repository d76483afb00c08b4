from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("numbers", "0020_found_again"),
    ]

    operations = [
        migrations.CreateModel(
            name="FeedEntry",
            fields=[
                ("position", models.BigIntegerField(primary_key=True, serialize=False)),
                ("id", models.UUIDField()),
                ("organization_id", models.UUIDField()),
                ("type", models.CharField(max_length=32)),
                ("at", models.DateTimeField()),
                ("subject_id", models.UUIDField(null=True)),
                ("event_count", models.SmallIntegerField()),
                ("data", models.JSONField(null=True)),
            ],
            options={
                "verbose_name_plural": "feed entries",
                "ordering": ["position"],
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        fields=["organization_id", "position"], name="feed_of_organization"
                    ),
                    models.Index(
                        fields=["organization_id", "type", "position"], name="feed_of_type"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FeedHead",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("position", models.BigIntegerField()),
                ("removed_up_to", models.BigIntegerField(db_default=0)),
                ("published", models.BigIntegerField(db_default=0)),
                ("removed", models.BigIntegerField(db_default=0)),
                ("began_at", models.DateTimeField(null=True)),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="feed_head_only_one"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("removed_up_to__lte", models.F("position"))),
                        name="feed_head_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("removed__gte", 0), ("removed__lte", models.F("published"))
                        ),
                        name="feed_head_counts",
                    ),
                ],
            },
        ),
        # Changes before this have no events; for an hour, processes of the release before may end.
        migrations.RunSQL(
            "INSERT INTO numbers_feedhead (id, position, began_at) "
            "VALUES (1, 0, now() + interval '1 hour')",
            migrations.RunSQL.noop,
        ),
    ]
