"""``/v1/phone-numbers/bulk``: orders by quantity."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from apikeys.authentication import CallerRequest
from apikeys.scopes import Scope
from config.api.declared import Problem, Reads, RequestBody, doc, parse_body
from config.api.envelope import json_response, success
from config.api.field_kinds import money, whole_number
from config.api.idempotency import idempotency_key_of
from config.api.openapi.declare import Returns, endpoint
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.idempotency import IDEMPOTENCY_ERRORS, IDEMPOTENCY_KEY, REPLAYED
from config.api.openapi.operations import Example, Id
from config.api.openapi.shapes import constant, nullable
from config.api.views import ApiView, refuse_unknown_parameters
from config.errors import LimitExceeded, NotFound, ValidationFailed
from numbers.api.errors import CAMPAIGN_ERRORS, INSUFFICIENT_CREDIT, SPENDING_LIMIT_EXCEEDED
from numbers.api.orders import buyer_of
from numbers.api.types import CriteriaFields, ReferenceField, RoutingFields
from numbers.field_kinds import ORDER_ID
from numbers.orders.bulk import (
    OrderNotPending,
    cancel_order,
    own_bulk_order,
    place_bulk_order,
)
from numbers.orders.bulk_json import BulkOrderJson, BulkOrderPlacedJson, bulk_order_json
from numbers.orders.picking import MOST, BulkOrderTerms

TAG = "Bulk orders"
PATH = {"order_id": Id("The `order_id` that the order was answered with.", ORDER_ID)}
INVALID_MODE = 'must be "atomic": the whole quantity or nothing'
PENDING = {
    "status": "pending",
    "quantity": 250,
    "assigned_count": 0,
    "pending_count": 250,
    "assigned_numbers": [],
}
NO_SUCH_ORDER = ErrorResponse(NotFound, "Your organization has no order by quantity with this id.")
TOO_MANY_WAIT = ErrorResponse(
    LimitExceeded,
    "As many orders of your organization wait for stock as are allowed.",
    message="limit exceeded: 100 bulk orders of your organization wait for stock: "
    "cancel one, or try again when one is filled",
)


def _read_mode(value: object) -> str | None:
    if value is None or value == "atomic":
        return "atomic"
    raise Problem(INVALID_MODE)


class _QuantityFields(RequestBody):
    quantity: Annotated[int, whole_number(1, MOST), doc("How many numbers.")]
    mode: Annotated[str | None, Reads(_read_mode, nullable(constant("atomic")))] = None
    max_price_per_number: Annotated[
        Decimal | None,
        money(),
        doc("What each number may cost at most, its first month included."),
    ] = None


class BulkOrderRequest(ReferenceField, RoutingFields, CriteriaFields, _QuantityFields):
    @property
    def order(self) -> BulkOrderTerms:
        """Return the order that the request asks for. Raise ValidationFailed if it can't be filled.

        With criteria that contradict each other it would wait for ever.
        """
        criteria = self.criteria
        if problems := criteria.contradiction:
            raise ValidationFailed(details=problems)
        return BulkOrderTerms(
            self.quantity,
            criteria,
            self.routing,
            self.max_price_per_number,
            self.customer_reference or "",
        )


class BulkOrderListView(ApiView):
    """Order so many numbers that match: all at once, now or as soon as the stock has them."""

    scopes = {"POST": Scope.NUMBERS_WRITE}

    @endpoint(
        "orderQuantity",
        tag=TAG,
        headers=[IDEMPOTENCY_KEY],
        body=BulkOrderRequest,
        body_examples=[
            Example({"quantity": 1, "mode": "atomic", "area_code": "415", "number_type": "local"})
        ],
        returns=[
            Returns(BulkOrderPlacedJson, "Filled at once.", headers=REPLAYED),
            Returns(
                BulkOrderPlacedJson,
                "Waits for stock; nothing is charged yet.",
                status=202,
                but=PENDING,
                headers=REPLAYED,
            ),
        ],
        errors=[
            SPENDING_LIMIT_EXCEEDED,
            INSUFFICIENT_CREDIT,
            *CAMPAIGN_ERRORS,
            TOO_MANY_WAIT,
            *IDEMPOTENCY_ERRORS,
        ],
        invalid={
            "quantity": "must be a whole number from 1 to 1000",
            "max_price_per_number": "is required, since no number in stock matches: say what each may cost at most",
            "mode": INVALID_MODE,
        },
    )
    def post(self, request: CallerRequest) -> HttpResponse:
        """Order a quantity of phone numbers.

        Order so many numbers that match the criteria, the whole quantity or nothing. Where the
        stock has them, they are yours and paid for when the answer comes (200). Where it does not,
        the order is kept (202): nothing is charged, and as soon as the stock can fill it, oldest
        order first, the whole quantity is assigned and charged. If its campaign can't be used when
        its turn comes, or the credit does not cover it, the order fails with that reason. If the
        spending limit of its key is reached, it waits until the limit begins again or is raised.
        Criteria that no number can ever match, such as the pattern `+1415` in area code 213, are
        refused (422) rather than kept.

        A waiting order never gets a number that costs more than `max_price_per_number`; such stock
        counts as missing. It bounds all that the order charges for a number: `price` and the first
        month. Without it the cost of the most expensive number that matches now is the bound; where
        none matches, it is required. With it the cheapest numbers come first. At most 100 orders of
        an organization wait, unless the operator has set another limit.

        An order also waits, for a moment, while an older one that could be filled wants the same
        numbers.

        Numbers that other buyers are taking at this moment are skipped, so this seldom waits and
        never takes a number that another buyer ordered first. Send an `Idempotency-Key`: then the
        request can be repeated after a time-out without ordering twice.
        """
        refuse_unknown_parameters(request)
        order = read_bulk_order(request)
        caller = request.user
        idempotency_key = idempotency_key_of(request, "bulk", request.data)
        answer = place_bulk_order(order, buyer=buyer_of(caller), idempotency_key=idempotency_key)
        response = json_response(answer.body, status=answer.status)
        if answer.replayed:
            response["Idempotent-Replayed"] = "true"
        return response


class BulkOrderDetailView(ApiView):
    """One order by quantity: its status; cancel it while it is pending."""

    scopes = {"GET": Scope.NUMBERS_READ, "DELETE": Scope.NUMBERS_WRITE}

    @endpoint(
        "getBulkOrder",
        tag=TAG,
        path=PATH,
        returns=Returns(BulkOrderJson, "The order as it is now."),
        errors=[NO_SUCH_ORDER],
    )
    def get(self, request: CallerRequest, order_id: UUID) -> HttpResponse:
        """Get a bulk order.

        How an order by quantity stands. Ask now and then while it is `pending`; the other states
        are final.
        """
        refuse_unknown_parameters(request)
        return success(bulk_order_json(own_bulk_order(order_id, request.user.organization_id)))

    @endpoint(
        "cancelBulkOrder",
        tag=TAG,
        path=PATH,
        returns=Returns(
            BulkOrderJson,
            "The order, cancelled.",
            but={**PENDING, "status": "cancelled", "pending_count": 0},
        ),
        errors=[
            NO_SUCH_ORDER,
            ErrorResponse(OrderNotPending, "The order is complete or has failed."),
        ],
    )
    def delete(self, request: CallerRequest, order_id: UUID) -> HttpResponse:
        """Cancel a bulk order.

        Cancel an order by quantity that is still `pending`. Cancelling it again changes nothing.
        """
        refuse_unknown_parameters(request)
        caller = request.user
        cancel_order(order_id=order_id, organization_id=caller.organization_id, actor=caller.actor)
        return success(bulk_order_json(own_bulk_order(order_id, caller.organization_id)))


def read_bulk_order(request: Request) -> BulkOrderTerms:
    """Return the order that the body asks for. Raise ValidationFailed with every problem found."""
    return parse_body(request, BulkOrderRequest).order
