from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q

# The area codes that a search or an order asked for in vain.
AREAS = """
    CREATE FUNCTION numberdesk_refused_areas(area_code varchar, numbers varchar[]) RETURNS text[]
    IMMUTABLE PARALLEL SAFE COST 100000 LANGUAGE sql AS $$
        SELECT ARRAY(
            SELECT area_code WHERE area_code <> ''
            UNION SELECT substr(number, 3, 3) FROM unnest(numbers) AS number
            WHERE number LIKE '+1%%' AND length(number) = 12
        )
    $$
"""


class Migration(migrations.Migration):
    # Concurrently: orders go on while a live stock of ten million gets the indexes of the desk's filters.
    atomic = False

    dependencies = [("numbers", "0008_roles")]

    operations = [
        # Never is there none of the two.
        AddIndexConcurrently(
            model_name="phonenumber",
            index=models.Index(
                F("held_for"),
                F("held_until"),
                condition=Q(held_until__isnull=False),
                name="phone_number_holds",
            ),
        ),
        RemoveIndexConcurrently(model_name="phonenumber", name="phone_number_held"),
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(condition=Q(sandbox=True), fields=["-id"], name="order_of_sandbox"),
        ),
        AddIndexConcurrently(
            model_name="refusal",
            index=models.Index(
                fields=["number_type", "-id"], condition=~Q(number_type=""), name="refusal_type"
            ),
        ),
        AddIndexConcurrently(
            model_name="refusal",
            index=models.Index(
                fields=["pattern", "-id"], condition=~Q(pattern=""), name="refusal_pattern"
            ),
        ),
        migrations.RunSQL(AREAS, "DROP FUNCTION numberdesk_refused_areas(varchar, varchar[])"),
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY refusal_areas ON numbers_refusal "
            "USING gin (numberdesk_refused_areas(area_code, numbers)) WHERE wanted IS NOT NULL",
            "DROP INDEX CONCURRENTLY refusal_areas",
        ),
        # Like the function's cost, so that PostgreSQL looks into the index and calls it for no row.
        migrations.RunSQL("ANALYZE numbers_refusal", migrations.RunSQL.noop),
    ]
