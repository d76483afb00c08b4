"""``GET /v1/phone-numbers/orders`` and ``/orders/{id}``, described."""

from config.api.openapi.errors import Refusal
from config.api.openapi.lists import NO_PARAMETERS, listing
from config.api.openapi.operations import Answer, Example, Id, Operation, envelope, succeeds
from config.api.openapi.shapes import (
    Schema,
    choice,
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
from config.errors import NotFound
from numbers.api.schemas import CAMPAIGN_ID, MOMENT, NUMBER, NUMBER_ID, ORDER_ID, currency, e164
from numbers.models.orders import OrderKind, OrderStatus

TAG = "Orders"

_FIELDS: dict[str, Schema] = {
    "id": uuid("The `order_id` that the order was answered with."),
    "kind": choice("Whether the numbers were ordered by name or by quantity.", OrderKind.values),
    "status": choice("How it stands. An order by name is always `complete`.", OrderStatus.values),
    "reason": nullable(text("The code for which it failed.")),
    "quantity": integer("How many numbers were ordered.", minimum=1),
    "total": nullable(money("What they cost together; null until they are assigned.")),
    "currency": currency(),
    "label": nullable(text("The label that was ordered with.")),
    "campaign_id": nullable(uuid("The campaign that was ordered for.")),
    "api_key": nullable(
        record(
            "The key that ordered; null where an operator did.",
            {"id": uuid("Its id."), "prefix": text("The prefix that it had then.", examples=["am_live_8sK2"])},
        )
    ),
    "created_at": moment("When it was placed."),
    "finished_at": nullable(moment("When it was completed, failed or cancelled.")),
}
ORDER = named("Order", record("What was ordered, with which key, at what cost.", _FIELDS))
ORDER_WITH_NUMBERS = named(
    "OrderWithNumbers",
    record(
        "An order, with each number that it brought.",
        {
            **_FIELDS,
            "numbers": listed(
                "In the order asked for; what you have released since is among them.",
                record(
                    "",
                    {
                        "id": uuid("The id of the phone number."),
                        "number": e164("In E.164."),
                        "price": money("What it cost then."),
                    },
                ),
            ),
        },
    ),
)
EXAMPLE = {
    "id": ORDER_ID,
    "kind": "named",
    "status": "complete",
    "reason": None,
    "quantity": 1,
    "total": "1.00",
    "currency": "USD",
    "label": "support-line",
    "campaign_id": CAMPAIGN_ID,
    "api_key": {"id": "01967187-93c8-7b21-a6f0-3d5b0c7e9a15", "prefix": "am_live_8sK2"},
    "created_at": MOMENT,
    "finished_at": MOMENT,
}

LIST = listing(
    id="listOrders",
    tag=TAG,
    summary="List orders",
    description="Every order of your organization, by name or by quantity.",
    item=ORDER,
    example=EXAMPLE,
    answer="OrderList",
)

GET = Operation(
    id="getOrder",
    tag=TAG,
    summary="Get an order",
    description="One order of either kind, with its numbers and what each of them cost.",
    path_parameters={"order_id": Id("The order's id.", ORDER_ID)},
    answers=[
        Answer(
            "The order.",
            envelope("OrderWithNumbersAnswer", ORDER_WITH_NUMBERS),
            [
                Example(
                    succeeds({**EXAMPLE, "numbers": [{"id": NUMBER_ID, "number": NUMBER, "price": "1.00"}]}),
                )
            ],
        )
    ],
    refusals=[Refusal(NotFound, "Your organization has no order with this id.")],
    invalid=NO_PARAMETERS,
)
