"""``/v1/phone-numbers/bulk``, orders by quantity, described."""

from config.api.openapi.errors import Refusal
from config.api.openapi.lists import NO_PARAMETERS
from config.api.openapi.operations import Answer, Body, Example, Id, Operation, envelope, succeeds
from config.api.openapi.shapes import (
    Schema,
    choice,
    constant,
    integer,
    listed,
    moment,
    money,
    named,
    nullable,
    record,
    text,
    uuid,
)
from config.errors import LimitExceeded, NotFound
from numbers.api.orders_schema import IDEMPOTENCY_REFUSALS
from numbers.api.schemas import (
    CAMPAIGN_REFUSALS,
    IDEMPOTENCY_KEY,
    INSUFFICIENT_CREDIT,
    MOMENT,
    ORDER_ID,
    PHONE_NUMBER,
    PHONE_NUMBER_EXAMPLE,
    ROUTING_FIELDS,
)
from numbers.api.search_schema import CRITERIA_FIELDS
from numbers.models.orders import OrderStatus
from numbers.orders.bulk import OrderNotPending

TAG = "Bulk orders"

_FIELDS: dict[str, Schema] = {
    "order_id": uuid("Of the order: ask for its status with it."),
    "status": choice(
        "`complete`: the whole quantity is yours and paid for. `pending`: it waits for stock, nothing is charged. "
        "`failed`: it was given up, see `reason`. `cancelled`: you cancelled it.",
        OrderStatus.values,
    ),
    "quantity": integer("How many were ordered.", minimum=1, maximum=1000),
    "assigned_count": integer("How many of them were assigned: all or none.", minimum=0),
    "pending_count": integer("How many it still waits for: all or none.", minimum=0),
    "max_price_per_number": nullable(
        money("What each of its numbers costs at most; null for orders from before this was kept.")
    ),
    "assigned_numbers": listed("Those of its numbers that are yours now.", PHONE_NUMBER),
}
_MAX_PRICE = {**money("What each number may cost at most."), "pattern": r"^[0-9]{1,12}(\.[0-9]{1,2})?$"}
PLACED = named("BulkOrderPlaced", record("An order by quantity as it was placed.", _FIELDS))
BULK_ORDER = named(
    "BulkOrder",
    record(
        "An order by quantity as it is now.",
        {
            **_FIELDS,
            "reason": nullable(
                text(
                    "The code for which it failed: `INSUFFICIENT_CREDIT`, `CAMPAIGN_NOT_ACTIVE` or "
                    "`BRAND_NOT_VERIFIED` when its turn came; null otherwise."
                )
            ),
            "created_at": moment("When it was placed."),
            "finished_at": nullable(moment("When it was completed, failed or cancelled.")),
        },
    ),
)
COMPLETE_EXAMPLE = {
    "order_id": ORDER_ID,
    "status": "complete",
    "quantity": 1,
    "assigned_count": 1,
    "pending_count": 0,
    "max_price_per_number": "1.00",
    "assigned_numbers": [PHONE_NUMBER_EXAMPLE],
}
PENDING_EXAMPLE = {
    "order_id": ORDER_ID,
    "status": "pending",
    "quantity": 250,
    "assigned_count": 0,
    "pending_count": 250,
    "max_price_per_number": "1.00",
    "assigned_numbers": [],
}

PATH = {"order_id": Id("The `order_id` that the order was answered with.", ORDER_ID)}
NO_SUCH_ORDER = Refusal(NotFound, "Your organization has no order by quantity with this id.")

PLACE = Operation(
    id="orderQuantity",
    tag=TAG,
    summary="Order a quantity of phone numbers",
    description="""\
Order so many numbers that match the criteria, the whole quantity or nothing. Where the stock has them, they are
yours and paid for when the answer comes (200). Where it does not, the order is kept (202): nothing is charged, and
as soon as the stock can fill it, oldest order first, the whole quantity is assigned and charged. An order whose
campaign or credit does not hold when its turn comes fails with that reason. Criteria that no number can ever
match, such as the pattern `+1415` in area code 213, are refused (422) rather than kept.

A waiting order is never filled dearer than `max_price_per_number`, and dearer stock counts as missing. Without it the
dearest number that matches now is the bound; where none matches it is required. With it the cheapest numbers come
first. An organization has at most `BACKORDERS_PER_ORGANIZATION` (100) orders waiting.

An order also waits, for a moment, while an older one that could be filled wants the same numbers.

Numbers that other buyers are just taking are passed over, so this seldom waits and never takes what a search
showed to somebody else and they ordered first. Send an `Idempotency-Key`, and the request can be repeated after a
time-out without fear of ordering twice.""",
    parameters=[IDEMPOTENCY_KEY],
    body=Body(
        named(
            "BulkOrderRequest",
            record(
                "",
                {
                    "quantity": integer("How many numbers.", minimum=1, maximum=1000),
                    "mode": nullable(constant("atomic")),
                    "max_price_per_number": nullable(_MAX_PRICE),
                    **CRITERIA_FIELDS,
                    **ROUTING_FIELDS,
                },
                optional=["mode", "max_price_per_number", *CRITERIA_FIELDS, *ROUTING_FIELDS],
            ),
        ),
        [Example({"quantity": 1, "mode": "atomic", "area_code": "415", "number_type": "local"})],
    ),
    answers=[
        Answer(
            "Filled at once.",
            envelope("BulkOrderPlacedAnswer", PLACED),
            [Example(succeeds(COMPLETE_EXAMPLE))],
            headers=["Idempotent-Replayed"],
        ),
        Answer(
            "Waits for stock; nothing is charged yet.",
            envelope("BulkOrderPlacedAnswer", PLACED),
            [Example(succeeds(PENDING_EXAMPLE))],
            status=202,
            headers=["Idempotent-Replayed"],
        ),
    ],
    refusals=[
        INSUFFICIENT_CREDIT,
        *CAMPAIGN_REFUSALS,
        Refusal(
            LimitExceeded,
            "As many orders of your organization wait for stock as may.",
            message="limit exceeded: 100 bulk orders of your organization wait for stock: "
            "cancel one, or try again when one is filled",
            component="BackorderLimitError",
        ),
        *IDEMPOTENCY_REFUSALS,
    ],
    invalid={
        "quantity": "must be a whole number from 1 to 1000",
        "max_price_per_number": "is required, since no number in stock matches: say what each may cost at most",
        "mode": 'must be "atomic": the whole quantity or nothing',
    },
)

GET = Operation(
    id="getBulkOrder",
    tag=TAG,
    summary="Get a bulk order",
    description="How an order by quantity stands. Ask now and then while it is `pending`; the other states are final.",
    path_parameters=PATH,
    answers=[
        Answer(
            "The order as it is now.",
            envelope("BulkOrderAnswer", BULK_ORDER),
            [Example(succeeds({**COMPLETE_EXAMPLE, "reason": None, "created_at": MOMENT, "finished_at": MOMENT}))],
        )
    ],
    refusals=[NO_SUCH_ORDER],
    invalid=NO_PARAMETERS,
)

CANCEL = Operation(
    id="cancelBulkOrder",
    tag=TAG,
    summary="Cancel a bulk order",
    description="Cancel an order by quantity that is still `pending`. Cancelling it again changes nothing.",
    path_parameters=PATH,
    answers=[
        Answer(
            "The order, cancelled.",
            envelope("BulkOrderAnswer", BULK_ORDER),
            [
                Example(
                    succeeds(
                        {
                            **PENDING_EXAMPLE,
                            "status": "cancelled",
                            "pending_count": 0,
                            "reason": None,
                            "created_at": MOMENT,
                            "finished_at": MOMENT,
                        }
                    )
                )
            ],
        )
    ],
    refusals=[NO_SUCH_ORDER, Refusal(OrderNotPending, "The order is complete or has failed.")],
    invalid=NO_PARAMETERS,
)
