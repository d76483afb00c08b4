"""Holds: named numbers that nobody else can order for a few minutes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from config.answers import timestamp
from config.columns import new_id
from config.errors import NotFound, ValidationFailed
from config.transactions import run_transaction
from numbers.assigning import Buyer
from numbers.filling import stock_was_added
from numbers.locks import LockedNumber, lock_account, lock_numbers, lock_numbers_by_id
from numbers.models import PhoneNumber, Reservation
from numbers.ordering import NumbersTaken, available, refusal

SHORTEST, LONGEST, USUAL = 60, 1_800, 600
MOST_HELD = 500

HELD_NOW = """
    SELECT count(*) FROM numbers_phonenumber
    WHERE held_for_id = %s AND held_until > statement_timestamp() AND id <> ALL(%s)
"""

HOLD = """
    WITH reserved AS (
        INSERT INTO numbers_reservation (id, organization_id, numbers, actor, request_id, reason, created_at,
                                         expires_at)
        VALUES (%(id)s, %(organization_id)s, %(numbers)s, %(actor)s, %(request_id)s, %(reason)s, %(at)s, %(until)s)
    ), held AS (
        UPDATE numbers_phonenumber
        SET status = 'available', quarantined_until = NULL, held_for_id = %(organization_id)s,
            held_until = %(until)s, reservation_id = %(id)s, updated_at = %(at)s
        WHERE id = ANY(%(ids)s)
    )
    INSERT INTO numbers_numberevent (at, number_id, kind, organization_id, actor, request_id, before, after, reason)
    SELECT %(at)s, line.id, 'held', %(organization_id)s, %(actor)s, %(request_id)s,
           jsonb_build_object('status', line.status),
           jsonb_build_object('status', 'available', 'held_until', %(until)s::timestamptz), %(reason)s
    FROM unnest(%(ids)s::bigint[], %(statuses)s::text[]) AS line (id, status)
"""

LET_GO = """
    WITH held AS (
        SELECT id, held_until FROM numbers_phonenumber WHERE id = ANY(%(ids)s) AND reservation_id = %(id)s
    ), free AS (
        UPDATE numbers_phonenumber number
        SET held_for_id = NULL, held_until = NULL, reservation_id = NULL, updated_at = statement_timestamp()
        FROM held WHERE number.id = held.id
        RETURNING number.id, held.held_until
    ), told AS (
        INSERT INTO numbers_numberevent (at, number_id, kind, organization_id, actor, request_id, before, after, reason)
        SELECT statement_timestamp(), id, 'hold_released', %(organization_id)s, %(actor)s, %(request_id)s,
               jsonb_build_object('held_until', held_until), '{"held_until": null}', ''
        FROM free
    )
    UPDATE numbers_reservation SET released_at = statement_timestamp() WHERE id = %(id)s AND released_at IS NULL
"""


def read_ttl(value: object, details: dict[str, str]) -> int:
    if value is None:
        return USUAL
    if not isinstance(value, int) or isinstance(value, bool) or not SHORTEST <= value <= LONGEST:
        details["ttl_seconds"] = f"must be a whole number of seconds from {SHORTEST} to {LONGEST}"
        return USUAL
    return value


def reserve(
    numbers: list[str], *, ttl_seconds: int, buyer: Buyer, reason: str = "", most_held: int | None = MOST_HELD
) -> Reservation:
    """Hold all of ``numbers`` for the buyer's organization, or none.

    A number that it holds already is held anew, for the new time. ``most_held`` is for customers; None,
    for operators, sets no limit. Raises InsufficientInventory, as an order would; ValidationFailed where
    the organization would hold more than it may.
    """

    def work() -> Reservation:
        # Its account serializes an organization's holds, so that two at once can't pass the limit.
        lock_account(buyer.organization_id)
        rows = available(numbers, lock_numbers(numbers), buyer)
        if most_held is not None:
            _check_quota(rows, buyer.organization_id, most_held)
        return _hold(rows, ttl_seconds, buyer, reason)

    try:
        return run_transaction(work)
    except NumbersTaken as taken:
        raise refusal(numbers, taken.numbers, buyer=buyer, around=taken.around) from None


def let_go(*, reservation_id: UUID, buyer: Buyer) -> Reservation:
    """End a hold before its time; ending it again changes nothing. Raises NotFound."""

    def work() -> bool:
        reservation = own_reservation(reservation_id, buyer.organization_id)
        if reservation.released_at is not None or reservation.expires_at <= timezone.now():
            return False
        held = PhoneNumber.objects.filter(held_for=buyer.organization_id, reservation=reservation_id)
        # Some may be sold or held anew until they are locked: LET_GO looks again.
        ids = [row.id for row in lock_numbers_by_id(list(held.values_list("id", flat=True)))]
        parameters: dict[str, Any] = {
            "id": reservation_id,
            "ids": ids,
            "organization_id": buyer.organization_id,
            "actor": str(buyer.actor),
            "request_id": buyer.actor.request_id,
        }
        with connection.cursor() as cursor:
            cursor.execute(LET_GO, parameters)
            return cursor.rowcount > 0

    if run_transaction(work):
        stock_was_added()
    return own_reservation(reservation_id, buyer.organization_id)


def own_reservation(reservation_id: UUID, organization_id: UUID) -> Reservation:
    """Raises NotFound."""
    reservation = Reservation.objects.filter(pk=reservation_id, organization_id=organization_id).first()
    if reservation is None:
        raise NotFound()
    return reservation


def still_held(reservations: Sequence[Reservation], at: datetime) -> dict[UUID, list[str]]:
    """What each of an organization's reservations holds at ``at``: not what was ordered meanwhile."""
    held: dict[UUID, list[str]] = {}
    if reservations:
        rows = PhoneNumber.objects.filter(
            held_for=reservations[0].organization_id,
            held_until__gt=at,
            reservation__in=[one.pk for one in reservations],
        )
        for reservation_id, number in rows.order_by("number").values_list("reservation_id", "number"):
            held.setdefault(reservation_id, []).append(number)
    return held


def reservation_json(reservation: Reservation, *, held: list[str], at: datetime) -> dict[str, Any]:
    return {
        "id": reservation.id,
        "status": _status(reservation, at),
        "numbers": reservation.numbers,
        "held_numbers": held,
        "created_at": timestamp(reservation.created_at),
        "expires_at": timestamp(reservation.expires_at),
        "released_at": timestamp(reservation.released_at),
    }


def _status(reservation: Reservation, at: datetime) -> str:
    if reservation.released_at is not None:
        return "released"
    return "active" if reservation.expires_at > at else "expired"


def _check_quota(rows: list[LockedNumber], organization_id: UUID, most_held: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(HELD_NOW, [organization_id, [row.id for row in rows]])
        held = cursor.fetchone()[0]
    if held + len(rows) > most_held:
        remedy = "order or release some of them first"
        raise ValidationFailed(
            details={"numbers": f"would make {held + len(rows)} numbers on hold, {most_held} are allowed: {remedy}"}
        )


def _hold(rows: list[LockedNumber], ttl_seconds: int, buyer: Buyer, reason: str) -> Reservation:
    at = max(row.at for row in rows)
    reservation_id = new_id()
    with connection.cursor() as cursor:
        cursor.execute(
            HOLD,
            {
                "id": reservation_id,
                "organization_id": buyer.organization_id,
                "numbers": [row.number for row in rows],
                "ids": [row.id for row in rows],
                "statuses": [row.status for row in rows],
                "actor": str(buyer.actor),
                "request_id": buyer.actor.request_id,
                "reason": reason,
                "at": at,
                "until": at + timedelta(seconds=ttl_seconds),
            },
        )
    return own_reservation(reservation_id, buyer.organization_id)
