"""Secrets of endpoints, encrypted at rest under WEBHOOK_SECRET_KEYS, the current key first.

The encrypted text names its endpoint, so a row moved to another endpoint can't be decrypted.
"""

import secrets
from base64 import b64decode, b64encode, urlsafe_b64encode
from functools import lru_cache
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PREFIX = "whsec_"
_PURPOSE = b"numberdesk: secrets of webhooks"
_BYTES = 32  # Standard Webhooks 1.0.0: 24 to 64


class CannotOpen(Exception):
    """No key in WEBHOOK_SECRET_KEYS decrypts this, or it was encrypted for another endpoint."""


def new_secret() -> str:
    """Return a secret as Standard Webhooks writes it."""
    return PREFIX + b64encode(secrets.token_bytes(_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """Return the bytes that sign."""
    return b64decode(secret.removeprefix(PREFIX))


def seal(secret: str, *, webhook_id: UUID) -> str:
    """Encrypt under the current key."""
    keys = _keys(tuple(settings.WEBHOOK_SECRET_KEYS))
    return keys.encrypt(f"{webhook_id}:{secret}".encode()).decode()


def unseal(sealed: str, *, webhook_id: UUID) -> str:
    """Decrypt. Raise CannotOpen if no key fits."""
    try:
        opened = _keys(tuple(settings.WEBHOOK_SECRET_KEYS)).decrypt(sealed).decode()
    except InvalidToken as error:
        raise CannotOpen("no key in WEBHOOK_SECRET_KEYS decrypts it") from error
    owner, _, secret = opened.partition(":")
    if owner != str(webhook_id):
        raise CannotOpen("it was encrypted for another endpoint")
    return secret


@lru_cache(maxsize=4)
def _keys(settings_keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(one)) for one in settings_keys])


def _derived(one: str) -> bytes:
    derived = HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(one.encode())
    return urlsafe_b64encode(derived)
