"""``/v1/phone-numbers/reservations``: holds of named numbers."""

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from typing_extensions import TypedDict

from apikeys.authentication import CallerRequest
from apikeys.scopes import Scope
from config.api.declared import doc, parse_body
from config.api.envelope import success, success_body
from config.api.field_kinds import whole_number
from config.api.idempotency import Response, idempotency_key_of, respond_once
from config.api.openapi import errors as openapi_errors
from config.api.openapi.declare import Returns, endpoint, list_endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.idempotency import IDEMPOTENCY_ERRORS, IDEMPOTENCY_KEY, REPLAYED
from config.api.openapi.operations import Example, Id
from config.api.pagination import paginated_response, read_list
from config.api.views import ApiView, refuse_unknown_parameters
from config.errors import LimitExceeded, NotFound
from numbers.api.errors import INSUFFICIENT_INVENTORY
from numbers.api.orders import buyer_of
from numbers.api.types import NamedNumbers
from numbers.field_kinds import E164, NUMBER
from numbers.inventory.hold_limits import LONGEST, SHORTEST
from numbers.inventory.reservation_json import (
    RESERVATION_ID,
    ReservationJson,
    reservation_json,
    still_held,
)
from numbers.inventory.reservations import (
    MOST_HELD,
    USUAL,
    own_reservation,
    release_reservation,
    reserve_once,
)
from numbers.models import Reservation
from numbers.orders.sandbox import forced_hold

TAG = "Reservations"
PATH = {"reservation_id": Id("The reservation's id.", RESERVATION_ID)}
INVALID_TTL = f"must be a whole number of seconds from {SHORTEST} to {LONGEST}"
RESERVE = f"""\
Hold named numbers, all or nothing, while you make up your mind or your customer pays. No one else can order them
until the hold ends; an order of yours takes them. It costs nothing and ends by itself.

A number that you hold already moves to the new hold, which ends no earlier than the old one would have: a repeated
request never shortens a hold, and `expires_at` of the answer says until when. To end one sooner, release it.

Your organization holds at most {MOST_HELD} numbers at a time: more are 422. A number is on hold for
at most an hour in any 24 hours, unless the operator has set another time: beyond that it is 409
`LIMIT_EXCEEDED`, with the numbers that have used up their time. Each hold counts for at least
{SHORTEST} seconds. Too many numbers put on hold in a minute are 429."""


class ReservationRequest(NamedNumbers):
    ttl_seconds: Annotated[
        int,
        whole_number(SHORTEST, LONGEST, required=False, default=USUAL, message=INVALID_TTL),
        doc("For how many seconds."),
    ] = USUAL


class _HeldTooLongJson(TypedDict):
    numbers: Annotated[list[E164], doc("Those that can't be held now.")]


NO_SUCH_RESERVATION = ErrorResponse(NotFound, "Your organization has no reservation with this id.")
TOO_LONG = ErrorResponse(
    LimitExceeded,
    "A number has been on hold by your organization for as long as it may be in 24 hours; `data` "
    "lists which.",
    message="limit exceeded: a number may be on hold for 3,600 seconds in any 24 hours; "
    f"order {NUMBER}, ask for a shorter hold, or hold other numbers",
    data=_HeldTooLongJson,
)
TOO_MANY = replace(
    openapi_errors.RATE_LIMITED,
    when="Your organization has used up this minute's requests, or put too many numbers on hold "
    "this minute; or too many requests from your address came with a key that is not valid. Wait "
    "as long as `Retry-After` says.",
)


class ReservationListView(ApiView):
    """Hold named numbers, all or nothing; list own holds, newest first."""

    scopes = {"POST": Scope.NUMBERS_WRITE, "GET": Scope.NUMBERS_READ}

    @endpoint(
        "createReservation",
        tag=TAG,
        description=RESERVE,
        body=ReservationRequest,
        body_examples=[Example({"numbers": [NUMBER], "ttl_seconds": USUAL})],
        headers=[IDEMPOTENCY_KEY],
        returns=Returns(ReservationJson, "All of them are held.", status=201, headers=REPLAYED),
        errors=[INSUFFICIENT_INVENTORY, TOO_LONG, TOO_MANY, *IDEMPOTENCY_ERRORS],
        invalid={"ttl_seconds": INVALID_TTL},
    )
    def post(self, request: CallerRequest) -> HttpResponse:
        """Hold phone numbers."""
        refuse_unknown_parameters(request)
        body = parse_body(request, ReservationRequest)
        numbers, ttl = body.numbers, body.ttl_seconds
        buyer = buyer_of(request.user)
        key = idempotency_key_of(request, "reservations", request.data)
        if forced := forced_hold(numbers, ttl_seconds=ttl, buyer=buyer):
            return respond_once(key, lambda tx: Response(201, success_body(forced))).as_http()
        return reserve_once(numbers, ttl_seconds=ttl, buyer=buyer, idempotency_key=key).as_http()

    @list_endpoint("listReservations", ReservationJson, tag=TAG)
    def get(self, request: CallerRequest) -> HttpResponse:
        """List holds.

        Your organization's holds, those that have ended included.
        """
        _, page = read_list(request, name="reservations")
        own = Reservation.objects.filter(
            organization_id=request.user.organization_id, pk__lt=page.below
        )
        rows, at = list(own.order_by("-pk")[: page.fetch]), timezone.now()
        held = still_held(rows, at)
        return paginated_response(
            rows, page, show=lambda one: reservation_json(one, held=held.get(one.pk, []), at=at)
        )


class ReservationDetailView(ApiView):
    """One own hold; DELETE ends it."""

    scopes = {"GET": Scope.NUMBERS_READ, "DELETE": Scope.NUMBERS_WRITE}

    @endpoint(
        "getReservation",
        tag=TAG,
        path=PATH,
        returns=Returns(ReservationJson, "The hold."),
        errors=[NO_SUCH_RESERVATION],
    )
    def get(self, request: CallerRequest, reservation_id: UUID) -> HttpResponse:
        """Get a hold.

        One hold, with what it holds now.
        """
        refuse_unknown_parameters(request)
        return _answer(own_reservation(reservation_id, request.user.organization_id))

    @endpoint(
        "releaseReservation",
        tag=TAG,
        path=PATH,
        returns=Returns(
            ReservationJson,
            "The hold, ended.",
            but={"status": "released", "held_numbers": [], "released_at": "2026-04-26T12:00:00Z"},
        ),
        errors=[NO_SUCH_RESERVATION],
    )
    def delete(self, request: CallerRequest, reservation_id: UUID) -> HttpResponse:
        """End a hold.

        Give what is still held back at once. Ending a hold again, or one that has expired, changes
        nothing.
        """
        refuse_unknown_parameters(request)
        return _answer(
            release_reservation(reservation_id=reservation_id, buyer=buyer_of(request.user))
        )


def _answer(reservation: Reservation) -> HttpResponse:
    at = timezone.now()
    held = still_held([reservation], at).get(reservation.pk, [])
    return success(reservation_json(reservation, held=held, at=at))
