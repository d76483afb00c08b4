"""One bound on a price, and https:// in lower case where orders keep URLs. 0015 validates both."""

from decimal import Decimal

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import Q

from config.actors import new_request_id

# An import took prices of up to 9999999999.99, with which an order's total can overflow its column.
CAP = """
    WITH dear AS (
        SELECT id, price FROM numbers_phonenumber WHERE price > 999999999.99 ORDER BY id FOR NO KEY UPDATE
    ), capped AS (
        UPDATE numbers_phonenumber n SET price = 999999999.99, updated_at = clock_timestamp()
        FROM dear WHERE n.id = dear.id
    )
    INSERT INTO numbers_numberevent (at, number_id, kind, actor, request_id, before, after, reason)
    SELECT clock_timestamp(), id, 'priced', 'system:migrate', %s, jsonb_build_object('price', price::text),
           '{"price": "999999999.99"}', 'the largest price that a number can have' FROM dear
"""

LOWER = """
    UPDATE numbers_order
    SET inbound_url = regexp_replace(inbound_url, '^https://', 'https://', 'i'),
        status_url = regexp_replace(status_url, '^https://', 'https://', 'i')
    WHERE inbound_url NOT LIKE 'https://%' AND inbound_url <> ''
       OR status_url NOT LIKE 'https://%' AND status_url <> ''
"""


def mend_rows(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(CAP, [new_request_id()])
        cursor.execute(LOWER)


class Migration(migrations.Migration):
    dependencies = [("numbers", "0013_search_covered")]

    operations = [
        AddConstraintNotValid(
            model_name="phonenumber",
            constraint=models.CheckConstraint(
                condition=Q(price__gte=0, price__lte=Decimal("999999999.99")),
                name="phone_number_price_in_bounds",
            ),
        ),
        AddConstraintNotValid(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=Q(inbound_url="") | Q(inbound_url__startswith="https://"),
                name="order_inbound_url_https",
            ),
        ),
        AddConstraintNotValid(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=Q(status_url="") | Q(status_url__startswith="https://"),
                name="order_status_url_https",
            ),
        ),
        migrations.RunPython(mend_rows, migrations.RunPython.noop),
    ]
