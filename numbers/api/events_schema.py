"""``/v1/phone-numbers/{id}/events``, described."""

from dataclasses import replace

from config.api.openapi.errors import Refusal
from config.api.openapi.lists import listing
from config.api.openapi.shapes import Schema, choice, flag, moment, money, named, nullable, record, text, ulid, uuid
from config.errors import NotFound
from numbers.api.numbers_schema import PATH
from numbers.api.schemas import CAMPAIGN_ID, MOMENT, NUMBER_TYPE, ORDER_ID, PHONE_NUMBERS
from numbers.models.events import NumberEventKind

_VALUES: dict[str, Schema] = {
    "inbound_url": nullable(text("Where messages to it were posted.")),
    "status_url": nullable(text("Where the delivery of messages from it was reported.")),
    "label": nullable(text("Your own name for it.")),
    "campaign_id": nullable(uuid("The campaign that it was for.")),
    "price": nullable(money("What it cost you.")),
    "quarantined_until": nullable(moment("Until when it rests after its release.")),
    "number_type": NUMBER_TYPE,
    "sms_enabled": flag("Whether it could send and receive SMS."),
    "mms_enabled": flag("Whether it could send and receive MMS."),
    "region": text("Where it belongs."),
}
VALUES = named(
    "NumberEventValues",
    record("What was so; fields that the event is not about are absent.", _VALUES, optional=_VALUES),
)

EVENT = named(
    "NumberEvent",
    record(
        "Something that happened to a number while it was yours.",
        {
            "kind": choice("What happened.", NumberEventKind.values),
            "actor": text("Who did it: the prefix of one of your keys, `operator` or `system`."),
            "request_id": ulid("In which request: the `X-Request-Id` of its answer."),
            "order_id": nullable(uuid("The order that it belongs to, where there is one.")),
            "before": VALUES,
            "after": VALUES,
            "created_at": moment("When."),
        },
    ),
)

EVENTS = listing(
    id="listNumberEvents",
    tag=PHONE_NUMBERS,
    summary="List what happened to a number",
    description="""\
Who did what to one of your numbers, and when: ordered, routed, released. A number that you have released stays
readable here, up to its release; nothing of an owner before or after you is in it.""",
    item=EVENT,
    example={
        "kind": "assigned",
        "actor": "am_live_8sK2",
        "request_id": "01JTBQH2FZ8K1RXC0WJ4Z9P3VM",
        "order_id": ORDER_ID,
        "before": {},
        "after": {"price": "1.00", "campaign_id": CAMPAIGN_ID},
        "created_at": MOMENT,
    },
    answer="NumberEventList",
)
EVENTS = replace(
    EVENTS,
    path_parameters=PATH,
    refusals=[Refusal(NotFound, "Your organization never had a phone number with this id.")],
)
