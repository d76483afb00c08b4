"""The customer's reference of an order, the status of a refusal, and indexes that find both."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q
from django.db.models.functions import Upper

UNFILLED = Q(status__in=["pending", "failed", "cancelled"])
MISTAKES = Q(status__in=[400, 401, 403, 404, 405, 406, 410, 412, 413, 415, 422])


class Migration(migrations.Migration):
    """Concurrently, while a live stock of ten million is sold."""

    atomic = False

    dependencies = [("numbers", "0019_backorders_indexed")]

    operations = [
        migrations.AddField(
            "order",
            "customer_reference",
            models.CharField(
                blank=True, db_collation="C", db_default="", default="", max_length=255
            ),
        ),
        migrations.AddField("refusal", "status", models.SmallIntegerField(blank=True, null=True)),
        AddIndexConcurrently(
            "order",
            models.Index(
                fields=["organization", "status", "-id"],
                name="order_unfilled_of_organization",
                condition=UNFILLED,
            ),
        ),
        AddIndexConcurrently(
            "order",
            models.Index(
                fields=["organization", "-id"],
                name="order_bulk_of_organization",
                condition=Q(kind="quantity"),
            ),
        ),
        AddIndexConcurrently(
            "order",
            models.Index(
                fields=["customer_reference", "organization", "-id"],
                name="order_customer_reference",
                condition=~Q(customer_reference=""),
            ),
        ),
        AddIndexConcurrently(
            "refusal", models.Index(fields=["request_id"], name="refusal_of_request")
        ),
        AddIndexConcurrently(
            "refusal",
            models.Index(
                fields=["organization_id", "-id"], name="refusal_mistake", condition=MISTAKES
            ),
        ),
        AddIndexConcurrently("job", models.Index(fields=["request_id"], name="job_of_request")),
        AddIndexConcurrently(
            "job",
            GinIndex(
                OpClass(Upper("title"), name="gin_trgm_ops"),
                name="job_import_title",
                condition=Q(kind="import"),
            ),
        ),
    ]
