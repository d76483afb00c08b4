"""The limits that the guides state match the code."""

from datetime import timedelta

import pytest
from django.conf import settings

from apikeys.types import MAX_GRACE_SECONDS
from config.api.idempotency import KEY_LENGTH
from config.api.pagination import LIMIT_DEFAULT, LIMIT_LARGEST
from config.docs_site.guides import FOLDER
from numbers.api.platform import routes
from numbers.api.search import MAX_QUANTITY
from numbers.api.types import MAX_NUMBERS, REFERENCE_LENGTH
from numbers.events import retention
from numbers.inventory import hold_limits, reservations
from numbers.mcp import confirmation
from numbers.orders import idempotency
from numbers.orders.picking import MOST
from numbers.ownership.routing import LABEL_LENGTH
from numbers.ownership.webhook_urls import MAX_LENGTH
from numbers.webhooks import endpoints
from numbers.webhooks import retention as deliveries

NAMED = [
    ("idempotency", f"For **{idempotency.HOURS} hours**"),
    ("retries", f"for {hold_limits.SHORTEST // 60} to {hold_limits.LONGEST // 60} minutes"),
    ("retries", f"hold up to {reservations.MOST_HELD} numbers at a time"),
    ("retries", f"Up to {settings.BACKORDERS_PER_ORGANIZATION} of your orders may wait"),
    ("errors", f"more than {settings.BACKORDERS_PER_ORGANIZATION} bulk orders that wait"),
    ("limits", f"| {settings.RATE_LIMIT_PER_MINUTE:,} a minute, over all of its keys |"),
    ("limits", f"| {settings.HELD_NUMBERS_PER_MINUTE:,} a minute |"),
    ("limits", f"{settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes"),
    ("limits", f"1 to {KEY_LENGTH} visible ASCII characters, remembered for {idempotency.HOURS}"),
    ("limits", f"bulk release | 1 to {MAX_NUMBERS} |"),
    ("limits", f"order by quantity | 1 to {MOST:,} |"),
    ("limits", f"wait for stock | {settings.BACKORDERS_PER_ORGANIZATION} |"),
    ("limits", f"on hold at a time | {reservations.MOST_HELD} | 422 |"),
    ("limits", f"| {hold_limits.SHORTEST} to {hold_limits.LONGEST:,} seconds"),
    ("limits", f"a search | {MAX_QUANTITY} numbers"),
    ("limits", f"a label | {LABEL_LENGTH} characters"),
    ("limits", f"| {REFERENCE_LENGTH} characters"),
    ("limits", f"a URL | {MAX_LENGTH:,} characters"),
    ("limits", f"by others | {settings.NUMBER_QUARANTINE_DAYS} days"),
    ("limits", f"can be undone | {settings.UNDO_RELEASE_DAYS} days"),
    ("limits", f"is not paid works on | {settings.RENEWAL_SUSPEND_DAYS} days"),
    ("limits", f"| {settings.RENEWAL_RELEASE_DAYS} days after it became past due"),
    ("money", f"it works on for {settings.RENEWAL_SUSPEND_DAYS} days"),
    ("money", f"until it has been past due for {settings.RENEWAL_RELEASE_DAYS} days"),
    ("retries", f"stays unpaid for {settings.RENEWAL_RELEASE_DAYS} days"),
    ("limits", f"keeps events | {retention.RETENTION_DAYS} days"),
    ("limits", f"token is valid | {confirmation.SECONDS} seconds"),
    ("limits", f"up to {MAX_GRACE_SECONDS:,} seconds"),
    (
        "limits",
        f"has {LIMIT_DEFAULT} items unless you ask for another `limit`, and {LIMIT_LARGEST}",
    ),
    ("limits", f"at most {endpoints.MOST_ENDPOINTS} [webhooks]"),
    ("limits", f"| webhooks | {endpoints.MOST_ENDPOINTS} |"),
    ("limits", f"{settings.PLATFORM_RATE_LIMIT_PER_MINUTE:,} a minute, for each key"),
    ("limits", f"is released | {settings.RENEWAL_RELEASE_DAYS} days after"),
    ("limits", f"can be read | {deliveries.KEEP.days} days"),
    ("limits", f"signs beside the new one | {endpoints.GRACE // timedelta(hours=1)} hours"),
    ("limits", f"gateways, has {routes.LIMIT:,}, and {routes.LARGEST_LIMIT:,} at most"),
    ("errors", f"more than {endpoints.MOST_ENDPOINTS} webhooks"),
    ("errors", f"q={settings.RATE_LIMIT_PER_MINUTE};w=60"),
]


@pytest.mark.parametrize(("guide", "words"), NAMED)
def test_guide_names_the_limit_of_the_code(guide: str, words: str):
    assert words in " ".join((FOLDER / f"{guide}.md").read_text().split())


def test_guides_state_the_daily_hold_limit():
    assert settings.HOLD_SECONDS_PER_DAY == 3600
    assert "each for an hour in any 24" in " ".join((FOLDER / "retries.md").read_text().split())
    assert "on hold for over an hour in 24 hours" in (FOLDER / "errors.md").read_text()
