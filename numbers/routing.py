"""Where a number's messages go: callback URLs, campaign, label. The same rules for every endpoint."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from numbers.webhook_urls import UnsafeUrl, check_public_https_url

FIELDS = frozenset({"inbound_url", "status_url", "campaign_id", "label"})
LABEL_LENGTH = 64
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Routing:
    inbound_url: str = ""
    status_url: str = ""
    campaign_id: UUID | None = None
    label: str = ""


def read_routing(body: dict[str, Any], details: dict[str, str]) -> Routing:
    """The routing fields of a request; absent and null are unset. Problems go into ``details``."""
    return Routing(
        inbound_url=read_url(body.get("inbound_url"), "inbound_url", details),
        status_url=read_url(body.get("status_url"), "status_url", details),
        campaign_id=read_uuid(body.get("campaign_id"), "campaign_id", details),
        label=read_label(body.get("label"), details),
    )


def read_url(value: object, field: str, details: dict[str, str]) -> str:
    """Return the URL as it is stored. Put a problem into ``details``."""
    if value is None:
        return ""
    if not isinstance(value, str):
        details[field] = "must be a string: an https:// URL"
        return ""
    try:
        return check_public_https_url(value)
    except UnsafeUrl as problem:
        details[field] = str(problem)
        return ""


def read_label(value: object, details: dict[str, str]) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LABEL_LENGTH or _CONTROL.search(value):
        details["label"] = f"must be a string of up to {LABEL_LENGTH} characters without control characters"
        return ""
    return value


def read_uuid(value: object, field: str, details: dict[str, str]) -> UUID | None:
    """A UUID in its usual form of 36 characters; not the other forms that Python accepts."""
    if value is None:
        return None
    try:
        if isinstance(value, str) and len(value) == 36:
            return UUID(value)
    except ValueError:
        pass
    details[field] = "must be a UUID such as b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"
    return None
