"""States and provinces of North American numbers in one form, such as US-CA: see numbers.numbering.regions.

What is not known as one stays as it was, and without an event: the place is the same, spelt alike.
"""

from django.db import migrations

from numbers.numbering.area_codes import REGIONS
from numbers.numbering.regions import REGION_CODE, read_region

CHUNK = 10_000
SPELLINGS = """
    SELECT region, CASE WHEN area_code = ANY(%(us)s) THEN 'US' ELSE '' END, min(number) FROM numbers_phonenumber
    WHERE number LIKE '+1%%' AND region <> '' AND region !~ %(code)s GROUP BY 1, 2
"""
RESPELL = """
    WITH chunk AS (
        SELECT id FROM numbers_phonenumber
        WHERE id > %(after)s AND number LIKE '+1%%' AND region = %(before)s
          AND COALESCE(area_code = ANY(%(us)s), false) = %(in_us)s
        ORDER BY id LIMIT %(chunk)s FOR NO KEY UPDATE
    ), respelt AS (
        UPDATE numbers_phonenumber n SET region = %(region)s FROM chunk WHERE n.id = chunk.id
    )
    SELECT max(id) FROM chunk
"""


def respell(apps, schema_editor):
    """In chunks, each a transaction of its own, so that orders go on."""
    us = [area_code for area_code, region in REGIONS.items() if region.startswith("US-")]
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(SPELLINGS, {"us": us, "code": REGION_CODE})
        for before, country, number in cursor.fetchall():
            try:
                region = read_region(before, number=number, place=country)
            except ValueError:
                continue
            shared = {
                "us": us,
                "in_us": country == "US",
                "before": before,
                "region": region,
                "chunk": CHUNK,
            }
            after = 0
            while after is not None:
                cursor.execute(RESPELL, {**shared, "after": after})
                (after,) = cursor.fetchone()


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("numbers", "0016_worker")]

    operations = [migrations.RunPython(respell, migrations.RunPython.noop)]
