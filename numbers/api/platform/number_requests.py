"""Requests about the stock: new numbers, changes, retirements and holds."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from django.utils import timezone

from config.api.declared import Problem, Reads, RequestBody, RequestQuery, doc
from config.api.field_kinds import UUID_SCHEMA, GivenFlag, money, read_uuid, text, whole_number
from config.api.parse_values import TIME_EXPECTED, UUID_EXPECTED, parse_time
from numbers.api.platform.organizations import REASON_LENGTH
from numbers.api.types import read_number_type
from numbers.field_kinds import E164_SCHEMA, NumberType
from numbers.inventory.add import NewNumber, judge_each
from numbers.models.phone_numbers import NO_RENT

MOST_NUMBERS = 1_000
# A caller's clock may be ahead of the desk's by so much.
CLOCKS_DIFFER = timedelta(minutes=1)
SHORTEST_HOLD, LONGEST_HOLD = 60, 366 * 86_400
NUMBERS_EXPECTED = f"must be a list of 1 to {MOST_NUMBERS:,} objects with number and price"


def _read_number(value: object) -> str:
    """Return a text. Whether it is a number is the rule of numbers.numbering."""
    if isinstance(value, str):
        return value
    raise Problem("must be an E.164 number such as +14155550123")


class NewStockNumber(RequestBody):
    number: Annotated[str, Reads(_read_number, E164_SCHEMA), doc("In E.164.")]
    price: Annotated[
        Decimal, money(required=True), doc("What its sale costs once.", example="1.00")
    ]
    monthly_price: Annotated[
        Decimal | None,
        money(),
        doc("What each month costs from its sale on; 0.00 if absent.", example="0.00"),
    ] = None
    number_type: Annotated[
        NumberType | None, Reads(read_number_type), doc("Its type, if it must be this one.")
    ] = None
    sms_enabled: Annotated[
        GivenFlag, doc("Whether it can send and receive SMS; true if absent.")
    ] = None
    mms_enabled: Annotated[
        GivenFlag, doc("Whether it can send and receive MMS; true if absent.")
    ] = None

    def as_new_number(self) -> NewNumber:
        return NewNumber(
            self.number,
            self.price,
            NO_RENT if self.monthly_price is None else self.monthly_price,
            self.number_type,
            sms_enabled=self.sms_enabled is not False,
            mms_enabled=self.mms_enabled is not False,
        )


def _read_new_numbers(value: object) -> list[NewStockNumber]:
    """Return the numbers. Raise Problem naming each bad field, such as ``[3].price``."""
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_NUMBERS:
        raise Problem(NUMBERS_EXPECTED)
    problems: dict[str, str] = {}
    read: dict[int, NewStockNumber] = {}
    for place, given in enumerate(value):
        below: dict[str, str] = {}
        if one := _read_one(given, below):
            read[place] = one
        problems |= {
            f"[{place}].{name}" if name else f"[{place}]": why for name, why in below.items()
        }
    if problems:
        _, wrong = judge_each({place: one.as_new_number() for place, one in read.items()})
        raise Problem(items=problems | {f"[{place}].number": why for place, why in wrong.items()})
    return list(read.values())


def _read_one(given: object, problems: dict[str, str]) -> NewStockNumber | None:
    if not isinstance(given, Mapping):
        problems[""] = "must be an object with number and price"
        return None
    unknown = sorted(given.keys() - NewStockNumber.known)[:1]
    if unknown:
        known = ", ".join(sorted(NewStockNumber.known))
        problems[unknown[0][:64]] = f"is not a field of a number; known: {known}"
    return NewStockNumber.read(given, problems)


class NewStockRequest(RequestBody):
    numbers: Annotated[
        list[NewStockNumber],
        Reads(_read_new_numbers, facets={"minItems": 1, "maxItems": MOST_NUMBERS}),
        doc("1 to 1,000 numbers. All are added or none is."),
    ]


class StockNumberUpdate(RequestBody):
    price: Annotated[
        Decimal | None, money(), doc("What its next sale costs; its owner has paid already.")
    ] = None
    monthly_price: Annotated[
        Decimal | None,
        money(),
        doc("What each month costs from its next sale on; its owner keeps the price of the sale."),
    ] = None
    sms_enabled: Annotated[GivenFlag, doc("Whether it can send and receive SMS.")] = None
    mms_enabled: Annotated[GivenFlag, doc("Whether it can send and receive MMS.")] = None
    reason: Annotated[str | None, text(REASON_LENGTH), doc("Why; kept in its timeline.")] = None


class StockReasonRequest(RequestBody):
    reason: Annotated[
        str | None,
        text(REASON_LENGTH),
        doc("Why; kept in its timeline.", example="ported out"),
    ] = None


def _read_required_uuid(value: object) -> UUID:
    if found := read_uuid(value):
        return found
    raise Problem(UUID_EXPECTED)


class StockHoldRequest(StockReasonRequest):
    organization_id: Annotated[
        UUID, Reads(_read_required_uuid, UUID_SCHEMA), doc("Which organization alone can order it.")
    ]
    ttl_seconds: Annotated[
        int, whole_number(SHORTEST_HOLD, LONGEST_HOLD), doc("For how many seconds; up to 366 days.")
    ]


def _read_at(value: object) -> datetime:
    moment = parse_time(value)
    if moment is None:
        raise Problem(TIME_EXPECTED)
    if moment > timezone.now() + CLOCKS_DIFFER:
        raise Problem("must be a time that has passed: who will own it is not known")
    return moment


class StockNumberQuery(RequestQuery):
    at: Annotated[
        datetime | None,
        Reads(_read_at, {"type": "string", "format": "date-time"}),
        doc("The time for which `owner_at` says who had it.", example="2026-04-26T12:00:00Z"),
    ] = None
