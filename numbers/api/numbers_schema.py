"""``/v1/phone-numbers`` and what is below one number, described."""

from dataclasses import replace

from config.api.openapi.errors import Refusal
from config.api.openapi.lists import NO_PARAMETERS, listing
from config.api.openapi.operations import Answer, Body, Example, Id, Operation, Parameter, envelope, succeeds
from config.api.openapi.shapes import constant, flag, listed, moment, named, nullable, record, text, uuid
from config.errors import Forbidden, InvalidInput, NotFound, PreconditionFailed
from numbers.api.schemas import (
    CAMPAIGN_ID,
    CAMPAIGN_REFUSALS,
    MOMENT,
    NUMBER,
    NUMBER_ID,
    NUMBER_TYPE,
    PHONE_NUMBER,
    PHONE_NUMBER_EXAMPLE,
    PHONE_NUMBERS,
    ROUTING_FIELDS,
    e164,
    url,
)
from numbers.ownership import routing
from numbers.ownership.rerouting import NumberNotAssigned

PATH = {"number_id": Id("The `id` of your phone number, or the number in E.164.", NUMBER_ID, format="")}
NOT_YOURS = Refusal(NotFound, "Your organization has no phone number with this id.")
NOT_YOURS_OR_CAMPAIGN = replace(NOT_YOURS, when="Your organization has no such phone number, or no such campaign.")
RELEASED_BEFORE = Refusal(NumberNotAssigned, "Your organization had the phone number, and has released it.")

NUMBER_ANSWER = envelope("PhoneNumberAnswer", PHONE_NUMBER)
EXAMPLE = Example(succeeds(PHONE_NUMBER_EXAMPLE))

# A UUID, or a number in E.164.
REFERENCE = r"^(\+[1-9][0-9]{1,14}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$"
IF_MATCH = Parameter(
    "If-Match",
    text(
        "The `ETag` of the number as you have read it; or several, or `*` for any. Nothing is done where the number "
        "has changed since.",
        maxLength=4000,
        examples=['"5f1c7a0e9b3d4c2a8e6f0b1d2c3a4e5f"'],
    ),
    place="header",
)
CHANGED_SINCE = Refusal(
    PreconditionFailed, "The number is not as `If-Match` says: it has changed since. Nothing was done."
)

LIST = listing(
    id="listNumbers",
    tag=PHONE_NUMBERS,
    summary="List your phone numbers",
    description="The numbers that your organization owns.",
    item=PHONE_NUMBER,
    example=PHONE_NUMBER_EXAMPLE,
    answer="PhoneNumberList",
    filters=[
        Parameter("number_type", {**NUMBER_TYPE, "description": "Only those of this type."}),
        Parameter("campaign_id", uuid("Only those for this campaign.", minLength=36, maxLength=36)),
        Parameter("label", text("Only those with exactly this label.", maxLength=routing.LABEL_LENGTH)),
        Parameter(
            "search",
            text(
                "Only those with this text in the number, or in the label in any case.",
                minLength=1,
                maxLength=routing.LABEL_LENGTH,
            ),
        ),
    ],
)

GET = Operation(
    id="getNumber",
    tag=PHONE_NUMBERS,
    summary="Get a phone number",
    description="One of your numbers, and where its messages go.",
    path_parameters=PATH,
    answers=[Answer("The phone number.", NUMBER_ANSWER, [EXAMPLE], headers=["ETag"])],
    refusals=[NOT_YOURS],
    invalid=NO_PARAMETERS,
)

_CLEARABLE = {
    name: {**url(description), "pattern": "^($|[Hh][Tt][Tt][Pp][Ss]://)", "type": ["string", "null"]}
    for name, description in {
        "inbound_url": "Where messages to it are posted: https, a public host, no credentials. Empty: nowhere.",
        "status_url": "Where the delivery of messages from it is reported; rules as above.",
    }.items()
}
for _schema in _CLEARABLE.values():
    del _schema["format"]  # an empty string is no URI

UPDATE = Operation(
    id="updateNumber",
    tag=PHONE_NUMBERS,
    summary="Change where a number's messages go",
    description="""\
Change the routing of one of your numbers. A field that is absent or null stays as it is; an empty string clears it,
but for `campaign_id`, which is detached by its own endpoint. The rules for URLs, label and campaign are those of an
order. Any other field is refused with 400, and nothing is changed.

With the `ETag` of an earlier answer as `If-Match`, a number that has been changed since is left alone: 412.""",
    path_parameters=PATH,
    parameters=[IF_MATCH],
    body=Body(
        named(
            "PhoneNumberUpdate",
            record(
                "",
                {
                    **_CLEARABLE,
                    "label": ROUTING_FIELDS["label"],
                    "campaign_id": ROUTING_FIELDS["campaign_id"],
                },
                optional=["inbound_url", "status_url", "label", "campaign_id"],
            ),
        ),
        [Example({"inbound_url": "https://customer.example/inbound", "label": "support-line"})],
    ),
    answers=[Answer("The phone number as it is now.", NUMBER_ANSWER, [EXAMPLE], headers=["ETag"])],
    refusals=[
        CHANGED_SINCE,
        Refusal(
            InvalidInput,
            "A field can't be updated. Nothing was changed.",
            details={"number": "can't be updated; these can: campaign_id, inbound_url, label, status_url"},
        ),
        NOT_YOURS_OR_CAMPAIGN,
        *CAMPAIGN_REFUSALS[1:],
        RELEASED_BEFORE,
    ],
    invalid={"inbound_url": "must start with https://"},
)

RELEASED = named(
    "ReleasedNumber",
    record(
        "A number that is no longer yours.",
        {
            "id": uuid("The id that it had as yours."),
            "number": e164("In E.164."),
            "status": constant("released"),
            "released_at": moment("Since when it is no longer yours."),
            "quarantined_until": nullable(
                moment("Until then it is given to nobody; null where it was returned to its carrier.")
            ),
        },
    ),
)

RELEASE = Operation(
    id="releaseNumber",
    tag=PHONE_NUMBERS,
    summary="Release a phone number",
    description="""\
Give a number back. It is out of your organization, and its routing cleared, before the answer comes. It then rests
in quarantine, so that nobody gets your calls with it, before others can order it. What it cost is not refunded.

With `return_to_carrier=true` it leaves the inventory for good; that needs the `platform:inventory:write` scope too.""",
    path_parameters=PATH,
    parameters=[
        IF_MATCH,
        Parameter(
            "return_to_carrier", flag("`true`: it goes back to its carrier, not to the inventory.", default=False)
        ),
    ],
    answers=[
        Answer(
            "It is no longer yours.",
            envelope("ReleasedNumberAnswer", RELEASED),
            [
                Example(
                    succeeds(
                        {
                            "id": NUMBER_ID,
                            "number": NUMBER,
                            "status": "released",
                            "released_at": MOMENT,
                            "quarantined_until": "2026-06-10T12:00:00Z",
                        }
                    )
                )
            ],
        )
    ],
    refusals=[
        CHANGED_SINCE,
        NOT_YOURS,
        Refusal(
            Forbidden,
            "The key lacks the scope `numbers:write` or, with `return_to_carrier=true`, `platform:inventory:write`.",
        ),
    ],
    invalid={"return_to_carrier": "must be true or false"},
)

ATTACH = Operation(
    id="attachCampaign",
    tag=PHONE_NUMBERS,
    summary="Attach a number to a campaign",
    description="""\
Put one of your numbers to work for a campaign; it leaves the one that it was for, in the same moment. Attaching it
again changes nothing. Checked in this order: body (422), campaign in your organization (404), campaign active (409),
its brand verified (409), phone number in your organization (404).""",
    path_parameters=PATH,
    parameters=[IF_MATCH],
    body=Body(
        named(
            "AttachCampaignRequest",
            record("", {"campaign_id": uuid("One of your campaigns.", minLength=36, maxLength=36)}),
        ),
        [Example({"campaign_id": CAMPAIGN_ID})],
    ),
    answers=[Answer("The phone number as it is now.", NUMBER_ANSWER, [EXAMPLE])],
    refusals=[NOT_YOURS_OR_CAMPAIGN, *CAMPAIGN_REFUSALS[1:], RELEASED_BEFORE, CHANGED_SINCE],
    invalid={"campaign_id": "is required: the UUID of one of your campaigns"},
)

DETACH = Operation(
    id="detachCampaign",
    tag=PHONE_NUMBERS,
    summary="Detach a number from its campaign",
    description="Take one of your numbers out of its campaign. Detaching it again changes nothing.",
    path_parameters=PATH,
    parameters=[IF_MATCH],
    answers=[
        Answer(
            "The phone number as it is now.",
            NUMBER_ANSWER,
            [Example(succeeds({**PHONE_NUMBER_EXAMPLE, "campaign_id": None}))],
        )
    ],
    refusals=[NOT_YOURS, RELEASED_BEFORE, CHANGED_SINCE],
    invalid=NO_PARAMETERS,
)

_RELEASED_IDS = {
    "released": listed("Released now.", uuid("An id.")),
    "unknown": listed("Not phone numbers of yours, as you named them.", text("An id, or a number in E.164.")),
    "already_released": listed("Released before.", uuid("An id.")),
}

BULK_RELEASE = Operation(
    id="releaseNumbers",
    tag=PHONE_NUMBERS,
    summary="Release up to 100 phone numbers",
    description="""\
Give several numbers back, each on its own: those that are yours are released, and the answer tells what became of
every id. Duplicates count once. `return_to_carrier` is not possible in bulk (403).""",
    body=Body(
        named(
            "BulkReleaseRequest",
            record(
                "",
                {
                    "ids": listed(
                        "The ids of your phone numbers, or the numbers in E.164.",
                        text("An id, or a number in E.164.", minLength=3, maxLength=36, pattern=REFERENCE),
                        minItems=1,
                        maxItems=100,
                    )
                },
            ),
        ),
        [Example({"ids": [NUMBER_ID]})],
    ),
    answers=[
        Answer(
            "What became of each of them; together these are as many as the distinct ids.",
            envelope(
                "BulkReleaseAnswer",
                named(
                    "BulkRelease",
                    record("", _RELEASED_IDS),
                ),
            ),
            [Example(succeeds({"released": [NUMBER_ID], "unknown": [], "already_released": []}))],
        )
    ],
    refusals=[
        Refusal(Forbidden, "The key lacks the scope `numbers:write`, or `return_to_carrier` was asked for."),
    ],
    invalid={"ids": "must be a list of 1 to 100 ids of your phone numbers"},
)
