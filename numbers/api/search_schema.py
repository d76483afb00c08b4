"""``POST /v1/phone-numbers/search``, described; and the criteria, which orders by quantity share."""

from config.api.openapi.operations import Answer, Body, Example, Operation, envelope, succeeds
from config.api.openapi.shapes import Schema, flag, integer, listed, money, named, nullable, record, text
from numbers.api.schemas import NUMBER, NUMBER_TYPE, PHONE_NUMBERS, e164
from numbers.inventory import criteria

# What every request that picks numbers takes; absent and null are "any".
CRITERIA_FIELDS: dict[str, Schema] = {
    "area_code": nullable(
        text(
            "3 digits: numbers that begin with `+1` and these.",
            pattern=f"^{criteria.AREA_CODE}$",
            examples=["415"],
        )
    ),
    "number_type": nullable(NUMBER_TYPE),
    "pattern": nullable(
        text(
            "Digits that occur in the E.164 number, or that it begins with if a `+` stands before them.",
            minLength=1,
            maxLength=criteria.PATTERN_LENGTH,
            pattern=f"^(?:{criteria.PATTERN})$",
            examples=["5550"],
        )
    ),
    "sms_enabled": nullable(flag("Whether it must, or must not, send and receive SMS.")),
    "mms_enabled": nullable(flag("Whether it must, or must not, send and receive MMS.")),
}

AVAILABLE_NUMBER = named(
    "AvailableNumber",
    record(
        "A number that could be ordered when you asked.",
        {
            "number": e164("In E.164."),
            "number_type": NUMBER_TYPE,
            "sms_enabled": flag("Whether it can send and receive SMS."),
            "mms_enabled": flag("Whether it can send and receive MMS."),
            "region": text("Where it belongs; empty where that is not known.", examples=["US-CA"]),
            "price": money("What ordering it costs."),
        },
    ),
)

SEARCH = Operation(
    id="searchNumbers",
    tag=PHONE_NUMBERS,
    summary="Search available phone numbers",
    description="""\
Show numbers that could be ordered now. Nothing is reserved: order them by name soon, or hold them with a
reservation first. Who searches at the same time with the same criteria is shown other numbers, so that buyers
seldom meet; search again for a fresh set. Criteria that contradict each other, such as `+1415` in area code
213, find nothing.""",
    body=Body(
        named(
            "SearchRequest",
            record(
                "Every field is optional: an empty object finds any number.",
                {
                    **CRITERIA_FIELDS,
                    "quantity": nullable(integer("How many to show.", minimum=1, maximum=100, default=10)),
                },
                optional=[*CRITERIA_FIELDS, "quantity"],
            ),
        ),
        [Example({"area_code": "415", "number_type": "local", "sms_enabled": True, "quantity": 2})],
    ),
    answers=[
        Answer(
            "Up to `quantity` numbers; fewer, or none, where there are no more.",
            envelope("SearchAnswer", listed("In no order.", AVAILABLE_NUMBER, maxItems=100)),
            [
                Example(
                    succeeds(
                        [
                            {
                                "number": number,
                                "number_type": "local",
                                "sms_enabled": True,
                                "mms_enabled": True,
                                "region": "US-CA",
                                "price": "1.00",
                            }
                            for number in (NUMBER, "+14155550178")
                        ]
                    )
                )
            ],
        )
    ],
    invalid={"area_code": 'must be a string of 3 digits such as "415"'},
)
