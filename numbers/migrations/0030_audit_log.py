from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    """Indexes of the audit log. Sales write to none of them."""

    atomic = False

    dependencies = [("numbers", "0029_words_of_the_desk")]

    operations = [
        AddIndexConcurrently(
            "numberevent",
            models.Index(
                fields=["organization_id", "-id"],
                name="number_event_act",
                condition=~Q(kind="assigned"),
            ),
        ),
        AddIndexConcurrently(
            "creditentry",
            models.Index(
                fields=["account", "-id"], name="credit_entry_act", condition=~Q(kind="charge")
            ),
        ),
        AddIndexConcurrently(
            "order",
            models.Index(
                fields=["-finished_at", "-id"], name="order_closed", condition=~Q(closed_by="")
            ),
        ),
    ]
