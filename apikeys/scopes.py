"""Every scope that a key can have: a customer's, or the operator's own systems'."""

from django.db import models


class Scope(models.TextChoices):
    NUMBERS_READ = "numbers:read", "Read phone numbers and orders"
    NUMBERS_WRITE = "numbers:write", "Search, hold, order, route and release phone numbers"
    CAMPAIGNS_READ = "campaigns:read", "Read campaigns"
    CAMPAIGNS_WRITE = "campaigns:write", "Submit campaigns"
    BRANDS_READ = "brands:read", "Read brands"
    BRANDS_WRITE = "brands:write", "Submit brands"
    APIKEYS_READ = "apikeys:read", "Read API keys"
    APIKEYS_WRITE = "apikeys:write", "Create, change, rotate and revoke API keys"
    CREDIT_READ = "credit:read", "Read the balance and the ledger"
    EVENTS_READ = "events:read", "Read the feed of events"
    WEBHOOKS_READ = "webhooks:read", "Read webhooks and their deliveries"
    WEBHOOKS_WRITE = "webhooks:write", "Create, change and replay webhooks"
    AUDIT_READ = "audit:read", "Read who did what in the organization"
    PLATFORM_ORGANIZATIONS = (
        "platform:organizations",
        "Open, change and suspend organizations, make their keys, and read the audit log",
    )
    PLATFORM_CREDIT = "platform:credit", "Top up and correct credit"
    PLATFORM_CAMPAIGNS = "platform:campaigns", "Submit and decide on brands and campaigns"
    PLATFORM_INVENTORY_WRITE = (
        "platform:inventory:write",
        "Add, price, hold and retire numbers, and return them to their carrier",
    )
    PLATFORM_ROUTING = "platform:routing", "Read where every number's messages go"


PLATFORM_SCOPES = tuple(scope for scope in Scope if scope.startswith("platform:"))
CUSTOMER_SCOPES = tuple(scope for scope in Scope if scope not in PLATFORM_SCOPES)
# An operator may give a customer's key this one too, for `return_to_carrier`.
ORGANIZATION_SCOPES = (*CUSTOMER_SCOPES, Scope.PLATFORM_INVENTORY_WRITE)
PLATFORM_ONLY_SCOPES = tuple(one for one in PLATFORM_SCOPES if one not in ORGANIZATION_SCOPES)


_READING = (
    Scope.NUMBERS_READ,
    Scope.CAMPAIGNS_READ,
    Scope.BRANDS_READ,
    Scope.CREDIT_READ,
    Scope.EVENTS_READ,
)
# What most keys are for. No preset of a customer has a scope of the platform.
PRESETS: dict[str, tuple[Scope, ...]] = {
    "Read only": _READING,
    "Orders": (*_READING, Scope.NUMBERS_WRITE),
    "Everything of a customer": CUSTOMER_SCOPES,
    "Everything of the platform": PLATFORM_SCOPES,
}
