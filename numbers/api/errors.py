"""Error responses that several resources of numbers give."""

from dataclasses import replace

from apikeys.limits.budgets import SpendingLimitExceeded, SpendingShortfallJson
from campaigns.eligibility import BrandNotVerified, CampaignNotActive
from config.api.openapi.errors import ErrorResponse
from config.errors import NotFound, PreconditionFailed
from numbers.orders.place import InsufficientInventory, InventoryShortfallJson
from numbers.orders.purchase import CreditShortfallJson, InsufficientCredit
from numbers.ownership.release import NumberLocked
from numbers.ownership.rerouting import NumberNotAssigned

CAMPAIGN_ERRORS = (
    ErrorResponse(NotFound, "The campaign does not exist in your organization."),
    ErrorResponse(
        CampaignNotActive,
        "The campaign is not `ACTIVE`.",
        message="campaign is not active: it is PENDING",
    ),
    ErrorResponse(
        BrandNotVerified,
        "The identity status of the campaign's brand is neither `VERIFIED` nor `VETTED_VERIFIED`, or "
        "the brand is `DELETED`.",
        message="brand is not verified: its identity status must be VERIFIED or VETTED_VERIFIED",
    ),
)

INSUFFICIENT_CREDIT = ErrorResponse(
    InsufficientCredit,
    "Your credit does not cover the order. Nothing was ordered; the same request may be sent "
    "again after a top-up.",
    data=CreditShortfallJson,
)

SPENDING_LIMIT_EXCEEDED = ErrorResponse(
    SpendingLimitExceeded,
    "The key may not spend as much: its limit, or that of a key that it descends from, does not "
    "cover the order. Nothing was ordered. Wait until `resets_at`, or have the limit raised.",
    data=SpendingShortfallJson,
)

INSUFFICIENT_INVENTORY = ErrorResponse(
    InsufficientInventory,
    "Some of the numbers can't be had. None was taken: leave out those in `unavailable`, or take "
    "the `alternatives`, and order again.",
    message="insufficient inventory: requested 2, available 1",
    data=InventoryShortfallJson,
)

NOT_YOURS = ErrorResponse(NotFound, "Your organization has no phone number with this id.")
NOT_YOURS_OR_CAMPAIGN = replace(
    NOT_YOURS, when="Your organization has no such phone number, or no such campaign."
)
RELEASED_BEFORE = ErrorResponse(
    NumberNotAssigned, "Your organization had the phone number, and has released it."
)
LOCKED = ErrorResponse(NumberLocked, "The number is locked. Unlock it, then release it.")
CHANGED_SINCE = ErrorResponse(
    PreconditionFailed,
    "The number is not as `If-Match` says: it has changed since. Nothing was done.",
)
