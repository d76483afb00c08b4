"""Secrets of endpoints, and the signatures that they make, as Standard Webhooks 1.0.0 has them.

They are encrypted at rest under WEBHOOK_SECRET_KEYS, the current key first.
"""

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from uuid import UUID

from config.sealing import CannotOpen, Sealing

__all__ = ["CannotOpen", "key_of", "new_secret", "seal", "signed_headers", "unseal"]

PREFIX = "whsec_"
_BYTES = 32  # Standard Webhooks 1.0.0: 24 to 64
_SEALING = Sealing("WEBHOOK_SECRET_KEYS", b"numberdesk: secrets of webhooks", "endpoint")


def new_secret() -> str:
    """Return a secret as Standard Webhooks writes it."""
    return PREFIX + b64encode(secrets.token_bytes(_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """Return the bytes that sign."""
    return b64decode(secret.removeprefix(PREFIX))


def seal(secret: str, *, webhook_id: UUID) -> str:
    """Encrypt under the current key."""
    return _SEALING.seal(secret, owner_id=webhook_id)


def unseal(sealed: str, *, webhook_id: UUID) -> str:
    """Decrypt. Raise CannotOpen if no key fits."""
    return _SEALING.unseal(sealed, owner_id=webhook_id)


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
