"""Let days pass: move every time in the database back.

Waiting 45 days is no test, and a mocked clock would not reach the database, whose clock is the one
that counts.
"""

from datetime import timedelta

from django.apps import apps
from django.db import connection, models, transaction

_APPS = ("campaigns", "apikeys", "numbers")


def let_pass(span: timedelta) -> None:
    """As if all that happened had happened ``span`` earlier. Needs the rights of a superuser.

    The triggers that keep history as it is are switched off for it, in this transaction only.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for model in _models():
            times = [
                field.column
                for field in model._meta.concrete_fields
                if isinstance(field, models.DateTimeField)
            ]
            if times:
                moved = ", ".join(f"{column} = {column} - %(span)s" for column in times)
                cursor.execute(f"UPDATE {model._meta.db_table} SET {moved}", {"span": span})
        for key in ("quarantined_until", "held_until"):
            # What an event says of a time, as text within its JSON.
            for side in ("before", "after"):
                cursor.execute(
                    f"UPDATE numbers_numberevent SET {side} = jsonb_set({side}, %(path)s, "
                    f"to_jsonb(({side} ->> %(key)s)::timestamptz - %(span)s)) WHERE {side} ->> %(key)s IS NOT NULL",
                    {"path": [key], "key": key, "span": span},
                )


def _models() -> list[type[models.Model]]:
    return [model for app in _APPS for model in apps.get_app_config(app).get_models()]
