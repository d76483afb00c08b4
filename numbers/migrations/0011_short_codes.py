from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    # Concurrently: orders go on meanwhile.
    atomic = False

    dependencies = [("numbers", "0010_desk_filters")]

    operations = [
        AddIndexConcurrently(
            model_name="phonenumber",
            index=models.Index(
                F("number"), condition=Q(number_type="short_code"), name="phone_number_short_code"
            ),
        ),
    ]
