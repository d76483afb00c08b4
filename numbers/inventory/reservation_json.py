"""A hold as its organization sees it, with the numbers that it still holds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from typing_extensions import TypedDict

from config.api.declared import doc
from config.api.envelope import timestamp
from config.api.field_kinds import Moment, OneOf, Uuid
from numbers.field_kinds import E164
from numbers.models import PhoneNumber, Reservation

RESERVATION_ID = "01967187-93c8-7b21-a6f0-3d5b0c7e9a16"


class ReservationJson(TypedDict):
    """A hold: numbers that no one else can order for a while."""

    id: Annotated[Uuid, doc("Its id.", example=RESERVATION_ID)]
    status: Annotated[
        str,
        OneOf(["active", "used", "expired", "released"]),
        doc(
            "`active` while it holds a number; `used` if it holds none any more before its time, "
            "since you have ordered them all or hold them by a later reservation; `expired` when "
            "its time has passed; `released` if you, or the operator, ended it."
        ),
    ]
    numbers: Annotated[list[E164], doc("The numbers that it was made for.")]
    held_numbers: Annotated[
        list[E164],
        doc(
            "Those that it holds now: without those that you have since ordered or put on a later "
            "hold."
        ),
    ]
    created_at: Annotated[Moment, doc("When it was made.")]
    expires_at: Annotated[Moment, doc("When it ends by itself.", example="2026-04-26T12:10:00Z")]
    released_at: Annotated[Moment | None, doc("When it was ended before its time.", example=None)]


def still_held(reservations: Sequence[Reservation], at: datetime) -> dict[UUID, list[str]]:
    """Return the numbers that each of an organization's reservations still holds at ``at``."""
    held: dict[UUID, list[str]] = {}
    if reservations:
        rows = PhoneNumber.objects.filter(
            held_for=reservations[0].organization_id,
            held_until__gt=at,
            reservation__in=[one.pk for one in reservations],
        )
        for reservation_id, number in rows.order_by("number").values_list(
            "reservation_id", "number"
        ):
            held.setdefault(reservation_id, []).append(number)
    return held


def reservation_json(reservation: Reservation, *, held: list[str], at: datetime) -> ReservationJson:
    return {
        "id": reservation.id,
        "status": _status(reservation, held, at),
        "numbers": reservation.numbers,
        "held_numbers": held,
        "created_at": timestamp(reservation.created_at),
        "expires_at": timestamp(reservation.expires_at),
        "released_at": timestamp(reservation.released_at),
    }


def _status(reservation: Reservation, held: list[str], at: datetime) -> str:
    if reservation.released_at is not None:
        return "released"
    if reservation.expires_at <= at:
        return "expired"
    return "active" if held else "used"
