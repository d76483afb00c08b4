"""Routing of a number: callback URLs, campaign and label."""

from dataclasses import dataclass
from uuid import UUID

LABEL_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Routing:
    inbound_url: str = ""
    status_url: str = ""
    campaign_id: UUID | None = None
    label: str = ""
