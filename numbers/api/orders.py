"""``/v1/phone-numbers/orders``."""

from typing import Annotated
from uuid import UUID

from django.http import HttpResponse
from pydantic import Field
from rest_framework.request import Request
from typing_extensions import TypedDict

from apikeys.authentication import Caller, CallerRequest
from apikeys.scopes import Scope
from config.api.declared import RequestQuery, doc, parse_body, read_query
from config.api.envelope import json_answer, success
from config.api.kinds import FlagParameter, Uuid
from config.api.openapi.declare import Returns, endpoint, list_endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.idempotency import IDEMPOTENCY_ERRORS, IDEMPOTENCY_KEY, REPLAYED
from config.api.openapi.operations import Example, Id
from config.api.pagination import answer_page, read_list
from config.api.views import READS, ApiView, refuse_unknown_parameters
from config.errors import NotFound
from numbers.api.errors import CAMPAIGN_ERRORS, INSUFFICIENT_CREDIT, INSUFFICIENT_INVENTORY
from numbers.api.types import MAX_NUMBERS, PHONE_NUMBERS, NamedNumbers, RoutingFields
from numbers.kinds import CAMPAIGN_ID, NUMBER, ORDER_ID
from numbers.orders import place
from numbers.orders.idempotency import read_idempotency_key
from numbers.orders.place import QuoteJson, place_order, quote_order
from numbers.orders.purchase import Buyer
from numbers.orders.queries import (
    OrderJson,
    OrderWithNumbersJson,
    order_json,
    order_with_numbers_json,
    own_order,
    own_orders,
)
from numbers.orders.sandbox import forced_order, forced_quote
from numbers.ownership.queries import PhoneNumberJson

TAG = "Orders"
PATH = {"order_id": Id("The order's id.", ORDER_ID)}
ROUTING_EXAMPLE = {
    "inbound_url": "https://customer.example/inbound",
    "status_url": "https://customer.example/status",
    "campaign_id": CAMPAIGN_ID,
    "label": "support-line",
}


class OrderRequest(RoutingFields, NamedNumbers):
    pass


class OrderQuery(RequestQuery):
    dry_run: Annotated[
        FlagParameter,
        doc("`true`: check and price the order, but do not place it.", example=False),
    ] = False


class _OrderMetaJson(TypedDict):
    order_id: Annotated[Uuid, doc("Of the order that they came with.", example=ORDER_ID)]


OrderedJson = Annotated[
    list[PhoneNumberJson],
    Field(min_length=1, max_length=MAX_NUMBERS, description="The numbers, in the order asked for."),
]


class OrderListView(ApiView):
    """Order an exact set of numbers, all or nothing; list what was ordered, newest first."""

    scopes = {"POST": Scope.NUMBERS_WRITE, "GET": Scope.NUMBERS_READ}
    may_be_old = READS

    @endpoint(
        "orderNumbers",
        tag=PHONE_NUMBERS,
        query=OrderQuery,
        headers=[IDEMPOTENCY_KEY],
        body=OrderRequest,
        body_examples=[
            Example({"numbers": [NUMBER]}, "One number"),
            Example({"numbers": [NUMBER], **ROUTING_EXAMPLE}, "With its routing"),
        ],
        returns=[
            Returns(
                OrderedJson,
                "Every number is yours. With `dry_run=true`, what it would cost.",
                name="OrderAnswer",
                meta=_OrderMetaJson,
                summary="Ordered",
                headers=REPLAYED,
            ),
            Returns(QuoteJson, "What it would cost.", summary="Dry run"),
        ],
        errors=[INSUFFICIENT_CREDIT, *CAMPAIGN_ERRORS, INSUFFICIENT_INVENTORY, *IDEMPOTENCY_ERRORS],
        invalid={
            "numbers[1]": "must be an E.164 number such as +14155550123",
            "inbound_url": "must start with https://",
        },
    )
    def post(self, request: CallerRequest) -> HttpResponse:
        """Assign specific phone numbers.

        Order a set of numbers by name, all or nothing: either every one of them is yours and paid for
        when the answer comes, or none is and nothing was charged. Where one can't be had, the answer is
        409 `INSUFFICIENT_INVENTORY`; it names the unavailable numbers and, for each, the nearest number
        that you could have instead.

        Set at once where messages go: `inbound_url`, `status_url`, `campaign_id` and `label` hold for
        every number of the order.

        The checks are made in this order, and the first that fails is the answer: key (401), scope (403),
        body (422), campaign in your organization (404), campaign active (409), its brand verified (409),
        numbers available (409), credit (402).

        Send an `Idempotency-Key`, and the request can be repeated after a time-out without fear of buying
        twice. With `dry_run=true` everything is checked and priced, and nothing is written or held.
        """
        dry_run = read_query(request, OrderQuery).dry_run
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

    @list_endpoint("listOrders", OrderJson, tag=TAG)
    def get(self, request: CallerRequest) -> HttpResponse:
        """List orders.

        Every order of your organization, by name or by quantity.
        """
        _, page = read_list(request, name="orders")
        orders = own_orders(request.user.organization_id).filter(pk__lt=page.below)
        return answer_page(orders[: page.fetch], page, show=order_json)


class OrderDetailView(ApiView):
    """One order, of either kind, with its numbers and what each cost."""

    scopes = {"GET": Scope.NUMBERS_READ}
    may_be_old = READS

    @endpoint(
        "getOrder",
        tag=TAG,
        path=PATH,
        returns=Returns(OrderWithNumbersJson, "The order."),
        errors=[ErrorResponse(NotFound, "Your organization has no order with this id.")],
    )
    def get(self, request: CallerRequest, order_id: UUID) -> HttpResponse:
        """Get an order.

        One order of either kind, with its numbers and what each of them cost.
        """
        refuse_unknown_parameters(request)
        return success(order_with_numbers_json(own_order(order_id, request.user.organization_id)))


def read_order(request: Request) -> place.OrderRequest:
    """Return the order that the body asks for. Raise ValidationFailed with every problem found."""
    body = parse_body(request, OrderRequest)
    return place.OrderRequest(body.numbers, body.routing)


def buyer_of(caller: Caller) -> Buyer:
    """Return for whom the caller buys."""
    return Buyer(caller.organization_id, caller.is_sandbox, caller.actor, caller.key_id)
