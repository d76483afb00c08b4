"""What the endpoints' requests and answers are made of, for the OpenAPI document."""

from typing import Any

from campaigns.eligibility import BrandNotVerified, CampaignNotActive
from config.api.openapi.errors import Refusal
from config.api.openapi.idempotency import IDEMPOTENCY_KEY as IDEMPOTENCY_KEY
from config.api.openapi.shapes import (
    Schema,
    choice,
    flag,
    integer,
    listed,
    moment,
    money,
    named,
    nullable,
    record,
    table,
    text,
    uuid,
)
from config.errors import NotFound
from numbers.models.phone_numbers import PhoneNumberType
from numbers.orders.place import InsufficientInventory
from numbers.orders.purchase import InsufficientCredit
from numbers.ownership import routing, webhook_urls

NUMBER = "+14155550123"
TAKEN = "+14155550456"
NUMBER_ID = "7c1f0a2d-9e8b-4c3a-9d2e-1f0a2b3c4d5e"
ORDER_ID = "01967187-93c8-7b21-a6f0-3d5b0c7e9a14"
CAMPAIGN_ID = "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"
MOMENT = "2026-04-26T12:00:00Z"

PHONE_NUMBERS = "Phone numbers"


def e164(description: str, **facets: Any) -> Schema:
    return text(description, pattern=r"^\+[1-9][0-9]{1,14}$", examples=[NUMBER], **facets)


def currency() -> Schema:
    return text("ISO 4217 code of the currency.", pattern="^[A-Z]{3}$", examples=["USD"])


def url(description: str) -> Schema:
    return text(
        description,
        format="uri",
        pattern="^[Hh][Tt][Tt][Pp][Ss]://",
        maxLength=webhook_urls.MAX_LENGTH,
    )


def wanted_numbers(description: str) -> Schema:
    return listed(description, e164("An E.164 number."), minItems=1, maxItems=100, uniqueItems=True)


# What every request that routes numbers takes; absent and null are the same there.
ROUTING_FIELDS: dict[str, Schema] = {
    "inbound_url": nullable(
        url("Where messages to these numbers are posted: https, a public host, no credentials, up to 2,048 characters.")
    ),
    "status_url": nullable(url("Where the delivery of messages from these numbers is reported; rules as above.")),
    "campaign_id": nullable(
        uuid(
            "The campaign that these numbers are for. It must be yours and `ACTIVE`, and the identity status of its "
            "brand `VERIFIED` or `VETTED_VERIFIED`.",
            minLength=36,
            maxLength=36,
        )
    ),
    "label": nullable(
        text(
            "Your own name for these numbers: up to 64 characters, no control characters.",
            maxLength=routing.LABEL_LENGTH,
            pattern="^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
        )
    ),
}
ROUTING_EXAMPLE = {
    "inbound_url": "https://customer.example/inbound",
    "status_url": "https://customer.example/status",
    "campaign_id": CAMPAIGN_ID,
    "label": "support-line",
}

NUMBER_TYPE = named("NumberType", choice("What kind of number it is.", PhoneNumberType.values))

PHONE_NUMBER = named(
    "PhoneNumber",
    record(
        "A number that your organization owns, and where its messages go.",
        {
            "id": uuid("Of your ownership of the number: whoever has it after you has another id for it."),
            "number": e164("In E.164."),
            "number_type": NUMBER_TYPE,
            "inbound_url": nullable(text("Where messages to it are posted.")),
            "status_url": nullable(text("Where the delivery of messages from it is reported.")),
            "label": nullable(text("Your own name for it.")),
            "campaign_id": nullable(uuid("The campaign that it is for.")),
            "sms_enabled": flag("Whether it can send and receive SMS."),
            "mms_enabled": flag("Whether it can send and receive MMS."),
            "created_at": moment("Since when it is yours."),
            "updated_at": moment("When its routing was last changed."),
        },
    ),
)
PHONE_NUMBER_EXAMPLE = {
    "id": NUMBER_ID,
    "number": NUMBER,
    "number_type": "local",
    **{name: ROUTING_EXAMPLE[name] for name in ("inbound_url", "status_url", "label", "campaign_id")},
    "sms_enabled": True,
    "mms_enabled": True,
    "created_at": MOMENT,
    "updated_at": MOMENT,
}

CAMPAIGN_REFUSALS = (
    Refusal(NotFound, "The campaign does not exist in your organization."),
    Refusal(CampaignNotActive, "The campaign is not `ACTIVE`.", message="campaign is not active: it is PENDING"),
    Refusal(
        BrandNotVerified,
        "The identity status of the campaign's brand is neither `VERIFIED` nor `VETTED_VERIFIED`.",
        message="brand is not verified: its identity status must be VERIFIED or VETTED_VERIFIED",
    ),
)

INSUFFICIENT_CREDIT = Refusal(
    InsufficientCredit,
    "Your credit does not cover the order. Nothing was ordered; the same request may be sent again after a top-up.",
    data=named(
        "CreditShortfall",
        record(
            "",
            {
                "required": money("What the order costs."),
                "balance": money("What you have."),
                "shortfall": money("What is missing."),
                "currency": currency(),
            },
        ),
    ),
    data_example={"required": "2.00", "balance": "0.50", "shortfall": "1.50", "currency": "USD"},
)

INSUFFICIENT_INVENTORY = Refusal(
    InsufficientInventory,
    "Some of the numbers can't be had. None was taken: leave out those in `unavailable`, or take the "
    "`alternatives`, and order again.",
    message="insufficient inventory: requested 2, available 1",
    data=named(
        "InventoryShortfall",
        record(
            "",
            {
                "available_count": integer("How many of those asked for could have been had.", minimum=0),
                "unavailable": listed(
                    "Those that could not, in the order asked for. A number that does not exist and one that somebody "
                    "else has are not told apart.",
                    e164("An E.164 number."),
                ),
                "already_yours": listed(
                    "Those of them that your organization owns already: where an answer got lost, the order that it "
                    "belonged to went through.",
                    e164("An E.164 number."),
                ),
                "alternatives": table(
                    "From each other unavailable number to an available one as near as can be: same type, same area "
                    "code, longest common beginning. A number for which nothing is left is absent.",
                    e164("An E.164 number."),
                    propertyNames={"pattern": r"^\+[1-9][0-9]{1,14}$"},
                ),
            },
        ),
    ),
    data_example={
        "available_count": 1,
        "unavailable": [TAKEN],
        "already_yours": [],
        "alternatives": {TAKEN: "+14155550457"},
    },
)
