"""End and move holds, of single numbers or of whole reservations, as operators do."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from campaigns.models import Organization
from config.actors import Actor
from config.db.fields import new_id
from config.db.transactions import Transaction, run_transaction
from config.errors import ValidationFailed
from numbers.inventory.reservations import RELEASE
from numbers.locks import LockedNumber, lock_account, lock_numbers_by_id
from numbers.models import PhoneNumber, Reservation
from numbers.worker.wake import wake_statement

LONGEST_DAYS = 366

# A reservation all of whose numbers move keeps its id. Else those that move get one of their own.
MOVE_RESERVATION = "UPDATE numbers_reservation SET expires_at = %(until)s WHERE id = %(from)s"
SPLIT_RESERVATION = """
    INSERT INTO numbers_reservation (id, organization_id, numbers, actor, request_id, reason, created_at, expires_at)
    VALUES (%(to)s, %(organization_id)s, %(numbers)s, %(actor)s, %(request_id)s, %(reason)s, %(at)s, %(until)s)
"""
MOVE = """
    WITH held AS (
        SELECT id, held_until FROM numbers_phonenumber WHERE id = ANY(%(ids)s)
    ), moved AS (
        UPDATE numbers_phonenumber number
        SET held_until = %(until)s, reservation_id = %(to)s, updated_at = %(at)s
        FROM held WHERE number.id = held.id
        RETURNING number.id, held.held_until
    )
    INSERT INTO numbers_numberevent (at, number_id, kind, organization_id, actor, request_id, before, after, reason)
    SELECT %(at)s, id, 'hold_moved', %(organization_id)s, %(actor)s, %(request_id)s,
           jsonb_build_object('held_until', held_until),
           jsonb_build_object('held_until', %(until)s::timestamptz), %(reason)s
    FROM moved
"""

Group = tuple[UUID, UUID]  # the reservation and its organization


def held_numbers(reservation: Reservation) -> list[PhoneNumber]:
    """Return the numbers that a reservation holds now, in order."""
    held = PhoneNumber.objects.filter(
        held_for=reservation.organization_id,
        held_until__gt=timezone.now(),
        reservation=reservation.pk,
    )
    return list(held.order_by("number"))


def holders_of(number: PhoneNumber) -> tuple[Organization | None, int]:
    """Return who holds the number, and how many others their reservation holds."""
    if number.reservation is None:
        return None, 0
    others = [one for one in held_numbers(number.reservation) if one.pk != number.pk]
    return number.held_for, len(others)


def end_holds(*, number_ids: Sequence[int], actor: Actor, reason: str) -> list[int]:
    """Make held numbers available; return the ids of those that were on hold.

    Raise ValidationFailed without a reason.
    """
    _require_reason(reason)
    return run_transaction(lambda tx: _end(tx, list(number_ids), actor, reason.strip()))


def move_holds(
    *, number_ids: Sequence[int], until: datetime, actor: Actor, reason: str
) -> list[int]:
    """Let holds end at another time; return the ids of those that were on hold.

    Raise ValidationFailed without a reason, or if the time is past or more than a year away.
    """
    _require_reason(reason)
    require_end(until)
    return run_transaction(lambda _: _move(list(number_ids), until, actor, reason.strip()))


def require_end(until: datetime) -> None:
    """Raise ValidationFailed if a hold can't end then: in the past, or too far away."""
    now = timezone.now()
    if not now < until <= now + timedelta(days=LONGEST_DAYS):
        raise ValidationFailed(
            details={"until": f"must be in the future, within {LONGEST_DAYS} days"}
        )


def _end(tx: Transaction, ids: list[int], actor: Actor, reason: str) -> list[int]:
    groups = _lock_held(ids)
    for (reservation_id, organization_id), rows in groups.items():
        parameters: dict[str, Any] = {
            "id": reservation_id,
            "ids": [row.id for row in rows],
            "organization_id": organization_id,
            "actor": str(actor),
            "request_id": actor.request_id,
            "reason": reason[:256],
        }
        with connection.cursor() as cursor:
            cursor.execute(RELEASE, parameters)
    if groups:
        tx.run(wake_statement())
    return [row.id for rows in groups.values() for row in rows]


def _move(ids: list[int], until: datetime, actor: Actor, reason: str) -> list[int]:
    groups = _lock_held(ids)
    for (reservation_id, organization_id), rows in groups.items():
        at, chosen = max(row.at for row in rows), [row.id for row in rows]
        others = PhoneNumber.objects.filter(
            held_for=organization_id, held_until__gt=at, reservation=reservation_id
        ).exclude(pk__in=chosen)
        is_whole = not others.exists()
        parameters: dict[str, Any] = {
            "from": reservation_id,
            "to": reservation_id if is_whole else new_id(),
            "ids": chosen,
            "numbers": [row.number for row in rows],
            "organization_id": organization_id,
            "until": until,
            "at": at,
            "actor": str(actor),
            "request_id": actor.request_id,
            "reason": reason[:256],
        }
        with connection.cursor() as cursor:
            cursor.execute(MOVE_RESERVATION if is_whole else SPLIT_RESERVATION, parameters)
            cursor.execute(MOVE, parameters)
    return [row.id for rows in groups.values() for row in rows]


def _lock_held(ids: list[int]) -> dict[Group, list[LockedNumber]]:
    """Lock those of the numbers that are on hold, grouped by reservation.

    The accounts are locked first: they serialize what happens to an organization's holds.
    """
    held = PhoneNumber.objects.filter(pk__in=ids, held_until__gt=timezone.now())
    organizations = sorted(set(held.values_list("held_for", flat=True)))
    for organization_id in organizations:
        lock_account(organization_id)
    groups: dict[Group, list[LockedNumber]] = {}
    for row in lock_numbers_by_id(ids):
        if row.held_until is None or row.held_until <= row.at:
            continue
        if row.reservation_id and row.held_for_id and row.held_for_id in organizations:
            groups.setdefault((row.reservation_id, row.held_for_id), []).append(row)
    return groups


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise ValidationFailed(
            details={"reason": "is required: it is kept in the number's history"}
        )
