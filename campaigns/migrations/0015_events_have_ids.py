from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0014_words_of_subjects")]

    operations = [
        migrations.RemoveConstraint("outboxentry", "outbox_entry_whole"),
        AddConstraintNotValid(
            "outboxentry",
            models.CheckConstraint(
                condition=Q(event_count__range=(1, 4_096))
                & (Q(subject_id__isnull=False) | Q(data__isnull=False)),
                name="outbox_entry_whole",
            ),
        ),
    ]
