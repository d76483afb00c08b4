from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("numbers", "0015_one_price_bound_validated"),
    ]

    operations = [
        migrations.CreateModel(
            name="Duty",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("every_seconds", models.IntegerField(null=True)),
                ("daily_at", models.TimeField(help_text="UTC", null=True)),
                ("next_at", models.DateTimeField()),
                ("owner", models.CharField(blank=True, default="", max_length=128)),
                ("beat_at", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("succeeded_at", models.DateTimeField(null=True)),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[("", "not run yet"), ("done", "Done"), ("failed", "Failed")],
                        default="",
                        max_length=16,
                    ),
                ),
                ("result", models.CharField(blank=True, default="", max_length=512)),
                ("error", models.CharField(blank=True, default="", max_length=512)),
                ("attempts", models.IntegerField(default=0)),
                ("runs", models.BigIntegerField(default=0)),
                ("failures", models.BigIntegerField(default=0)),
            ],
            options={
                "verbose_name_plural": "duties",
                "ordering": ["name"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="QueueFailures",
            fields=[
                (
                    "queue",
                    models.CharField(
                        choices=[
                            ("backorders", "Backorders"),
                            ("jobs", "Jobs"),
                            ("bulk_actions", "Bulk Actions"),
                            ("duties", "Duties"),
                        ],
                        max_length=16,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("failures", models.BigIntegerField()),
                ("last_item", models.CharField(max_length=64)),
                ("last_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "queue failures",
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="WorkerProcess",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=128)),
                ("host", models.CharField(max_length=64)),
                ("started_at", models.DateTimeField()),
                ("beat_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "worker processes",
                "ordering": ["name"],
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="job",
            name="next_attempt_at",
            field=models.DateTimeField(null=True),
        ),
        AddConstraintNotValid(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("next_attempt_at__isnull", True), ("attempts__gt", 0), _connector="OR"
                ),
                name="job_tried_before_next_attempt",
            ),
        ),
        ValidateConstraint(model_name="job", name="job_tried_before_next_attempt"),
        migrations.AddConstraint(
            model_name="duty",
            constraint=models.CheckConstraint(
                condition=models.Q(("name__regex", "^[a-z][a-z_]*$")), name="duty_name_form"
            ),
        ),
        migrations.AddConstraint(
            model_name="duty",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("daily_at__isnull", True),
                        ("every_seconds__gt", 0),
                        ("every_seconds__isnull", False),
                    ),
                    models.Q(("daily_at__isnull", False), ("every_seconds__isnull", True)),
                    _connector="OR",
                ),
                name="duty_one_schedule",
            ),
        ),
        migrations.AddConstraint(
            model_name="duty",
            constraint=models.CheckConstraint(
                condition=models.Q(("outcome__in", ["", "done", "failed"])),
                name="duty_outcome_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="duty",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("finished_at__isnull", True), ("outcome", "")),
                    models.Q(
                        models.Q(("outcome", ""), _negated=True), ("finished_at__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="duty_finished_with_outcome",
            ),
        ),
        migrations.AddConstraint(
            model_name="duty",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("error__regex", "\\S"), ("outcome", "failed")),
                    models.Q(models.Q(("outcome", "failed"), _negated=True), ("error", "")),
                    _connector="OR",
                ),
                name="duty_error_when_failed",
            ),
        ),
        migrations.AddConstraint(
            model_name="duty",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("outcome", "done"), _negated=True),
                    ("succeeded_at__isnull", False),
                    _connector="OR",
                ),
                name="duty_succeeded_when_done",
            ),
        ),
        migrations.AddConstraint(
            model_name="duty",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("beat_at__isnull", True), ("owner", "")),
                    models.Q(
                        ("attempts__gt", 0),
                        ("beat_at__isnull", False),
                        ("owner__regex", "\\S"),
                        ("started_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="duty_owner_has_heartbeat",
            ),
        ),
        migrations.AddConstraint(
            model_name="duty",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("attempts__gte", 0), ("failures__gte", 0), ("runs__gte", models.F("failures"))
                ),
                name="duty_counts_add_up",
            ),
        ),
        migrations.AddConstraint(
            model_name="queuefailures",
            constraint=models.CheckConstraint(
                condition=models.Q(("queue__in", ["backorders", "jobs", "bulk_actions", "duties"])),
                name="queue_failures_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="queuefailures",
            constraint=models.CheckConstraint(
                condition=models.Q(("failures__gt", 0)), name="queue_failures_counted"
            ),
        ),
        migrations.AddConstraint(
            model_name="workerprocess",
            constraint=models.CheckConstraint(
                condition=models.Q(("host__regex", "\\S"), ("name__regex", "\\S")),
                name="worker_named",
            ),
        ),
    ]
