from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models
from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform

PENDING = Q(status="pending")
FREE = Q(status__in=["available", "quarantined"])
OFFERED = ["id", "number", "held_until", "held_for", "quarantined_until"]


class Migration(migrations.Migration):
    """Concurrently, while a live stock of ten million is sold."""

    atomic = False

    dependencies = [("numbers", "0018_backorders")]

    operations = [
        ValidateConstraint("order", "order_max_price_in_bounds"),
        ValidateConstraint("order", "order_attempts_whole"),
        AddIndexConcurrently(
            "order",
            models.Index(
                fields=[
                    "sandbox",
                    "organization",
                    "criteria",
                    "max_price_per_number",
                    "quantity",
                    "id",
                ],
                name="order_wish",
                condition=PENDING,
            ),
        ),
        AddIndexConcurrently(
            "order",
            models.Index(
                "sandbox",
                KeyTextTransform("area_code", "criteria"),
                name="order_area",
                condition=PENDING,
            ),
        ),
        AddIndexConcurrently(
            "order",
            models.Index(
                fields=["campaign"],
                name="order_pending_campaign",
                condition=Q(status="pending", campaign__isnull=False),
            ),
        ),
        AddIndexConcurrently(
            "phonenumber",
            models.Index(
                fields=[
                    "sandbox",
                    "area_code",
                    "number_type",
                    "sms_enabled",
                    "mms_enabled",
                    "price",
                ],
                name="phone_number_area_price",
                include=OFFERED,
                condition=FREE,
            ),
        ),
        AddIndexConcurrently(
            "phonenumber",
            models.Index(
                fields=["sandbox", "number_type", "sms_enabled", "mms_enabled", "price"],
                name="phone_number_type_price",
                include=OFFERED,
                condition=FREE,
            ),
        ),
    ]
