"""The JSON of endpoints, deliveries and attempts, as customers see them."""

from collections.abc import Iterable
from typing import Annotated

from typing_extensions import TypedDict

from campaigns.event_types import EventType
from config.api.declared import doc
from config.api.envelope import timestamp
from config.api.field_kinds import Count, Moment, OneOf, Text, Uuid
from numbers.models import DeliveryAttempt, Webhook, WebhookDelivery
from numbers.models.webhooks import DeliveryStatus, WebhookStatus

WEBHOOK_ID = "01967187-93c8-7b21-a6f0-3d5b0c7e9a20"
DELIVERY_ID = "01967187-93c8-7b21-a6f0-3d5b0c7e9a21"
EVENT_ID = "019a2f3c-5d1e-7a2b-9c40-6f1e2d3c4000"
URL = "https://hooks.example.com/numberdesk"
ALL_EVENTS = "*"


class WebhookJson(TypedDict):
    """An endpoint that events are sent to."""

    id: Annotated[Uuid, doc("Its id.", example=WEBHOOK_ID)]
    url: Annotated[Text, doc("Where events are posted.", example=URL)]
    events: Annotated[
        list[str], doc('The types that it gets; `["*"]` for all.', example=["order.completed"])
    ]
    description: Annotated[Text | None, doc("Your own note.", example="billing")]
    status: Annotated[
        str,
        OneOf(WebhookStatus.values),
        doc(
            "`active`; `paused` by you: deliveries wait; `disabled` after failing: nothing is "
            "sent, and `recover` delivers the gap.",
            example="active",
        ),
    ]
    disabled_reason: Annotated[
        Text | None, doc("Why it is disabled; null if it is not.", example=None)
    ]
    created_at: Annotated[Moment, doc("When it was created.")]
    updated_at: Annotated[Moment, doc("When it was last changed.")]


class WebhookWithSecretJson(WebhookJson):
    """An endpoint with its secret, which is shown this once."""

    secret: Annotated[
        Text,
        doc(
            "Deliveries are signed with it. Keep it now.",
            example="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ),
    ]


class AttemptJson(TypedDict):
    """One request to your endpoint."""

    at: Annotated[Moment, doc("When it was begun.")]
    status_code: Annotated[
        Annotated[int, Count(minimum=100, maximum=999)] | None,
        doc("The status of your response; null if there was none.", example=500),
    ]
    error: Annotated[
        Text | None,
        doc("Why it failed; null if it succeeded.", example="the endpoint answered 500"),
    ]
    milliseconds: Annotated[int, Count(minimum=0), doc("How long it took.", example=87)]


class DeliveryJson(TypedDict):
    """An event that is sent to one of your endpoints."""

    id: Annotated[Uuid, doc("Its id.", example=DELIVERY_ID)]
    event_id: Annotated[
        Uuid,
        doc("The event's id, which every attempt has as `webhook-id`.", example=EVENT_ID),
    ]
    event_type: Annotated[
        str,
        OneOf(EventType.values),
        doc("The event's type.", example=EventType.ORDER_COMPLETED.value),
    ]
    status: Annotated[
        str,
        OneOf(DeliveryStatus.values),
        doc("`failed` after the last attempt, or when you answered 410.", example="pending"),
    ]
    created_at: Annotated[Moment, doc("When it was made.")]
    next_attempt_at: Annotated[
        Moment | None,
        doc(
            "When it is tried next; null while it is being sent, while its webhook is paused or "
            "disabled, and once it has ended."
        ),
    ]
    attempts: Annotated[list[AttemptJson], doc("Its attempts, oldest first.")]


class RecoveryJson(TypedDict):
    """How much is delivered now."""

    count: Annotated[int, Count(minimum=0), doc("Events that are delivered.", example=12)]


def webhook_json(webhook: Webhook) -> WebhookJson:
    return {
        "id": webhook.pk,
        "url": webhook.url,
        "events": webhook.events,
        "description": webhook.description or None,
        "status": webhook.status,
        "disabled_reason": webhook.disabled_reason or None,
        "created_at": timestamp(webhook.created_at),
        "updated_at": timestamp(webhook.updated_at),
    }


def delivery_json(
    delivery: WebhookDelivery, attempts: Iterable[DeliveryAttempt] = ()
) -> DeliveryJson:
    return {
        "id": delivery.pk,
        "event_id": delivery.event_id,
        "event_type": delivery.event_type,
        "status": delivery.status,
        "created_at": timestamp(delivery.created_at),
        "next_attempt_at": _next_attempt_at(delivery),
        "attempts": [
            {
                "at": timestamp(one.at),
                "status_code": one.status_code,
                "error": one.error or None,
                "milliseconds": one.milliseconds,
            }
            for one in attempts
        ],
    }


def _next_attempt_at(delivery: WebhookDelivery) -> str | None:
    """Return when it is tried next: not before the next probe of an endpoint that fails."""
    webhook, due_at = delivery.webhook, delivery.due_at
    if due_at is None or delivery.leased_until or webhook.status != Webhook.Status.ACTIVE:
        return None
    return timestamp(max(due_at, webhook.probe_at or due_at))
