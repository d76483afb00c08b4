"""``/v1/phone-numbers/reservations``: holds of named numbers."""

from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone

from apikeys.authentication import CallerRequest
from apikeys.scopes import Scope
from config.api.envelope import success, success_body
from config.api.idempotency import HEADER, Response, read_idempotency_key, respond_once
from config.api.openapi.operations import described
from config.api.pagination import answer_page, read_page
from config.api.views import ApiView, body_of, refuse_if_any, refuse_unknown_parameters
from numbers.api import reservations_schema
from numbers.api.orders import buyer_of
from numbers.inventory.reservations import (
    own_reservation,
    read_ttl,
    release_reservation,
    reservation_json,
    reserve_once,
    still_held,
)
from numbers.models import Reservation
from numbers.numbering.e164 import read_numbers
from numbers.orders.sandbox import forced_hold


class Reservations(ApiView):
    """Hold named numbers, all or nothing; list own holds, newest first."""

    scopes = {"POST": Scope.NUMBERS_WRITE, "GET": Scope.NUMBERS_READ}

    @described(reservations_schema.RESERVE)
    def post(self, request: CallerRequest) -> HttpResponse:
        refuse_unknown_parameters(request)
        details: dict[str, str] = {}
        body = body_of(request, known=frozenset({"numbers", "ttl_seconds"}), details=details)
        numbers, ttl = read_numbers(body.get("numbers"), details), read_ttl(body.get("ttl_seconds"), details)
        refuse_if_any(details)
        buyer = buyer_of(request.user)
        key = read_idempotency_key(
            request.META.get(HEADER),
            organization_id=buyer.organization_id,
            request=["reservations", body],
        )
        if forced := forced_hold(numbers, ttl_seconds=ttl, buyer=buyer):
            return respond_once(key, lambda tx: Response(201, success_body(forced))).as_http()
        return reserve_once(numbers, ttl_seconds=ttl, buyer=buyer, idempotency_key=key).as_http()

    @described(reservations_schema.LIST)
    def get(self, request: CallerRequest) -> HttpResponse:
        page = read_page(request, name="reservations")
        own = Reservation.objects.filter(organization_id=request.user.organization_id, pk__lt=page.below)
        rows, at = list(own.order_by("-pk")[: page.fetch]), timezone.now()
        held = still_held(rows, at)
        return answer_page(rows, page, show=lambda one: reservation_json(one, held=held.get(one.pk, []), at=at))


class ReservationView(ApiView):
    """One own hold; DELETE ends it."""

    scopes = {"GET": Scope.NUMBERS_READ, "DELETE": Scope.NUMBERS_WRITE}

    @described(reservations_schema.GET)
    def get(self, request: CallerRequest, reservation_id: UUID) -> HttpResponse:
        refuse_unknown_parameters(request)
        return _answer(own_reservation(reservation_id, request.user.organization_id))

    @described(reservations_schema.RELEASE)
    def delete(self, request: CallerRequest, reservation_id: UUID) -> HttpResponse:
        refuse_unknown_parameters(request)
        return _answer(release_reservation(reservation_id=reservation_id, buyer=buyer_of(request.user)))


def _answer(reservation: Reservation) -> HttpResponse:
    at = timezone.now()
    held = still_held([reservation], at).get(reservation.pk, [])
    return success(reservation_json(reservation, held=held, at=at))
