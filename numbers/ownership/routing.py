"""Routing of a number: callback URLs, campaign and label, read alike by every endpoint."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from config.api.fields import UUID_EXPECTED, is_text, parse_uuid
from numbers.ownership.webhook_urls import UnsafeUrl, check_public_https_url

FIELDS = frozenset({"inbound_url", "status_url", "campaign_id", "label"})
LABEL_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Routing:
    inbound_url: str = ""
    status_url: str = ""
    campaign_id: UUID | None = None
    label: str = ""


def read_routing(body: dict[str, Any], details: dict[str, str]) -> Routing:
    """Return the routing of a request; absent and null are unset. Put problems into `details`."""
    return Routing(
        inbound_url=read_url(body.get("inbound_url"), "inbound_url", details),
        status_url=read_url(body.get("status_url"), "status_url", details),
        campaign_id=read_uuid(body.get("campaign_id"), "campaign_id", details),
        label=read_label(body.get("label"), details),
    )


def read_url(value: object, field: str, details: dict[str, str]) -> str:
    """Return the URL as it is stored. Put a problem into `details`."""
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
    if not isinstance(value, str) or not is_text(value, longest=LABEL_LENGTH):
        details["label"] = f"must be a string of up to {LABEL_LENGTH} characters without control characters"
        return ""
    return value


def read_uuid(value: object, field: str, details: dict[str, str]) -> UUID | None:
    """Return a UUID from its form of 36 characters;

    Python accepts others. Put a problem into `details`.
    """
    if value is None:
        return None
    if found := parse_uuid(value):
        return found
    details[field] = UUID_EXPECTED
    return None
