from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False  # so that the check of the rows holds no lock of the constraint's creation
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
        ValidateConstraint("outboxentry", "outbox_entry_whole"),
    ]
