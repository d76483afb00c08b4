"""Tools that order a quantity, wait for it, and find orders again."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from typing_extensions import TypedDict

from apikeys.scopes import Scope
from config import json_text
from config.api.declared import Reads, RequestBody, doc, expected
from config.api.field_kinds import (
    UUID_SCHEMA,
    Flag,
    GivenUuid,
    Text,
    Uuid,
    money,
    read_uuid,
    whole_number,
)
from config.api.pagination import STALE_CURSOR, PageQuery, page_of, shown_rows
from config.errors import ValidationFailed
from numbers.api.bulk_orders import BulkOrderRequest
from numbers.api.orders import OrderListQuery
from numbers.mcp.order_tools import ROUTING, IdempotencyField, idempotency_key_of
from numbers.mcp.tool import Call, Tool
from numbers.orders.bulk import cancel_order, own_bulk_order, place_bulk_order
from numbers.orders.bulk_json import BulkOrderPlacedJson
from numbers.orders.find import OrderFilters, find_orders
from numbers.orders.queries import (
    OrderWithNumbersJson,
    order_json,
    order_with_numbers_json,
    own_order,
)

SHOWN_ORDERS, MOST_ORDERS = 5, 20
CRITERIA = frozenset({"area_code", "number_type", "pattern", "sms_enabled", "mms_enabled"})


class BackorderRequest(IdempotencyField, BulkOrderRequest):
    max_price_per_number: Annotated[
        Decimal,
        money(required=True),
        doc("What each may cost at most, such as 1.50: the bound of what is charged."),
    ]


class BackorderJson(BulkOrderPlacedJson):
    repeated: Flag


def _read_order_id(value: object) -> UUID:
    if found := read_uuid(value):
        return found
    raise expected(value, "the order_id of a waiting order")


class CancelledJson(TypedDict):
    order_id: Uuid
    status: Text


class OneOrderRequest(RequestBody):
    order_id: Annotated[
        UUID, Reads(_read_order_id, UUID_SCHEMA), doc("The order_id of backorder_numbers.")
    ]


def _backorder(call: Call, given: BackorderRequest) -> Mapping[str, Any]:
    answer = place_bulk_order(
        given.order, buyer=call.buyer, idempotency_key=idempotency_key_of(call, given, "bulk")
    )
    body: Any = json_text.load(answer.body)
    return {**body["data"], "repeated": answer.replayed}


def _cancel(call: Call, given: OneOrderRequest) -> CancelledJson:
    organization_id = call.organization_id
    cancel_order(order_id=given.order_id, organization_id=organization_id, actor=call.caller.actor)
    order = own_bulk_order(given.order_id, organization_id)
    return {"order_id": order.pk, "status": order.status}


# --- find ----------------------------------------------------------------------------------------


class CursorField(PageQuery):
    cursor: Annotated[
        str | None,
        Reads(str, {"type": "string"}),
        doc("next_cursor of the page before."),
    ] = None


class FindOrdersRequest(CursorField, OrderListQuery):
    order_id: Annotated[GivenUuid, doc("The order with this id.")] = None
    limit: Annotated[
        int,
        whole_number(1, MOST_ORDERS, required=False, default=SHOWN_ORDERS),
        doc("How many to show."),
    ] = SHOWN_ORDERS


class FoundOrdersJson(TypedDict):
    orders: list[OrderWithNumbersJson]
    next_cursor: Text | None


def _refuse_filters(given: FindOrdersRequest) -> None:
    """Raise ValidationFailed for filters beside an id, which names one order by itself."""
    others = given.filters.keys() - {"order_id"} | ({"cursor"} if given.cursor else set())
    if others:
        rule = "is not for an order that order_id names; leave one of the two out"
        raise ValidationFailed(details=dict.fromkeys(sorted(others), rule))


def _find(call: Call, given: FindOrdersRequest) -> Mapping[str, Any]:
    if given.order_id is not None:
        _refuse_filters(given)
        found = own_order(given.order_id, call.organization_id)
        return {"orders": [order_with_numbers_json(found)], "next_cursor": None}
    page = page_of(given, organization_id=call.organization_id, name="orders")
    if page is None:
        raise ValidationFailed(details={"cursor": STALE_CURSOR})
    filters = {name: value for name, value in given.filters.items() if name != "order_id"}
    orders = find_orders(call.organization_id, OrderFilters(**filters)).filter(pk__lt=page.below)
    shown, next_cursor = shown_rows(orders[: page.fetch], page)
    show = order_with_numbers_json if len(shown) == 1 else order_json
    return {"orders": [show(one) for one in shown], "next_cursor": next_cursor}


BACKORDER_TOOLS = (
    Tool(
        "backorder_numbers",
        "Buy any numbers that match, the whole quantity or none, for at most quantity x "
        "max_price_per_number. Bought at once if in stock (status complete), else it waits "
        "(pending) and is bought when stock comes: look with find_orders.",
        Scope.NUMBERS_WRITE,
        BackorderRequest,
        BackorderJson,
        _backorder,
        destructive=True,
        idempotent=True,
        hidden=frozenset({"mode"}),
        said_before=ROUTING | CRITERIA | {"idempotency_key"},
    ),
    Tool(
        "cancel_backorder",
        "Cancel an order of backorder_numbers that is still pending.",
        Scope.NUMBERS_WRITE,
        OneOrderRequest,
        CancelledJson,
        _cancel,
        destructive=True,
        idempotent=True,
    ),
    Tool(
        "find_orders",
        "Find orders and how they stand, newest first, for instance after a lost answer by "
        "idempotency_key. A single order comes with its numbers.",
        Scope.NUMBERS_READ,
        FindOrdersRequest,
        FoundOrdersJson,
        _find,
        reads=True,
        read_only=True,
        hidden=frozenset({"request_id", "kind", "created_after", "created_before"}),
    ),
)
