"""Every scope that a key can have."""

from django.db import models


class Scope(models.TextChoices):
    NUMBERS_READ = "numbers:read", "Read phone numbers and orders"
    NUMBERS_WRITE = "numbers:write", "Search, order, route and release phone numbers"
    CAMPAIGNS_READ = "campaigns:read", "Read campaigns"
    BRANDS_READ = "brands:read", "Read brands"
    APIKEYS_READ = "apikeys:read", "List API keys"
    APIKEYS_WRITE = "apikeys:write", "Create, rotate and revoke API keys"
    CREDIT_READ = "credit:read", "Read the balance and the ledger"
    EVENTS_READ = "events:read", "Read the feed of events"
    WEBHOOKS_READ = "webhooks:read", "Read webhooks and their deliveries"
    WEBHOOKS_WRITE = "webhooks:write", "Create, change and replay webhooks"
    PLATFORM_INVENTORY_WRITE = "platform:inventory:write", "Return numbers to their carrier"


_READING = (
    Scope.NUMBERS_READ,
    Scope.CAMPAIGNS_READ,
    Scope.BRANDS_READ,
    Scope.CREDIT_READ,
    Scope.EVENTS_READ,
)
# What most keys are for. The platform's own scope is in none: only its own systems need it.
PRESETS: dict[str, tuple[Scope, ...]] = {
    "Read only": _READING,
    "Orders": (*_READING, Scope.NUMBERS_WRITE),
    "Everything of a customer": (
        *_READING,
        Scope.NUMBERS_WRITE,
        Scope.APIKEYS_READ,
        Scope.APIKEYS_WRITE,
    ),
}
