"""The types of the events that customers read, of every app."""

from django.db import models


class EventType(models.TextChoices):
    """Each type with the sentence that the reference says about it."""

    ORDER_COMPLETED = "order.completed", "An order of named numbers was placed and paid."
    BULK_ORDER_PENDING = "bulk_order.pending", "A bulk order waits for stock."
    BULK_ORDER_COMPLETED = "bulk_order.completed", "A bulk order was filled and paid."
    BULK_ORDER_FAILED = "bulk_order.failed", "A bulk order was given up; see its `reason`."
    BULK_ORDER_CANCELLED = "bulk_order.cancelled", "A bulk order was cancelled."
    PHONE_NUMBER_ASSIGNED = "phone_number.assigned", "A number became yours."
    PHONE_NUMBER_UPDATED = (
        "phone_number.updated",
        "Routing, label, campaign, SMS or MMS of your number changed.",
    )
    PHONE_NUMBER_RELEASED = (
        "phone_number.released",
        "Your number was released. Its routing is what it was until then.",
    )
    PHONE_NUMBER_RELEASE_UNDONE = "phone_number.release_undone", "A release was undone."
    PHONE_NUMBER_RENEWED = "phone_number.renewed", "A month of your number was paid."
    PHONE_NUMBER_PAST_DUE = (
        "phone_number.past_due",
        "Your credit did not cover a month of your number. It keeps working for 7 days unless the "
        "operator has set another time.",
    )
    PHONE_NUMBER_SUSPENDED = (
        "phone_number.suspended",
        "Your number carries no messages until its months are paid.",
    )
    PHONE_NUMBER_RESUMED = (
        "phone_number.resumed",
        "A suspended number was paid and carries messages again.",
    )
    CAMPAIGN_UPDATED = "campaign.updated", "A campaign was registered, decided on or changed."
    BRAND_UPDATED = "brand.updated", "A brand was registered, reviewed or changed."
    CREDIT_LOW = "credit.low", "Your balance fell to `alert_below` or under it."
    CREDIT_DEPLETED = "credit.depleted", "Your balance fell to zero."
    API_KEY_CREATED = "api_key.created", "A key was created."
    API_KEY_ROTATED = "api_key.rotated", "A key got a new secret."
    API_KEY_REVOKED = "api_key.revoked", "A key was revoked."
    WEBHOOK_PING = "webhook.ping", "You asked for a ping of this webhook."
    WEBHOOK_DISABLED = "webhook.disabled", "A webhook was disabled; see its `disabled_reason`."


# These entries of the outbox name their order and are rendered from it when they are read.
ORDER_TYPES = (
    EventType.ORDER_COMPLETED,
    EventType.BULK_ORDER_PENDING,
    EventType.BULK_ORDER_COMPLETED,
    EventType.BULK_ORDER_FAILED,
    EventType.BULK_ORDER_CANCELLED,
)
