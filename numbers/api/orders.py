"""``/v1/phone-numbers/orders``."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from django.http import HttpResponse
from pydantic import Field
from rest_framework.request import Request
from typing_extensions import TypedDict

from apikeys.authentication import Caller, CallerRequest
from apikeys.scopes import Scope
from config.api.declared import Problem, Reads, RequestQuery, doc, parse_body, read_query
from config.api.envelope import json_response, success
from config.api.field_kinds import FlagParameter, GivenMoment, Uuid, choice
from config.api.idempotency import KEY_LENGTH, check_idempotency_key, idempotency_key_of
from config.api.openapi.declare import Returns, endpoint, list_endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.idempotency import IDEMPOTENCY_ERRORS, IDEMPOTENCY_KEY, REPLAYED
from config.api.openapi.operations import Example, Id
from config.api.pagination import PageQuery, paginated_response, read_list
from config.api.views import ApiView, from_replica, refuse_unknown_parameters
from config.errors import NotFound, ValidationFailed
from numbers.api.errors import (
    CAMPAIGN_ERRORS,
    INSUFFICIENT_CREDIT,
    INSUFFICIENT_INVENTORY,
    SPENDING_LIMIT_EXCEEDED,
)
from numbers.api.types import (
    MAX_NUMBERS,
    PHONE_NUMBERS,
    REFERENCE_SCHEMA,
    NamedNumbers,
    ReferenceField,
    RoutingFields,
    read_reference,
)
from numbers.field_kinds import CAMPAIGN_ID, E164_SCHEMA, NUMBER, ORDER_ID
from numbers.models.orders import OrderKind, OrderStatus
from numbers.numbering.e164 import is_e164
from numbers.orders import place
from numbers.orders.find import OrderFilters, find_orders, started_at
from numbers.orders.purchase import Buyer
from numbers.orders.queries import (
    OrderJson,
    OrderWithNumbersJson,
    order_json,
    order_with_numbers_json,
    own_order,
)
from numbers.orders.quote import QuoteJson
from numbers.orders.sandbox import order_or_force, quote_or_force
from numbers.ownership.queries import PhoneNumberJson

TAG = "Orders"
PATH = {"order_id": Id("The order's id.", ORDER_ID)}
ROUTING_EXAMPLE = {
    "inbound_url": "https://customer.example/inbound",
    "status_url": "https://customer.example/status",
    "campaign_id": CAMPAIGN_ID,
    "label": "support-line",
}


class OrderRequest(ReferenceField, RoutingFields, NamedNumbers):
    @property
    def order(self) -> place.OrderRequest:
        """Return the order that the request asks for."""
        return place.OrderRequest(self.numbers, self.routing, self.customer_reference or "")


def _read_number(value: object) -> str | None:
    # ?number=+1415… arrives as " 1415…": in a query a plus is a blank.
    number = f"+{str(value).strip().removeprefix('+')}"
    if is_e164(number):
        return number
    raise Problem("must be an E.164 number such as +14155550123")


def _read_request_id(value: object) -> str:
    if started_at(str(value)) is None:
        raise Problem("must be the id of a request, such as 01JTBQH2FZ8K1RXC0WJ4Z9P3VM")
    return str(value).upper()


def read_key(value: object) -> str:
    """Return an idempotency key. Raise Problem."""
    try:
        return check_idempotency_key(str(value))
    except ValidationFailed as refusal:
        raise Problem("; ".join((refusal.details or {}).values())) from None


class OrderListQuery(PageQuery):
    customer_reference: Annotated[
        str | None,
        Reads(read_reference, REFERENCE_SCHEMA),
        doc("Only those with exactly this reference."),
    ] = None
    request_id: Annotated[
        str | None,
        Reads(_read_request_id, {"type": "string", "minLength": 26, "maxLength": 26}),
        doc("Only that of the request with this `X-Request-Id`."),
    ] = None
    idempotency_key: Annotated[
        str | None,
        Reads(read_key, {"type": "string", "minLength": 1, "maxLength": KEY_LENGTH + 2}),
        doc("Only that of this `Idempotency-Key`, while it is remembered: for 24 hours."),
    ] = None
    number: Annotated[
        str | None,
        Reads(_read_number, E164_SCHEMA),
        doc("Only those that brought you this number, released or not."),
    ] = None
    status: Annotated[
        str | None, choice(OrderStatus.values), doc("Only those with this status.")
    ] = None
    kind: Annotated[
        str | None, choice(OrderKind.values), doc("Only those by name, or by quantity.")
    ] = None
    created_after: Annotated[datetime | None, GivenMoment, doc("Only those from this time on.")] = (
        None
    )
    created_before: Annotated[
        datetime | None, GivenMoment, doc("Only those from before this time.")
    ] = None


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
        errors=[
            SPENDING_LIMIT_EXCEEDED,
            INSUFFICIENT_CREDIT,
            *CAMPAIGN_ERRORS,
            INSUFFICIENT_INVENTORY,
            *IDEMPOTENCY_ERRORS,
        ],
        invalid={
            "numbers[1]": "must be an E.164 number such as +14155550123",
            "inbound_url": "must start with https://",
        },
    )
    def post(self, request: CallerRequest) -> HttpResponse:
        """Assign specific phone numbers.

        Order a set of numbers by name, all or nothing: either every one of them is yours and paid
        for when the answer comes, or none is and nothing was charged. Where one can't be had, the
        answer is 409 `INSUFFICIENT_INVENTORY`; it names the unavailable numbers and, for each, the
        nearest number that you could have instead.

        Set at once where messages go: `inbound_url`, `status_url`, `campaign_id` and `label` hold
        for every number of the order.

        The checks are made in this order, and the first that fails is the answer: key (401), scope
        (403), body (422), campaign in your organization (404), campaign active (409), its brand
        verified (409), numbers available (409), the key's spending limit (402), credit (402).

        Send an `Idempotency-Key`, and the request can be repeated after a time-out without fear of
        buying twice. With `dry_run=true` everything is checked and priced, and nothing is written
        or held.
        """
        dry_run = read_query(request, OrderQuery).dry_run
        order = read_order(request)
        caller: Caller = request.user
        idempotency_key = idempotency_key_of(request, "orders", request.data)
        buyer = buyer_of(caller)
        if dry_run:
            return success(quote_or_force(order, buyer=buyer))
        answer = order_or_force(order, buyer=buyer, idempotency_key=idempotency_key)
        response = json_response(answer.body)
        if answer.replayed:
            response["Idempotent-Replayed"] = "true"
        return response

    @list_endpoint("listOrders", OrderJson, tag=TAG, query=OrderListQuery)
    @from_replica
    def get(self, request: CallerRequest) -> HttpResponse:
        """List orders.

        Every order of your organization, by name or by quantity. The filters find one again: by
        your reference, by the id or the idempotency key of its request, by a number, by status,
        kind or time.
        """
        query, page = read_list(request, OrderListQuery, name="orders")
        found = find_orders(request.user.organization_id, OrderFilters(**query.filters))
        orders = found.filter(pk__lt=page.below)
        return paginated_response(orders[: page.fetch], page, show=order_json)


class OrderDetailView(ApiView):
    """One order, of either kind, with its numbers and what each cost."""

    scopes = {"GET": Scope.NUMBERS_READ}

    @endpoint(
        "getOrder",
        tag=TAG,
        path=PATH,
        returns=Returns(OrderWithNumbersJson, "The order."),
        errors=[ErrorResponse(NotFound, "Your organization has no order with this id.")],
    )
    @from_replica
    def get(self, request: CallerRequest, order_id: UUID) -> HttpResponse:
        """Get an order.

        One order of either kind, with its numbers and what each of them cost.
        """
        refuse_unknown_parameters(request)
        return success(order_with_numbers_json(own_order(order_id, request.user.organization_id)))


def read_order(request: Request) -> place.OrderRequest:
    """Return the order that the body asks for. Raise ValidationFailed with every problem found."""
    return parse_body(request, OrderRequest).order


def buyer_of(caller: Caller) -> Buyer:
    """Return for whom the caller buys."""
    return Buyer(
        caller.organization_id,
        caller.is_sandbox,
        caller.actor,
        caller.key_id,
        is_limited=caller.is_limited,
        max_numbers=caller.max_numbers_per_order,
    )
