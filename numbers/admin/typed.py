"""What was typed into the search box, read in every way."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from campaigns.names import as_id
from numbers.numbering.notations import meanings_of
from numbers.orders.find import started_at

_KEY = "am_"
_KEY_LENGTH = len("am_live_8sK2")


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed, and everything that it may be."""

    text: str
    numbers: list[str]
    id: UUID | None
    request_id: str
    request_at: datetime | None
    key_prefix: str

    @classmethod
    def read(cls, text: str) -> "Typed":
        """Read the text. The secret of a key is cut to the prefix that lists show."""
        text = text.replace("\0", "").strip()[:255]
        is_key = text.startswith(_KEY)
        if is_key:
            text = text[:_KEY_LENGTH]
        at = started_at(text)
        return cls(
            text,
            meanings_of(text),
            as_id(text),
            text.upper() if at else "",
            at,
            text if is_key else "",
        )
