import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import config.db.fields
from numbers.roles import make_groups


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0005_outbox"),
        ("numbers", "0023_undo_validated"),
    ]

    operations = [
        migrations.CreateModel(
            name="Webhook",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=config.db.fields.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("url", models.CharField(max_length=2048)),
                (
                    "events",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32), size=None
                    ),
                ),
                ("description", models.CharField(blank=True, default="", max_length=256)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("active", "Active"),
                            ("paused", "Paused"),
                            ("disabled", "Disabled"),
                        ],
                        default="active",
                        max_length=16,
                    ),
                ),
                ("disabled_reason", models.CharField(blank=True, default="", max_length=512)),
                ("disabled_at", models.DateTimeField(blank=True, null=True)),
                ("secret", models.TextField()),
                ("previous_secret", models.TextField(blank=True, default="")),
                ("previous_secret_until", models.DateTimeField(blank=True, null=True)),
                ("followed_from", models.BigIntegerField()),
                ("failures", models.IntegerField(default=0)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("probe_at", models.DateTimeField(blank=True, null=True)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                (
                    "created_at",
                    config.db.fields.CreatedAt(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="webhooks",
                        to="campaigns.organization",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="WebhookCursor",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("position", models.BigIntegerField()),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="webhook_cursor_only_one"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("position__gte", 0)), name="webhook_cursor_counts"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=config.db.fields.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("event_id", models.UUIDField()),
                ("event_type", models.CharField(max_length=32)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                        ],
                        default="pending",
                        max_length=16,
                    ),
                ),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                ("leased_until", models.DateTimeField(blank=True, null=True)),
                ("tries", models.IntegerField(default=0)),
                (
                    "created_at",
                    config.db.fields.CreatedAt(
                        db_default=django.db.models.functions.datetime.Now(), editable=False
                    ),
                ),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "webhook",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="numbers.webhook",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "webhook deliveries",
                "ordering": ["-event_id"],
            },
        ),
        migrations.CreateModel(
            name="DeliveryAttempt",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("status_code", models.SmallIntegerField(blank=True, null=True)),
                ("error", models.CharField(blank=True, default="", max_length=512)),
                ("response", models.CharField(blank=True, default="", max_length=512)),
                ("milliseconds", models.IntegerField()),
                (
                    "delivery",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="attempts",
                        to="numbers.webhookdelivery",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "default_permissions": (),
            },
        ),
        migrations.AddIndex(
            model_name="webhook",
            index=models.Index(fields=["organization", "-id"], name="webhook_of_organization"),
        ),
        migrations.AddIndex(
            model_name="webhook",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="webhook_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(("url__regex", "^https?://.")), name="webhook_url_form"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(("events__len__gt", 0)), name="webhook_events_some"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["active", "paused", "disabled"])),
                name="webhook_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("disabled_at__isnull", False),
                        ("disabled_reason__regex", "\\S"),
                        ("status", "disabled"),
                    ),
                    models.Q(
                        models.Q(("status", "disabled"), _negated=True),
                        ("disabled_at__isnull", True),
                        ("disabled_reason", ""),
                    ),
                    _connector="OR",
                ),
                name="webhook_disabled_with_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("deleted_at__isnull", True), ("secret__regex", "\\S")),
                    models.Q(
                        ("deleted_at__isnull", False), ("previous_secret", ""), ("secret", "")
                    ),
                    _connector="OR",
                ),
                name="webhook_secret_until_deleted",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("previous_secret", ""), ("previous_secret_until__isnull", True)),
                    models.Q(
                        ("previous_secret__regex", "\\S"), ("previous_secret_until__isnull", False)
                    ),
                    _connector="OR",
                ),
                name="webhook_previous_secret_ends",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("failing_since__isnull", True), ("failures", 0), ("probe_at__isnull", True)
                    ),
                    models.Q(
                        ("failing_since__isnull", False),
                        ("failures__gt", 0),
                        ("probe_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="webhook_failing_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("due_at__isnull", True),
                    models.Q(("deleted_at__isnull", True), ("status", "active")),
                    _connector="OR",
                ),
                name="webhook_due_only_if_active",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("status", "pending")),
                fields=["webhook", "due_at"],
                name="delivery_due",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("leased_until__isnull", False)),
                fields=["webhook"],
                name="delivery_leased",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                fields=["webhook", "status", "-event_id"], name="delivery_by_status"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.UniqueConstraint(
                fields=("webhook", "event_id"), name="delivery_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["pending", "succeeded", "failed"])),
                name="delivery_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("due_at__isnull", False),
                        ("finished_at__isnull", True),
                        ("status", "pending"),
                    ),
                    models.Q(
                        models.Q(("status", "pending"), _negated=True),
                        ("due_at__isnull", True),
                        ("finished_at__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="delivery_due_while_pending",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("leased_until__isnull", True),
                    models.Q(
                        ("due_at", models.F("leased_until")),
                        ("status", "pending"),
                        ("tries__gt", 0),
                    ),
                    _connector="OR",
                ),
                name="delivery_leased_while_pending",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(("tries__gte", 0)), name="delivery_tries_counted"
            ),
        ),
        migrations.AddConstraint(
            model_name="deliveryattempt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status_code__isnull", True),
                    ("status_code__range", (100, 999)),
                    _connector="OR",
                ),
                name="attempt_status_code_form",
            ),
        ),
        migrations.AddConstraint(
            model_name="deliveryattempt",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("error", ""),
                        ("status_code__isnull", False),
                        ("status_code__range", (200, 299)),
                    ),
                    models.Q(
                        models.Q(
                            ("status_code__isnull", True),
                            models.Q(("status_code__range", (200, 299)), _negated=True),
                            _connector="OR",
                        ),
                        ("error__regex", "\\S"),
                    ),
                    _connector="OR",
                ),
                name="attempt_error_unless_success",
            ),
        ),
        migrations.AddConstraint(
            model_name="deliveryattempt",
            constraint=models.CheckConstraint(
                condition=models.Q(("milliseconds__gte", 0)), name="attempt_milliseconds_counted"
            ),
        ),
        # What happened before this goes to no endpoint: there was none.
        migrations.RunSQL(
            "INSERT INTO numbers_webhookcursor (id, position) "
            "SELECT 1, coalesce((SELECT position FROM numbers_feedhead WHERE id = 1), 0)",
            migrations.RunSQL.noop,
        ),
        migrations.RunPython(make_groups, migrations.RunPython.noop),
    ]
