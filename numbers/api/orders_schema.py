"""``POST /v1/phone-numbers/orders``, described."""

from config.api.openapi.idempotency import REFUSALS as IDEMPOTENCY_REFUSALS
from config.api.openapi.operations import Answer, Body, Example, Operation, Parameter, envelope, succeeds
from config.api.openapi.shapes import flag, listed, money, named, record, uuid
from numbers.api.schemas import (
    CAMPAIGN_REFUSALS,
    IDEMPOTENCY_KEY,
    INSUFFICIENT_CREDIT,
    INSUFFICIENT_INVENTORY,
    NUMBER,
    ORDER_ID,
    PHONE_NUMBER,
    PHONE_NUMBER_EXAMPLE,
    PHONE_NUMBERS,
    ROUTING_EXAMPLE,
    ROUTING_FIELDS,
    currency,
    e164,
    wanted_numbers,
)

PLACED = envelope(
    "OrderAnswer",
    listed("The numbers, in the order asked for.", PHONE_NUMBER, minItems=1, maxItems=100),
    meta=record("", {"order_id": uuid("Of the order that they came with.")}),
)
QUOTED = envelope(
    "QuoteAnswer",
    named(
        "Quote",
        record(
            "What an order would cost now. Nothing is held.",
            {
                "numbers": listed(
                    "The numbers, in the order asked for.",
                    record("", {"number": e164("An E.164 number."), "price": money("What it costs.")}),
                ),
                "total": money("What they cost together."),
                "currency": currency(),
                "balance_after": money("What you would have left."),
            },
        ),
    ),
)

PLACE_ORDER = Operation(
    id="orderNumbers",
    tag=PHONE_NUMBERS,
    summary="Assign specific phone numbers",
    description="""\
Order a set of numbers by name, all or nothing: either every one of them is yours and paid for when the answer
comes, or none is and nothing was charged. Where one can't be had, the answer is 409 `INSUFFICIENT_INVENTORY`; it
names the unavailable numbers and, for each, the nearest number that you could have instead.

Set at once where messages go: `inbound_url`, `status_url`, `campaign_id` and `label` hold for every number of the
order.

The checks are made in this order, and the first that fails is the answer: key (401), scope (403), body (422),
campaign in your organization (404), campaign active (409), its brand verified (409), numbers available (409),
credit (402).

Send an `Idempotency-Key`, and the request can be repeated after a time-out without fear of buying twice. With
`dry_run=true` everything is checked and priced, and nothing is written or held.""",
    parameters=[
        Parameter(
            "dry_run",
            flag("`true`: check and price the order, but do not place it.", default=False),
            example=False,
        ),
        IDEMPOTENCY_KEY,
    ],
    body=Body(
        named(
            "OrderRequest",
            record(
                "",
                {"numbers": wanted_numbers("1 to 100 distinct numbers in E.164."), **ROUTING_FIELDS},
                optional=ROUTING_FIELDS,
            ),
        ),
        [
            Example({"numbers": [NUMBER]}, "One number"),
            Example({"numbers": [NUMBER], **ROUTING_EXAMPLE}, "With its routing"),
        ],
    ),
    answers=[
        Answer(
            "Every number is yours. With `dry_run=true`, what it would cost.",
            {"oneOf": [PLACED, QUOTED]},
            [
                Example(succeeds([PHONE_NUMBER_EXAMPLE], {"order_id": ORDER_ID}), "Ordered"),
                Example(
                    succeeds(
                        {
                            "numbers": [{"number": NUMBER, "price": "1.00"}],
                            "total": "1.00",
                            "currency": "USD",
                            "balance_after": "99.00",
                        }
                    ),
                    "Dry run",
                ),
            ],
            headers=["Idempotent-Replayed"],
        )
    ],
    refusals=[INSUFFICIENT_CREDIT, *CAMPAIGN_REFUSALS, INSUFFICIENT_INVENTORY, *IDEMPOTENCY_REFUSALS],
    invalid={
        "numbers[1]": "must be an E.164 number such as +14155550123",
        "inbound_url": "must start with https://",
    },
)
