from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Apart from 0037, whose locks it would keep while it reads the table."""

    atomic = False
    dependencies = [("numbers", "0037_refused_orders")]

    operations = [
        AddIndexConcurrently(
            "refusal",
            models.Index(
                fields=["idempotency_key"],
                name="refusal_of_key",
                condition=~Q(idempotency_key=""),
            ),
        ),
        ValidateConstraint("refusal", "refusal_requested_some"),
        ValidateConstraint("refusal", "refusal_available_too_few"),
    ]
