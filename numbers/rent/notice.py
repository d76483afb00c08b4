"""Another monthly price of sold numbers, from a date on.

The price of a number in stock reaches its next sale only (numbers.inventory.pricing). An owner pays
the price of the sale until a notice changes it: months that begin at the date or later cost the new
price, and the billing of the number shows both until then.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone

from config.actors import Actor
from config.api.envelope import timestamp
from config.db.pipeline import array_text
from config.db.transactions import Transaction, run_transaction
from config.errors import ValidationFailed
from numbers.inventory.pricing import whole_cents
from numbers.locks import lock_account, lock_assignments
from numbers.rent.steps import Kind, history_statement

# The months from the sale to one in this month of UTC.
_MONTHS = """
    (extract(year FROM now() AT TIME ZONE 'UTC')::int * 12
     + extract(month FROM now() AT TIME ZONE 'UTC')::int
     - extract(year FROM a.created_at AT TIME ZONE 'UTC')::int * 12
     - extract(month FROM a.created_at AT TIME ZONE 'UTC')::int)
"""
# A number that was sold without rent: it is free until the date, and its months are counted from
# its sale. The first one that a renewal looks at is the next that begins.
_ENTER = f"""
    INSERT INTO numbers_rent (assignment_id, organization_id, sandbox, anchor, monthly_price,
                              first_period, next_period, next_charge_at, release_at_period_end,
                              is_open)
    SELECT a.id, a.organization_id, n.sandbox, a.created_at, 0, period, period,
           numberdesk_period_start(a.created_at, period), false, true
    FROM numbers_assignment AS a
    JOIN numbers_phonenumber AS n ON n.id = a.number_id
    CROSS JOIN LATERAL (
        SELECT greatest(1, {_MONTHS} + (numberdesk_period_start(a.created_at, {_MONTHS}) <= now())::int)
    ) AS next (period)
    WHERE a.id = ANY(%(ids)s::uuid[])
    ON CONFLICT DO NOTHING
"""  # noqa: S608  made of constants
_ANNOUNCE = """
    UPDATE numbers_rent AS r
    SET next_monthly_price = %(price)s::numeric, next_monthly_price_from = %(begin)s
    WHERE r.assignment_id = ANY(%(ids)s::uuid[])
      AND (r.next_monthly_price, r.next_monthly_price_from)
          IS DISTINCT FROM (%(price)s::numeric, %(begin)s::timestamptz)
      AND (r.next_monthly_price IS NOT NULL OR r.monthly_price <> %(price)s::numeric)
    RETURNING r.assignment_id, r.monthly_price
"""


def announce_price(
    assignment_ids: Sequence[UUID],
    *,
    organization_id: UUID,
    monthly_price: Decimal,
    begin: datetime,
    actor: Actor,
    reason: str,
) -> set[UUID]:
    """Give notice of another monthly price of owned numbers. Return those that it changes.

    An earlier notice is replaced. Raise ValidationFailed if the price is no amount, or the date is
    not in the future.
    """
    price = whole_cents(monthly_price, name="monthly_price")
    if begin <= timezone.now():
        raise ValidationFailed(details={"begin": "must be in the future: owners are given notice"})
    parameters: dict[str, Any] = {"price": price, "begin": begin}
    return run_transaction(
        lambda tx: _announce(tx, list(assignment_ids), organization_id, parameters, actor, reason)
    )


def _announce(
    tx: Transaction,
    assignment_ids: list[UUID],
    organization_id: UUID,
    parameters: dict[str, Any],
    actor: Actor,
    reason: str,
) -> set[UUID]:
    lock_account(organization_id)
    owned = lock_assignments(assignment_ids, organization_id)
    ids = array_text([one.id for one in owned if one.ended_at is None])
    if parameters["price"] > 0:
        tx.run((_ENTER, {"ids": ids}))
    (rows,) = tx.run((_ANNOUNCE, {**parameters, "ids": ids}))
    changed = {row[0]: row[1] for row in rows}
    tx.commit_with(
        *(
            history_statement(
                Kind.RENT_CHANGED,
                sorted(one for one, was in changed.items() if was == before),
                before={"rent": f"{before:.2f}"},
                after={
                    "rent": f"{parameters['price']:.2f}",
                    "rent_from": timestamp(parameters["begin"]),
                },
                actor=actor,
                reason=reason,
            )
            for before in sorted(set(changed.values()))
        )
    )
    return set(changed)
