from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models
from django.db.models import Q

FREE = Q(status__in=["available", "quarantined"])
BY_AREA = ["sandbox", "area_code", "number_type", "sms_enabled", "mms_enabled"]
BY_TYPE = ["sandbox", "number_type", "sms_enabled", "mms_enabled"]
HELD = ["held_until", "held_for", "quarantined_until"]
SEARCHED = ["id", "number", "region", "price"]
# The columns that sort each index, and those that it covers.
INDEXES = {
    "phone_number_area_spread": ([*BY_AREA, "spread"], SEARCHED),
    "phone_number_type_spread": ([*BY_TYPE, "spread"], SEARCHED),
    "phone_number_area_price": ([*BY_AREA, "price"], ["id", "number"]),
    "phone_number_type_price": ([*BY_TYPE, "price"], ["id", "number"]),
}


def create(name, sorted_by, covered):
    columns = {"held_for": "held_for_id"}
    listed = ", ".join(columns.get(one, one) for one in covered)
    return (
        f"CREATE INDEX CONCURRENTLY {name}_new ON numbers_phonenumber ({', '.join(sorted_by)})"
        f" INCLUDE ({listed}) WHERE status IN ('available', 'quarantined')"
    )


def replaced(name):
    """Return the operation that rebuilds an index under its name, with the monthly price.

    The new one is there before the old one goes, so that no search is without. What an interrupted
    attempt has left is dropped first.
    """
    sorted_by, covered = INDEXES[name]
    before, after = [*covered, *HELD], [*covered, "monthly_price", *HELD]

    def statements(columns):
        return [
            f"DROP INDEX CONCURRENTLY IF EXISTS {name}_new",
            create(name, sorted_by, columns),
            f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
            f"ALTER INDEX {name}_new RENAME TO {name}",
        ]

    index = models.Index(fields=sorted_by, name=name, include=after, condition=FREE)
    return migrations.RunSQL(
        statements(after),
        statements(before),
        state_operations=[
            migrations.RemoveIndex("phonenumber", name),
            migrations.AddIndex("phonenumber", index),
        ],
    )


class Migration(migrations.Migration):
    """Concurrently, while a live stock of ten million is sold and searched."""

    atomic = False

    dependencies = [("numbers", "0033_monthly_price")]

    operations = [
        ValidateConstraint("phonenumber", "phone_number_monthly_price_in_bounds"),
        ValidateConstraint("assignment", "assignment_monthly_price_not_negative"),
        *(replaced(name) for name in INDEXES),
    ]
