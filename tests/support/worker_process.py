"""``manage.py worker`` on the test database, stopped at the point that HOLD_AT names.

It waits for an advisory lock that the test holds, so PostgreSQL itself says when it got there.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import config  # noqa: F401  makes the `numbers` app importable

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django
from django.conf import settings

for parameter in ("NAME", "HOST", "PORT"):
    settings.DATABASES["default"][parameter] = os.environ[f"DATABASE_{parameter}"]
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from numbers.bulk_actions.actions import BULK_ACTIONS  # noqa: E402
from numbers.orders import backorders  # noqa: E402
from numbers.rent import renew  # noqa: E402
from numbers.webhooks import fan_out, outcomes, sender  # noqa: E402
from numbers.worker import duties  # noqa: E402

HOLD_KEY = 7267_107


def hold() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [HOLD_KEY])


def after(function: Callable[..., Any], *, calls: int = 1) -> Callable[..., Any]:
    """The function, holding after so many calls of it."""
    done: list[int] = []

    def run(*arguments: Any, **options: Any) -> Any:
        result = function(*arguments, **options)
        done.append(1)
        if len(done) == calls:
            hold()
        return result

    return run


def hold_in_job() -> None:
    retire = BULK_ACTIONS["retire"]
    type(retire).batch = 1
    vars(retire)["do"] = after(retire.do, calls=2)


def hold_in_renewal() -> None:
    """Hold a batch that was checked and not written, under its locks."""
    calls = int(os.environ.get("HOLD_CALLS", "2"))
    vars(renew)["BATCH"] = 2
    batch: Any = vars(renew)["_Batch"]
    batch.run = after(batch.run, calls=calls)


HOLDS: dict[str, Callable[[], None]] = {
    "job": hold_in_job,
    "renewal": hold_in_renewal,
    "duty": lambda: setattr(duties, "forget_old_keys", after(duties.forget_old_keys)),
    # Deliveries: made but not committed, leased, received, recorded but not committed.
    "fan_out": lambda: setattr(fan_out, "add_deliveries", after(fan_out.add_deliveries)),
    "leased": lambda: setattr(sender, "claim_deliveries", after(sender.claim_deliveries)),
    "received": lambda: setattr(sender, "send", after(sender.send)),
    "recorded": lambda: setattr(outcomes, "refresh_due", after(outcomes.refresh_due)),
    "fill": lambda: setattr(backorders, "pick", after(backorders.pick)),  # under its locks
}

if hold_at := os.environ.get("HOLD_AT"):
    HOLDS[hold_at]()
call_command("worker", *sys.argv[1:])
