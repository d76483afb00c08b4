"""Signatures as Standard Webhooks 1.0.0 has them."""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Sequence

from numbers.webhooks.secrets import key_of


def signed_headers(
    body: bytes, *, message_id: str, timestamp: int, secrets: Sequence[str]
) -> dict[str, str]:
    """Return the headers of a delivery, with a signature for each secret."""
    content = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(content, one) for one in secrets),
    }


def _signature(content: bytes, secret: str) -> str:
    return "v1," + b64encode(hmac.digest(key_of(secret), content, hashlib.sha256)).decode()
