"""A number of the stock as the platform sees it: state, prices, owner and timeline."""

from datetime import datetime
from typing import Annotated, Any

from django.conf import settings
from typing_extensions import TypedDict

from config.api.declared import doc
from config.api.envelope import timestamp
from config.api.field_kinds import Currency, Flag, Moment, Money, OneOf, Text, Uuid
from numbers.field_kinds import E164, NUMBER_ID, ORDER_ID, NumberType, Region, RequestId
from numbers.inventory.availability import STATES, state_of
from numbers.inventory.timeline import Owner, TimelineEntry, current_owner, owners_at, timeline_of
from numbers.models import PhoneNumber
from numbers.models.events import NumberEventKind
from numbers.ownership.events import answered_values

ORGANIZATION_ID = "01967187-93c8-7b21-a6f0-3d5b0c7e9a70"
STOCKED = "stocked"


class NumberOwnerJson(TypedDict):
    """Who owned the number, in which period."""

    organization_id: Annotated[Uuid, doc("The organization.", example=ORGANIZATION_ID)]
    organization_name: Annotated[Text, doc("Its name.", example="Acme")]
    assignment_id: Annotated[Uuid, doc("The `id` of the number as its owner's.", example=NUMBER_ID)]
    since: Annotated[Moment, doc("Since when.")]
    until: Annotated[Moment | None, doc("Until when; null while it lasts.", example=None)]


class TimelineJson(TypedDict):
    """One thing that happened to the number."""

    at: Annotated[Moment, doc("When.")]
    kind: Annotated[
        str, OneOf([STOCKED, *NumberEventKind.values]), doc("What happened.", example="assigned")
    ]
    actor: Annotated[Text, doc("Who did it: kind and name.", example="key:am_live_8sK2")]
    request_id: RequestId
    organization_id: Annotated[
        Uuid | None, doc("The organization that it concerned.", example=ORGANIZATION_ID)
    ]
    order_id: Annotated[Uuid | None, doc("The order.", example=ORDER_ID)]
    before: Annotated[dict[str, Any], doc("What was so.", example={})]
    after: Annotated[dict[str, Any], doc("What is so since.", example={"price": "1.00"})]
    reason: Annotated[Text | None, doc("Why.", example=None)]


class PlatformNumberJson(TypedDict):
    """A number of the stock, with who has it and all that happened to it."""

    number: Annotated[E164, doc("In E.164.")]
    number_type: NumberType
    state: Annotated[str, OneOf(STATES), doc("What it is now.", example="assigned")]
    state_until: Annotated[
        Moment | None, doc("When a hold or a quarantine ends by itself.", example=None)
    ]
    sandbox: Annotated[Flag, doc("Whether it belongs to the test inventory.", example=False)]
    sms_enabled: Annotated[Flag, doc("Whether it can send and receive SMS.", example=True)]
    mms_enabled: Annotated[Flag, doc("Whether it can send and receive MMS.", example=True)]
    region: Region
    price: Annotated[Money, doc("What its next sale costs once.", example="1.00")]
    monthly_price: Annotated[
        Money, doc("What each month costs from its next sale on.", example="0.00")
    ]
    currency: Currency
    owner: Annotated[NumberOwnerJson | None, doc("Who has it now.")]
    owner_at: Annotated[
        NumberOwnerJson | None, doc("Who had it at the time `at`; null without `at`.", example=None)
    ]
    timeline: Annotated[
        list[TimelineJson],
        doc(
            "What happened to it, newest first, back to its arrival in stock; of more than 200, the "
            "last 200."
        ),
    ]


def platform_number_json(number: PhoneNumber, at: datetime | None = None) -> PlatformNumberJson:
    """Return the number with its owner now and at a time."""
    state, until = state_of(number)
    owner = current_owner(number.pk)
    owners = owners_at(number.pk, at) if at else []
    return {
        "number": number.number,
        "number_type": number.number_type,
        "state": state,
        "state_until": timestamp(until),
        "sandbox": number.sandbox,
        "sms_enabled": number.sms_enabled,
        "mms_enabled": number.mms_enabled,
        "region": number.region,
        "price": number.price,
        "monthly_price": number.monthly_price,
        "currency": settings.CURRENCY,
        "owner": _owner_json(owner) if owner else None,
        "owner_at": _owner_json(owners[-1]) if owners else None,
        "timeline": [_entry_json(entry) for entry in timeline_of(number)],
    }


def _owner_json(owner: Owner) -> NumberOwnerJson:
    assignment = owner.assignment
    return {
        "organization_id": assignment.organization_id,
        "organization_name": assignment.organization.name,
        "assignment_id": assignment.pk,
        "since": timestamp(owner.since),
        "until": timestamp(owner.until),
    }


def _entry_json(entry: TimelineEntry) -> TimelineJson:
    return {
        "at": timestamp(entry.at),
        "kind": entry.kind,
        "actor": entry.actor,
        "request_id": entry.request_id,
        "organization_id": entry.organization.pk if entry.organization else None,
        "order_id": entry.order_id,
        "before": _side(entry, 0),
        "after": _side(entry, 1),
        "reason": entry.reason or None,
    }


def _side(entry: TimelineEntry, side: int) -> dict[str, Any]:
    """Return the values before (0) or after (1) the entry."""
    given = {name: both[side] for name, both in entry.facts.items() if both[side] is not None}
    return answered_values(given)
