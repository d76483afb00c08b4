"""Indexes for choosing numbers by batch, carrier, price and label."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

FREE = Q(status__in=["available", "quarantined"])


class Migration(migrations.Migration):
    """Concurrently, while a live stock of ten million is sold."""

    atomic = False

    dependencies = [("numbers", "0024_webhooks")]

    operations = [
        AddIndexConcurrently(
            "phonenumber",
            models.Index(fields=["batch", "number"], name="phone_number_of_batch"),
        ),
        AddIndexConcurrently(
            "phonenumber",
            models.Index(
                fields=["carrier", "number"],
                name="phone_number_of_carrier",
                condition=FREE & ~Q(carrier=""),
            ),
        ),
        AddIndexConcurrently(
            "phonenumber",
            models.Index(fields=["price", "number"], name="phone_number_of_price", condition=FREE),
        ),
        AddIndexConcurrently(
            "assignment",
            models.Index(
                fields=["label", "-id"],
                name="assignment_labelled",
                condition=Q(ended_at__isnull=True) & ~Q(label=""),
            ),
        ),
    ]
