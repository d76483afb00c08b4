"""Reservations: named numbers that only their organization can order for a few minutes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection
from django.utils import timezone

from apikeys.rate_limits import count_holds
from config.api.envelope import success_body
from config.api.idempotency import IdempotencyKey, Response, respond_once
from config.db.fields import new_id
from config.db.transactions import Transaction, run_transaction
from config.errors import NotFound
from numbers.inventory.hold_limits import (
    check_quota,
    check_time,
    without_operators_holds,
)
from numbers.inventory.reservation_json import reservation_json
from numbers.locks import LockedNumber, lock_account, lock_numbers, lock_numbers_by_id
from numbers.models import PhoneNumber, Reservation
from numbers.orders.place import NumbersTaken, refusal, require_available
from numbers.orders.purchase import Buyer
from numbers.worker.wake import wake_statement

Result = TypeVar("Result")

USUAL = 600
MOST_HELD = 500

HOLD = """
    WITH reserved AS (
        INSERT INTO numbers_reservation (id, organization_id, numbers, actor, request_id, reason,
                                         created_at, expires_at)
        VALUES (%(id)s, %(organization_id)s, %(numbers)s, %(actor)s, %(request_id)s, %(reason)s,
                %(at)s, %(until)s)
    ), held AS (
        UPDATE numbers_phonenumber
        SET status = 'available', quarantined_until = NULL, held_for_id = %(organization_id)s,
            held_until = %(until)s, reservation_id = %(id)s, updated_at = %(at)s
        WHERE id = ANY(%(ids)s)
    )
    INSERT INTO numbers_numberevent (at, number_id, kind, organization_id, actor, request_id,
                                     before, after, reason)
    SELECT %(at)s, line.id, 'held', %(organization_id)s, %(actor)s, %(request_id)s,
           jsonb_build_object('status', line.status),
           jsonb_build_object('status', 'available', 'held_until', %(until)s::timestamptz),
           %(reason)s
    FROM unnest(%(ids)s::bigint[], %(statuses)s::text[]) AS line (id, status)
"""

# The reservation is over once it holds none but these numbers.
RELEASE = """
    WITH held AS (
        SELECT id, held_until FROM numbers_phonenumber
        WHERE id = ANY(%(ids)s) AND reservation_id = %(id)s
    ), free AS (
        UPDATE numbers_phonenumber number
        SET held_for_id = NULL, held_until = NULL, reservation_id = NULL,
            updated_at = statement_timestamp()
        FROM held WHERE number.id = held.id
        RETURNING number.id, held.held_until
    ), recorded AS (
        INSERT INTO numbers_numberevent (at, number_id, kind, organization_id, actor, request_id,
                                         before, after, reason)
        SELECT statement_timestamp(), id, 'hold_released', %(organization_id)s, %(actor)s,
               %(request_id)s, jsonb_build_object('held_until', held_until), '{"held_until": null}',
               %(reason)s
        FROM free
    )
    UPDATE numbers_reservation r SET released_at = statement_timestamp()
    WHERE id = %(id)s AND released_at IS NULL AND NOT EXISTS (
        SELECT FROM numbers_phonenumber n
        WHERE n.held_for_id = r.organization_id AND n.held_until > statement_timestamp()
          AND n.reservation_id = r.id AND n.id <> ALL(%(ids)s))
"""


def reserve(numbers: list[str], *, ttl_seconds: int, buyer: Buyer, reason: str = "") -> Reservation:
    """Hold all of the numbers for the buyer's organization, or none, without a customer's limits.

    A number that it already holds moves to the new reservation, which ends no earlier than the
    previous one. Raise InsufficientInventory if a number is not available.
    """
    return _all_or_none(
        numbers,
        buyer,
        lambda: run_transaction(
            lambda tx: _reserve(tx, numbers, ttl_seconds, buyer, reason=reason),
        ),
    )


def reserve_once(
    numbers: list[str],
    *,
    ttl_seconds: int,
    buyer: Buyer,
    idempotency_key: IdempotencyKey | None = None,
    most_held: int = MOST_HELD,
) -> Response:
    """Reserve for a customer: within its limits, and once for each Idempotency-Key.

    Raise ValidationFailed if the organization would hold too many numbers, LimitExceeded if one
    would be held for too long in a day, RateLimited for too many in a minute, IdempotencyKeyReused
    or IdempotencyInProgress.
    """
    return _all_or_none(
        numbers,
        buyer,
        lambda: respond_once(
            idempotency_key,
            lambda tx: _reserve_new(tx, numbers, ttl_seconds, buyer, most_held),
        ),
    )


def _reserve_new(
    tx: Transaction, numbers: list[str], ttl: int, buyer: Buyer, most: int
) -> Response:
    reservation = _reserve(tx, numbers, ttl, buyer, most_held=most)
    shown = reservation_json(reservation, held=sorted(numbers), at=reservation.created_at)
    return Response(201, success_body(shown))


def release_reservation(*, reservation_id: UUID, buyer: Buyer) -> Reservation:
    """Release a reservation early. Idempotent. Raise NotFound if it is not the buyer's."""
    run_transaction(lambda tx: _release(tx, reservation_id, buyer))
    return own_reservation(reservation_id, buyer.organization_id)


def _release(tx: Transaction, reservation_id: UUID, buyer: Buyer) -> None:
    reservation = own_reservation(reservation_id, buyer.organization_id)
    if reservation.released_at is not None or reservation.expires_at <= timezone.now():
        return
    held = PhoneNumber.objects.filter(held_for=buyer.organization_id, reservation=reservation_id)
    # Some may be sold or held again before they are locked: RELEASE checks again.
    ids = [row.id for row in lock_numbers_by_id(list(held.values_list("id", flat=True)))]
    parameters: dict[str, Any] = {
        "id": reservation_id,
        "ids": ids,
        "organization_id": buyer.organization_id,
        "actor": str(buyer.actor),
        "request_id": buyer.actor.request_id,
        "reason": buyer.reason,
    }
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, parameters)
        is_released = cursor.rowcount > 0
    if is_released:
        tx.run(wake_statement())


def own_reservation(reservation_id: UUID, organization_id: UUID) -> Reservation:
    """Return the organization's reservation. Raise NotFound if it has none with this id."""
    reservation = Reservation.objects.filter(
        pk=reservation_id, organization_id=organization_id
    ).first()
    if reservation is None:
        raise NotFound()
    return reservation


def _all_or_none(numbers: list[str], buyer: Buyer, hold: Callable[[], Result]) -> Result:
    try:
        return hold()
    except NumbersTaken as taken:
        raise refusal(numbers, taken.numbers, buyer=buyer, around=taken.around) from None


def _reserve(
    tx: Transaction,
    numbers: list[str],
    ttl_seconds: int,
    buyer: Buyer,
    *,
    reason: str = "",
    most_held: int | None = None,
) -> Reservation:
    """Lock the numbers, check the limits, and hold them, in the caller's transaction."""
    # The account lock serializes an organization's holds, so that two cannot exceed the limit
    # together.
    lock_account(buyer.organization_id)
    rows = require_available(tx, numbers, lock_numbers(numbers), buyer)
    at = max(row.at for row in rows)
    until = _end(rows, buyer.organization_id, at, ttl_seconds)
    if most_held is not None:
        check_quota(rows, buyer.organization_id, most_held)
        own_until = _end(without_operators_holds(rows), buyer.organization_id, at, ttl_seconds)
        check_time(rows, buyer.organization_id, at, own_until)
        count_holds(buyer.organization_id, len(rows))
    return _hold(rows, at, until, buyer, reason)


def _end(
    rows: list[LockedNumber], organization_id: UUID, at: datetime, ttl_seconds: int
) -> datetime:
    """Return the end of a new hold: no earlier than that of an existing hold on these numbers."""
    own = [row.held_until for row in rows if row.held_for_id == organization_id and row.held_until]
    return max([at + timedelta(seconds=ttl_seconds), *own])


def _hold(
    rows: list[LockedNumber], at: datetime, until: datetime, buyer: Buyer, reason: str
) -> Reservation:
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
                "until": until,
            },
        )
    return own_reservation(reservation_id, buyer.organization_id)
