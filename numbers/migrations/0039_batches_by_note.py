from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("numbers", "0038_refused_orders_found")]

    operations = [
        AddIndexConcurrently(
            "stockbatch",
            GinIndex(OpClass(Upper("note"), name="gin_trgm_ops"), name="batch_note_part"),
        ),
    ]
