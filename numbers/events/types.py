"""What an event looks like: one type for each kind of resource, together a union by ``type``."""

from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from typing_extensions import TypeAliasType, TypedDict

from apikeys.types import ApiKeyJson
from campaigns.event_types import EventType
from campaigns.types import BrandJson, CampaignJson
from config.api.declared import doc
from config.api.field_kinds import Moment, OneOf, Uuid
from numbers.events.credit import CreditLevelJson
from numbers.orders.bulk_json import BulkOrderJson
from numbers.orders.queries import OrderWithNumbersJson
from numbers.ownership.queries import PhoneNumberJson
from numbers.webhooks.types import WebhookJson

EVENT_ID = "019a2f3c-5d1e-71f4-9c40-6f1e2d3c4000"
EventId = Annotated[
    Uuid,
    doc("Of the event: the same in the feed and in every delivery of it.", example=EVENT_ID),
]
Timestamp = Annotated[Moment, doc("When it happened.")]


def _types(*values: EventType) -> Any:
    listed = [one.value for one in values]
    says = " ".join(f"`{one.value}`: {one.label}" for one in values)
    return Annotated[str, OneOf(listed), doc(says, example=listed[0])]


class OrderEventJson(TypedDict):
    """An order of named numbers."""

    id: EventId
    type: _types(EventType.ORDER_COMPLETED)  # type: ignore[valid-type]
    timestamp: Timestamp
    data: OrderWithNumbersJson


class BulkOrderEventJson(TypedDict):
    """A bulk order as it then was."""

    id: EventId
    type: _types(  # type: ignore[valid-type]
        EventType.BULK_ORDER_PENDING,
        EventType.BULK_ORDER_COMPLETED,
        EventType.BULK_ORDER_FAILED,
        EventType.BULK_ORDER_CANCELLED,
    )
    timestamp: Timestamp
    data: BulkOrderJson


class PhoneNumberEventJson(TypedDict):
    """A phone number as it then was."""

    id: EventId
    type: _types(  # type: ignore[valid-type]
        EventType.PHONE_NUMBER_ASSIGNED,
        EventType.PHONE_NUMBER_UPDATED,
        EventType.PHONE_NUMBER_RELEASED,
        EventType.PHONE_NUMBER_RELEASE_UNDONE,
        EventType.PHONE_NUMBER_RENEWED,
        EventType.PHONE_NUMBER_PAST_DUE,
        EventType.PHONE_NUMBER_SUSPENDED,
        EventType.PHONE_NUMBER_RESUMED,
    )
    timestamp: Timestamp
    data: PhoneNumberJson


class CampaignEventJson(TypedDict):
    """A campaign as it then was."""

    id: EventId
    type: _types(EventType.CAMPAIGN_UPDATED)  # type: ignore[valid-type]
    timestamp: Timestamp
    data: CampaignJson


class BrandEventJson(TypedDict):
    """A brand as it then was."""

    id: EventId
    type: _types(EventType.BRAND_UPDATED)  # type: ignore[valid-type]
    timestamp: Timestamp
    data: BrandJson


class CreditEventJson(TypedDict):
    """A balance that fell."""

    id: EventId
    type: _types(EventType.CREDIT_LOW, EventType.CREDIT_DEPLETED)  # type: ignore[valid-type]
    timestamp: Timestamp
    data: CreditLevelJson


class ApiKeyEventJson(TypedDict):
    """A key as it then was, without its secret."""

    id: EventId
    type: _types(  # type: ignore[valid-type]
        EventType.API_KEY_CREATED, EventType.API_KEY_ROTATED, EventType.API_KEY_REVOKED
    )
    timestamp: Timestamp
    data: ApiKeyJson


class WebhookEventJson(TypedDict):
    """A webhook as it then was, without its secret."""

    id: EventId
    type: _types(EventType.WEBHOOK_PING, EventType.WEBHOOK_DISABLED)  # type: ignore[valid-type]
    timestamp: Timestamp
    data: WebhookJson


class RenderedEventJson(TypedDict):
    """An event of any type, as it is rendered."""

    id: UUID
    type: str
    timestamp: str
    data: Any


if TYPE_CHECKING:
    EventJson = RenderedEventJson
else:
    EventJson = TypeAliasType(
        "Event",
        OrderEventJson
        | BulkOrderEventJson
        | PhoneNumberEventJson
        | CampaignEventJson
        | BrandEventJson
        | CreditEventJson
        | ApiKeyEventJson
        | WebhookEventJson,
    )
