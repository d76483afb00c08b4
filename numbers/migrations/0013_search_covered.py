from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

SEARCHED = ["id", "number", "region", "price", "held_until", "held_for", "quarantined_until"]
BY_SPREAD = ["number_type", "sms_enabled", "mms_enabled", "spread"]
OFFERED = Q(status__in=["available", "quarantined"])


class Migration(migrations.Migration):
    # Concurrently, and without a lock that anybody waits for: searches have the old ones until the new ones are there.
    atomic = False

    dependencies = [("numbers", "0012_desk_rare")]

    operations = [
        AddIndexConcurrently(
            model_name="phonenumber",
            index=models.Index(
                fields=["sandbox", "area_code", *BY_SPREAD],
                name="phone_number_area_spread",
                include=SEARCHED,
                condition=OFFERED,
            ),
        ),
        AddIndexConcurrently(
            model_name="phonenumber",
            index=models.Index(
                fields=["sandbox", *BY_SPREAD],
                name="phone_number_type_spread",
                include=SEARCHED,
                condition=OFFERED,
            ),
        ),
        # An index alone answers only for pages that VACUUM has seen since they were written: by default, after a
        # fifth of ten million rows.
        migrations.RunSQL(
            "ALTER TABLE numbers_phonenumber"
            " SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02)",
            "ALTER TABLE numbers_phonenumber"
            " RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor)",
        ),
        # The code before finds in the new ones what it found in these.
        RemoveIndexConcurrently(model_name="phonenumber", name="phone_number_area_shelf"),
        RemoveIndexConcurrently(model_name="phonenumber", name="phone_number_type_shelf"),
    ]
