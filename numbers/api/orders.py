"""``/v1/phone-numbers/orders``."""

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from apikeys.authentication import Caller, CallerRequest
from apikeys.scopes import Scope
from config.api.envelope import json_answer, success
from config.api.openapi.operations import described
from config.api.pagination import answer_page, read_page
from config.api.views import READS, ApiView, body_of, flag_parameter, refuse_if_any, refuse_unknown_parameters
from numbers.api import ordered_schema
from numbers.api.orders_schema import PLACE_ORDER
from numbers.numbering.e164 import read_numbers
from numbers.orders.idempotency import read_idempotency_key
from numbers.orders.place import OrderRequest, place_order, quote_order
from numbers.orders.purchase import Buyer
from numbers.orders.queries import order_json, order_with_numbers_json, own_order, own_orders
from numbers.orders.sandbox import forced_order, forced_quote
from numbers.ownership import routing


class Orders(ApiView):
    """Order an exact set of numbers, all or nothing; list what was ordered, newest first."""

    scopes = {"POST": Scope.NUMBERS_WRITE, "GET": Scope.NUMBERS_READ}
    may_be_old = READS

    @described(PLACE_ORDER)
    def post(self, request: CallerRequest) -> HttpResponse:
        refuse_unknown_parameters(request, frozenset({"dry_run"}))
        dry_run = flag_parameter(request, "dry_run")
        order = read_order(request)
        caller: Caller = request.user
        idempotency_key = read_idempotency_key(
            request.META.get("HTTP_IDEMPOTENCY_KEY"),
            organization_id=caller.organization_id,
            request=["orders", request.data],
        )
        buyer = buyer_of(caller)
        if dry_run:
            return success(forced_quote(order, buyer=buyer) or quote_order(order, buyer=buyer))
        answer = forced_order(order, buyer=buyer, idempotency_key=idempotency_key)
        answer = answer or place_order(order, buyer=buyer, idempotency_key=idempotency_key)
        response = json_answer(answer.body)
        if answer.replayed:
            response["Idempotent-Replayed"] = "true"
        return response

    @described(ordered_schema.LIST)
    def get(self, request: CallerRequest) -> HttpResponse:
        page = read_page(request, name="orders")
        orders = own_orders(request.user.organization_id).filter(pk__lt=page.below)
        return answer_page(orders[: page.fetch], page, show=order_json)


class OneOrder(ApiView):
    """One order, of either kind, with its numbers and what each cost."""

    scopes = {"GET": Scope.NUMBERS_READ}
    may_be_old = READS

    @described(ordered_schema.GET)
    def get(self, request: CallerRequest, order_id: UUID) -> HttpResponse:
        refuse_unknown_parameters(request)
        return success(order_with_numbers_json(own_order(order_id, request.user.organization_id)))


def read_order(request: Request) -> OrderRequest:
    """The body of an order. Raises ValidationFailed with every problem found."""
    details: dict[str, str] = {}
    body = body_of(request, known=routing.FIELDS | {"numbers"}, details=details)
    order = OrderRequest(read_numbers(body.get("numbers"), details), routing.read_routing(body, details))
    refuse_if_any(details)
    return order


def buyer_of(caller: Caller) -> Buyer:
    return Buyer(caller.organization_id, caller.is_sandbox, caller.actor, caller.key_id)
