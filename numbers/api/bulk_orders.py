"""``/v1/phone-numbers/bulk``: orders by quantity."""

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from apikeys.authentication import CallerRequest
from apikeys.scopes import Scope
from config.api.envelope import json_answer, success
from config.api.openapi.operations import described
from config.api.views import ApiView, body_of, refuse_if_any, refuse_unknown_parameters
from numbers.api import bulk_orders_schema
from numbers.api.orders import buyer_of
from numbers.inventory import criteria
from numbers.inventory.pricing import read_max_price
from numbers.orders.bulk import cancel_order, own_quantity_order, place_quantity_order, quantity_order_json
from numbers.orders.idempotency import read_idempotency_key
from numbers.orders.picking import MOST, QuantityRequest
from numbers.ownership import routing

_KNOWN = criteria.FIELDS | routing.FIELDS | {"quantity", "mode", "max_price_per_number"}


class QuantityOrders(ApiView):
    """Order so many numbers that match: all at once, now or as soon as the stock has them."""

    scopes = {"POST": Scope.NUMBERS_WRITE}

    @described(bulk_orders_schema.PLACE)
    def post(self, request: CallerRequest) -> HttpResponse:
        refuse_unknown_parameters(request)
        order = read_quantity_order(request)
        caller = request.user
        idempotency_key = read_idempotency_key(
            request.headers.get("Idempotency-Key"),
            organization_id=caller.organization_id,
            request=["bulk", request.data],
        )
        answer = place_quantity_order(order, buyer=buyer_of(caller), idempotency_key=idempotency_key)
        response = json_answer(answer.body, status=answer.status)
        if answer.replayed:
            response["Idempotent-Replayed"] = "true"
        return response


class QuantityOrder(ApiView):
    """One order by quantity: its status; cancel it while it is pending."""

    scopes = {"GET": Scope.NUMBERS_READ, "DELETE": Scope.NUMBERS_WRITE}

    @described(bulk_orders_schema.GET)
    def get(self, request: CallerRequest, order_id: UUID) -> HttpResponse:
        refuse_unknown_parameters(request)
        return success(quantity_order_json(own_quantity_order(order_id, request.user.organization_id)))

    @described(bulk_orders_schema.CANCEL)
    def delete(self, request: CallerRequest, order_id: UUID) -> HttpResponse:
        refuse_unknown_parameters(request)
        caller = request.user
        cancel_order(order_id=order_id, organization_id=caller.organization_id, actor=caller.actor)
        return success(quantity_order_json(own_quantity_order(order_id, caller.organization_id)))


def read_quantity_order(request: Request) -> QuantityRequest:
    """Raises ValidationFailed with every problem found."""
    details: dict[str, str] = {}
    body = body_of(request, known=_KNOWN, details=details)
    if body.get("mode") not in (None, "atomic"):
        details["mode"] = 'must be "atomic": the whole quantity or nothing'
    order = QuantityRequest(
        criteria.read_quantity(body.get("quantity"), details, maximum=MOST),
        criteria.read_criteria(body, details),
        routing.read_routing(body, details),
        read_max_price(body.get("max_price_per_number"), details),
    )
    if not details:  # such an order would wait for ever
        details = order.criteria.contradiction
    refuse_if_any(details)
    return order
