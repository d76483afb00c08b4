"""Tools that search, quote and order exact numbers."""

from collections.abc import Mapping
from typing import Annotated, Any

from typing_extensions import TypedDict

from apikeys.scopes import Scope
from config import json_text
from config.api.declared import Reads, RequestBody, doc, expected
from config.api.field_kinds import Flag, Moment, Text, Uuid
from config.api.idempotency import KEY_LENGTH, IdempotencyKey, read_idempotency_key
from numbers.api.orders import OrderRequest, read_key
from numbers.api.search import SearchRequest, search_numbers
from numbers.inventory.search import AvailableNumberJson
from numbers.mcp import confirmation
from numbers.mcp.tool import Call, Tool
from numbers.orders.quote import QuoteJson
from numbers.orders.sandbox import order_or_force, quote_or_force
from numbers.ownership.queries import PhoneNumberJson

ORDER = "order"
ROUTING = frozenset({"inbound_url", "status_url", "campaign_id", "label", "customer_reference"})


def _read_idempotency_key(value: object) -> str:
    if isinstance(value, str):
        return read_key(value)
    raise expected(value, f"1 to {KEY_LENGTH} visible ASCII characters, such as a new UUID")


class IdempotencyField(RequestBody):
    idempotency_key: Annotated[
        str,
        Reads(_read_idempotency_key, {"type": "string", "maxLength": KEY_LENGTH}),
        doc(
            "Your own new id of this purchase, such as a UUID. A repeated call with the same id "
            "buys once and gets the first answer."
        ),
    ]


# --- search --------------------------------------------------------------------------------------


class FoundJson(TypedDict):
    numbers: list[AvailableNumberJson]


def _search(call: Call, given: SearchRequest) -> FoundJson:
    return {"numbers": search_numbers(given, sandbox=call.caller.is_sandbox)}


# --- quote and order -----------------------------------------------------------------------------


def _read_confirm(value: object) -> str:
    if isinstance(value, str):
        return value
    raise expected(value, "the confirm token of quote_order for the same arguments")


class ConfirmableQuoteJson(QuoteJson):
    confirm: Annotated[Text, doc("What order_numbers needs.")]
    confirm_until: Moment


class OrderNumbersRequest(IdempotencyField, OrderRequest):
    confirm: Annotated[
        str,
        Reads(_read_confirm, {"type": "string"}),
        doc("The confirm of quote_order for exactly these arguments."),
    ]


class OrderedJson(TypedDict):
    order_id: Uuid
    numbers: list[PhoneNumberJson]
    repeated: Flag


def _quote(call: Call, given: OrderRequest) -> ConfirmableQuoteJson:
    quote = quote_or_force(given.order, buyer=call.buyer)
    shown = confirmation.shown_by(quote["total"], quote["numbers"])
    signed = confirmation.sign(shown, purpose=ORDER, caller=call.caller, request=bound_by(given))
    return {**quote, **signed}  # type: ignore[typeddict-item]  # the two fields of sign


def _order(call: Call, given: OrderNumbersRequest) -> OrderedJson:
    confirmed = confirmation.read(
        given.confirm,
        purpose=ORDER,
        caller=call.caller,
        request=bound_by(given),
        tool="quote_order",
    )
    answer = order_or_force(
        given.order,
        buyer=call.buyer,
        idempotency_key=idempotency_key_of(call, given, "orders"),
        approve=confirmed.approve,
    )
    body: Any = json_text.load(answer.body)
    return {
        "order_id": body["meta"]["order_id"],
        "numbers": body["data"],
        "repeated": answer.replayed,
    }


def bound_by(given: OrderRequest) -> Mapping[str, Any]:
    """Return what a confirm token is for: everything that the order does."""
    order = given.order
    return {
        "numbers": sorted(order.numbers),
        "routing": [
            order.routing.inbound_url,
            order.routing.status_url,
            order.routing.campaign_id,
            order.routing.label,
        ],
        "customer_reference": order.customer_reference,
    }


def idempotency_key_of(call: Call, given: IdempotencyField, endpoint: str) -> IdempotencyKey | None:
    """Return the key, bound to the order and not to the token: a retry may have a fresh one."""
    order = given.model_dump(exclude={"idempotency_key", "confirm"}, exclude_none=True)
    return read_idempotency_key(
        given.idempotency_key, organization_id=call.organization_id, request=[endpoint, order]
    )


ORDER_TOOLS = (
    Tool(
        "search_numbers",
        "Show available numbers with their prices. Nothing is reserved: quote and order soon.",
        Scope.NUMBERS_WRITE,
        SearchRequest,
        FoundJson,
        _search,
        reads=True,
        read_only=True,
    ),
    Tool(
        "quote_order",
        "Check and price an order of exact numbers without buying: total, balance_after, and the "
        "confirm token that order_numbers needs within 5 minutes.",
        Scope.NUMBERS_WRITE,
        OrderRequest,
        ConfirmableQuoteJson,
        _quote,
        read_only=True,
    ),
    Tool(
        "order_numbers",
        "Buy exact numbers, all or none, at the price of quote_order. Repeat its arguments, with "
        "its confirm and an idempotency_key. After a lost answer make the same call again.",
        Scope.NUMBERS_WRITE,
        OrderNumbersRequest,
        OrderedJson,
        _order,
        destructive=True,
        idempotent=True,
        said_before=ROUTING | {"numbers"},
    ),
)
