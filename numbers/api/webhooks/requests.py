"""The requests about webhooks, and errors that several of them have."""

from datetime import datetime
from typing import Annotated, Any

from campaigns.event_types import EventType
from config.api.declared import Problem, Reads, RequestBody, doc, expected
from config.api.field_kinds import GivenMoment, choice, read_moment
from config.api.openapi.errors import ErrorResponse
from config.api.openapi.operations import Id
from config.api.openapi.shapes import Schema, nullable
from config.api.pagination import PageQuery
from config.api.parse_values import TIME_EXPECTED, is_text
from config.errors import NotFound
from numbers.models.webhooks import DESCRIPTION_LENGTH, URL_LENGTH, DeliveryStatus
from numbers.ownership.webhook_urls import UnsafeUrl
from numbers.webhooks.addresses import check_webhook_url
from numbers.webhooks.replays import NotActive
from numbers.webhooks.types import ALL_EVENTS, DELIVERY_ID, WEBHOOK_ID

TAG = "Webhooks"
PATH = {"webhook_id": Id("The webhook's id.", WEBHOOK_ID)}
DELIVERY_PATH = {**PATH, "delivery_id": Id("The delivery's id.", DELIVERY_ID)}
NO_SUCH_WEBHOOK = ErrorResponse(NotFound, "Your organization has no webhook with this id.")
IS_NOT_ACTIVE = ErrorResponse(NotActive, "It is paused or disabled; nothing would be sent.")
URL_REQUIRED = "is required: an https:// URL that events are posted to"
EVENTS_EXPECTED = f'a list of types such as ["order.completed"], or ["{ALL_EVENTS}"] for all'
EVENTS = [ALL_EVENTS, *EventType.values]
TIME_SCHEMA: Schema = {"type": "string", "format": "date-time"}


def read_webhook_url(value: object) -> str:
    """Return the URL. Raise Problem."""
    if value is None:
        raise Problem(URL_REQUIRED)
    if not isinstance(value, str):
        raise Problem("must be a string: an https:// URL")
    try:
        return check_webhook_url(value)
    except UnsafeUrl as unsafe:
        raise Problem(str(unsafe)) from None


def read_events(value: object) -> list[str]:
    """Return distinct types of events, or only ``*``. Raise Problem."""
    if not isinstance(value, list) or not 1 <= len(value) <= len(EVENTS):
        raise expected(value, EVENTS_EXPECTED)
    problems: dict[str, str] = {}
    for position, one in enumerate(value):
        if one not in EVENTS:
            problems[f"[{position}]"] = "is not a type of event; the reference lists them"
        elif one in value[:position]:
            problems[f"[{position}]"] = f"repeats {one}: name each type once"
    if problems:
        raise Problem(items=problems)
    if ALL_EVENTS in value and len(value) > 1:
        raise Problem(f'must be ["{ALL_EVENTS}"] alone, which is all types, or a list of types')
    return value


def read_description(value: object) -> str | None:
    """Return the description, or None for null. Raise Problem."""
    if value is None or is_text(value, longest=DESCRIPTION_LENGTH):
        return value  # type: ignore[return-value]  # is_text takes strings only
    raise Problem(
        f"must be a string of up to {DESCRIPTION_LENGTH} characters without control characters"
    )


def _read_since(value: object) -> datetime:
    moment = read_moment(value)
    if moment is None:
        raise Problem(f"is required; it {TIME_EXPECTED}")
    return moment


URL_SCHEMA: Schema = {"type": "string", "maxLength": URL_LENGTH}
EVENTS_SCHEMA: Schema = {
    "type": "array",
    "items": {"type": "string", "enum": EVENTS},
    "minItems": 1,
}
DESCRIPTION_SCHEMA: Schema = {
    "type": "string",
    "maxLength": DESCRIPTION_LENGTH,
    "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
}
GivenDescription = Annotated[
    str | None,
    Reads(read_description, nullable(DESCRIPTION_SCHEMA)),
    doc("Your own note: up to 256 characters, no control characters.", example="billing"),
]
URL_RULE = "https, a public host, no credentials, up to 2,048 characters"


class WebhookRequest(RequestBody):
    url: Annotated[
        str, Reads(read_webhook_url, URL_SCHEMA), doc(f"Where events are posted: {URL_RULE}.")
    ]
    events: Annotated[
        list[str],
        Reads(read_events, EVENTS_SCHEMA),
        doc(f'The types that it gets, each once; `["{ALL_EVENTS}"]` for all, also future ones.'),
    ]
    description: GivenDescription = None


def _unless_null(read: Any) -> Any:
    return lambda value: None if value is None else read(value)


class WebhookUpdate(RequestBody):
    url: Annotated[
        str | None,
        Reads(_unless_null(read_webhook_url), nullable(URL_SCHEMA)),
        doc(f"Where events are posted: {URL_RULE}."),
    ] = None
    events: Annotated[
        list[str] | None,
        Reads(_unless_null(read_events), nullable(EVENTS_SCHEMA)),
        doc("The types that it gets from now on, each once."),
    ] = None
    description: GivenDescription = None
    status: Annotated[
        str | None,
        choice(["active", "paused"]),
        doc(
            "`paused`: deliveries wait. `active`: they are sent; a disabled one is activated again."
        ),
    ] = None

    @property
    def changes(self) -> dict[str, Any]:
        """Return the fields to change: those that are neither absent nor null."""
        return {name: value for name, value in self if value is not None}


class RecoveryRequest(RequestBody):
    since: Annotated[
        datetime,
        Reads(_read_since, TIME_SCHEMA),
        doc("Events from this time on.", example="2026-04-26T00:00:00Z"),
    ]


class DeliveryQuery(PageQuery):
    status: Annotated[
        str | None, choice(DeliveryStatus.values), doc("Deliveries with this status only.")
    ] = None
    event_type: Annotated[
        str | None, choice(EventType.values), doc("Deliveries of events of this type only.")
    ] = None
    since: Annotated[
        datetime | None,
        GivenMoment,
        doc("Deliveries of events from this time on only."),
    ] = None
