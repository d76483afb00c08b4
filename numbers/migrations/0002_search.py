import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently, TrigramExtension
from django.db import migrations, models
from django.db.models import F, Q

ON_THE_SHELF = Q(status__in=["available", "quarantined"])


class Migration(migrations.Migration):
    # Concurrently: orders go on while a live stock of ten million gets its search indexes.
    atomic = False

    dependencies = [("numbers", "0001_initial")]

    operations = [
        TrigramExtension(),
        migrations.RunSQL(
            "CREATE SEQUENCE numbers_search_turn AS bigint MINVALUE 0 CYCLE",
            "DROP SEQUENCE numbers_search_turn",
        ),
        AddIndexConcurrently(
            model_name="phonenumber",
            index=models.Index(
                F("sandbox"),
                F("area_code"),
                F("number_type"),
                F("sms_enabled"),
                F("mms_enabled"),
                F("spread"),
                condition=ON_THE_SHELF,
                name="phone_number_area_shelf",
            ),
        ),
        AddIndexConcurrently(
            model_name="phonenumber",
            index=models.Index(
                F("sandbox"),
                F("number_type"),
                F("sms_enabled"),
                F("mms_enabled"),
                F("spread"),
                condition=ON_THE_SHELF,
                name="phone_number_type_shelf",
            ),
        ),
        AddIndexConcurrently(
            model_name="phonenumber",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass("number", name="gin_trgm_ops"),
                condition=ON_THE_SHELF,
                name="phone_number_pattern",
            ),
        ),
    ]
