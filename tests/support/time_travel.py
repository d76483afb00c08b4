"""Let days pass: move every time in the database back.

Waiting 45 days is no test, and a mocked clock would not reach the database, whose clock is the one
that counts.
"""

from datetime import timedelta

from django.apps import apps
from django.db import connection, models, transaction

from numbers.models import Rent

_APPS = ("campaigns", "apikeys", "numbers")
# Where months begin is counted from the sale, so that it follows when that is moved.
_OF_MONTHS = ("next_charge_at", "begins_at")


def let_pass(span: timedelta) -> timedelta:
    """As if all that happened had happened ``span`` earlier. Needs the rights of a superuser.

    The triggers that keep history as it is are switched off for it, in this transaction only.

    A test that is one transaction has a ``now()`` that stands still, while what it writes with
    ``clock_timestamp()`` is later: as much passes in addition, so that ``span`` has passed for both.
    Return what passed.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp() - now()")
        span += cursor.fetchone()[0]
        cursor.execute("SET LOCAL session_replication_role = replica")
        for model in _models():
            times = [
                field.column
                for field in model._meta.concrete_fields
                if isinstance(field, models.DateTimeField) and field.column not in _OF_MONTHS
            ]
            moved = [f"{column} = {column} - %(span)s" for column in times]
            if model is Rent:
                moved.append(
                    "next_charge_at = numberdesk_period_start(anchor - %(span)s, next_period)"
                )
            if moved:
                cursor.execute(
                    f"UPDATE {model._meta.db_table} SET {', '.join(moved)}", {"span": span}
                )
        cursor.execute(
            "UPDATE numbers_rentcharge c SET begins_at = numberdesk_period_start(r.anchor, c.period) "
            "FROM numbers_rent r WHERE r.assignment_id = c.assignment_id"
        )
        for key in ("quarantined_until", "held_until"):
            # What an event says of a time, as text within its JSON.
            for side in ("before", "after"):
                cursor.execute(
                    f"UPDATE numbers_numberevent SET {side} = jsonb_set({side}, %(path)s, "
                    f"to_jsonb(({side} ->> %(key)s)::timestamptz - %(span)s)) WHERE {side} ->> %(key)s IS NOT NULL",
                    {"path": [key], "key": key, "span": span},
                )
        # In a test that is one transaction, it would last until its end.
        cursor.execute("SET LOCAL session_replication_role = origin")
    return span


def _models() -> list[type[models.Model]]:
    return [model for app in _APPS for model in apps.get_app_config(app).get_models()]
