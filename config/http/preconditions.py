"""Optimistic concurrency over HTTP: ``ETag`` and ``If-Match`` by RFC 9110."""

import hashlib
import re
from dataclasses import dataclass

from config.errors import PreconditionFailed, ValidationFailed

# RFC 9110, section 8.8.3. A list may have empty elements (section 5.6.1).
_ELEMENT = re.compile(r'[ \t]*(?:(W/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*)?(?:,|$)')
MOST_TAGS = 100


@dataclass(frozen=True, slots=True)
class IfMatch:
    """The state that a caller expects: any that exists, or one of these strong ETags."""

    tags: frozenset[str]
    any: bool = False

    def require(self, etag: str) -> None:
        """Raise PreconditionFailed if the state is another one."""
        if not self.any and etag not in self.tags:
            raise PreconditionFailed()


def read_if_match(header: str | None) -> IfMatch | None:
    """Return the precondition, or None. Raise ValidationFailed if it is malformed.

    Weak tags are ignored, because If-Match compares strongly and they match nothing.
    """
    if header is None:
        return None
    if header.strip(" \t") == "*":
        return IfMatch(frozenset(), any=True)
    tags, position, count = set(), 0, 0
    while position < len(header):
        match = _ELEMENT.match(header, position)
        count += 1
        if match is None or count > MOST_TAGS:
            raise _malformed()
        position = match.end()
        if match[2] and not match[1]:
            tags.add(match[2])
        elif not match[2] and match.end() == match.start():
            break
    if not re.search('"', header):
        raise _malformed()
    return IfMatch(frozenset(tags))


def etag_of(representation: bytes) -> str:
    """Return the strong ETag of these bytes."""
    return f'"{hashlib.sha256(representation).hexdigest()[:32]}"'


def _malformed() -> ValidationFailed:
    return ValidationFailed(
        details={"If-Match": 'must be * or a list of ETags as they were answered, such as "5f1c"'}
    )
