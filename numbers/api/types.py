"""What several requests of numbers have in common: kinds of fields, routing, criteria."""

import re
from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from config.api.declared import Problem, Reads, RequestBody, doc, expected
from config.api.field_kinds import UUID_SCHEMA, GivenFlag, one_of, read_uuid
from config.api.openapi.operations import Id
from config.api.openapi.shapes import Schema, nullable
from config.api.parse_values import is_text
from numbers.field_kinds import E164_SCHEMA, NUMBER_ID, NumberType
from numbers.inventory.criteria import AREA_CODE, PATTERN, PATTERN_LENGTH, Criteria
from numbers.models.phone_numbers import PhoneNumberType
from numbers.numbering.e164 import is_e164
from numbers.ownership.routing import LABEL_LENGTH, Routing
from numbers.ownership.webhook_urls import MAX_LENGTH, UnsafeUrl, check_public_https_url

PHONE_NUMBERS = "Phone numbers"
NUMBER_PATH = {
    "number_id": Id("The `id` of your phone number, or the number in E.164.", NUMBER_ID, format="")
}
MAX_NUMBERS = 100
REFERENCE_LENGTH = 255
CAMPAIGN_ID_SCHEMA: Schema = {**UUID_SCHEMA, "minLength": 36, "maxLength": 36}

_NUMBERS_EXPECTED = f"a list of 1 to {MAX_NUMBERS} E.164 numbers such as +14155550123"
_PATTERN_FORM = re.compile(r"\+?[0-9]{1,15}|\+", re.ASCII)


# --- named numbers -------------------------------------------------------------------------------


def read_numbers(value: object) -> list[str]:
    """Return a list of distinct E.164 numbers. Raise Problem."""
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_NUMBERS:
        raise expected(value, _NUMBERS_EXPECTED)
    problems: dict[str, str] = {}
    seen: dict[str, int] = {}
    for position, number in enumerate(value):
        if not is_e164(number):
            problems[f"[{position}]"] = "must be an E.164 number such as +14155550123"
        elif number in seen:
            problems[f"[{position}]"] = f"repeats numbers[{seen[number]}]: name each number once"
        else:
            seen[number] = position
    if problems:
        raise Problem(items=problems)
    return list(seen)


class NamedNumbers(RequestBody):
    numbers: Annotated[
        list[str],
        Reads(
            read_numbers,
            {
                "type": "array",
                "items": E164_SCHEMA,
                "minItems": 1,
                "maxItems": MAX_NUMBERS,
            },
        ),
        doc("1 to 100 distinct numbers in E.164."),
    ]


# --- routing -------------------------------------------------------------------------------------


def read_url(value: object) -> str | None:
    """Return the URL as it is stored, or None for null. Raise Problem."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise Problem("must be a string: an https:// URL")
    try:
        return check_public_https_url(value)
    except UnsafeUrl as unsafe:
        raise Problem(str(unsafe)) from None


def read_label(value: object) -> str | None:
    """Return the label, or None for null. Raise Problem."""
    if value is None:
        return None
    if isinstance(value, str) and is_text(value, longest=LABEL_LENGTH):
        return value
    raise Problem(f"must be a string of up to {LABEL_LENGTH} characters without control characters")


GivenUrl = Annotated[
    str | None,
    Reads(
        read_url,
        nullable(
            {
                "type": "string",
                "format": "uri",
                "pattern": "^[Hh][Tt][Tt][Pp][Ss]://",
                "maxLength": MAX_LENGTH,
            }
        ),
    ),
]
GivenLabel = Annotated[
    str | None,
    Reads(
        read_label,
        nullable(
            {
                "type": "string",
                "maxLength": LABEL_LENGTH,
                "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
            }
        ),
    ),
    doc(
        "Your own name for these numbers: up to 64 characters, no control characters.",
        example="support-line",
    ),
]


def given_campaign(read: Callable[[object], UUID | None] = read_uuid) -> Reads:
    """Read the id of a campaign, or null."""
    return Reads(read, nullable(CAMPAIGN_ID_SCHEMA))


CAMPAIGN = (
    "The campaign that these numbers are for. It must be yours and `ACTIVE`, and the identity "
    "status of its brand `VERIFIED` or `VETTED_VERIFIED`."
)


class RoutingFields(RequestBody):
    """What every request that routes numbers takes; absent and null are the same there."""

    inbound_url: Annotated[
        GivenUrl,
        doc(
            "Where messages to these numbers are posted: https, a public host, no credentials, up "
            "to 2,048 characters."
        ),
    ] = None
    status_url: Annotated[
        GivenUrl,
        doc("Where the delivery of messages from these numbers is reported; rules as above."),
    ] = None
    campaign_id: Annotated[UUID | None, given_campaign(), doc(CAMPAIGN)] = None
    label: GivenLabel = None

    @property
    def routing(self) -> Routing:
        """Return the routing that the request asks for."""
        return Routing(
            self.inbound_url or "", self.status_url or "", self.campaign_id, self.label or ""
        )


# --- reference -----------------------------------------------------------------------------------


def read_reference(value: object) -> str | None:
    """Return the customer's reference of an order, or None for null. Raise Problem."""
    if value is None or (value and is_text(value, longest=REFERENCE_LENGTH)):
        return value  # type: ignore[return-value]  # is_text takes strings only
    raise Problem(
        f"must be a string of 1 to {REFERENCE_LENGTH} characters without control characters"
    )


REFERENCE_SCHEMA: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": REFERENCE_LENGTH,
    "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
}


class ReferenceField(RequestBody):
    customer_reference: Annotated[
        str | None,
        Reads(read_reference, nullable(REFERENCE_SCHEMA)),
        doc(
            "Your own reference of the order, such as a ticket: 1 to 255 characters, no control "
            "characters. It need not be unique, and finds the order again.",
            example="ticket-1234",
        ),
    ] = None


# --- criteria ------------------------------------------------------------------------------------


def _read_area_code(value: object) -> str | None:
    if value is None:
        return None
    if not (isinstance(value, str) and re.fullmatch(r"[0-9]{3}", value, re.ASCII)):
        raise Problem('must be a string of 3 digits such as "415"')
    if not re.fullmatch(AREA_CODE, value, re.ASCII):
        raise Problem('must begin with 2 to 9, as every area code does, such as "415"')
    return value


def _read_pattern(value: object) -> str | None:
    if value is None:
        return None
    if not (isinstance(value, str) and _PATTERN_FORM.fullmatch(value)):
        raise Problem(
            'must be a string of 1 to 15 digits such as "5550", with a + before the first of a number'
        )
    if not re.fullmatch(PATTERN, value, re.ASCII):
        raise Problem("can't occur in a phone number: none begins with 0")
    return value


read_number_type = one_of(PhoneNumberType.values)


class CriteriaFields(RequestBody):
    """What every request that picks numbers takes; absent and null are "any"."""

    area_code: Annotated[
        str | None,
        Reads(
            _read_area_code,
            nullable({"type": "string", "pattern": f"^{AREA_CODE}$", "examples": ["415"]}),
        ),
        doc("3 digits: numbers that begin with `+1` and these."),
    ] = None
    number_type: Annotated[NumberType | None, Reads(read_number_type)] = None
    pattern: Annotated[
        str | None,
        Reads(
            _read_pattern,
            nullable(
                {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": PATTERN_LENGTH,
                    "pattern": f"^(?:{PATTERN})$",
                    "examples": ["5550"],
                }
            ),
        ),
        doc(
            "Digits that occur in the E.164 number, or that it begins with if a `+` stands before "
            "them."
        ),
    ] = None
    sms_enabled: Annotated[
        GivenFlag, doc("Whether it must, or must not, send and receive SMS.")
    ] = None
    mms_enabled: Annotated[
        GivenFlag, doc("Whether it must, or must not, send and receive MMS.")
    ] = None

    @property
    def criteria(self) -> Criteria:
        """Return the criteria that the request names."""
        return Criteria(
            self.area_code, self.number_type, self.pattern, self.sms_enabled, self.mms_enabled
        )
