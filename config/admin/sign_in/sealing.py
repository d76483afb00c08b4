"""Encryption of second factors, so that a stolen database is not enough to compute codes.

The keys are in DESK_TWO_FACTOR_KEYS, the current one first, never in the database. The encrypted
text names its operator, so a row moved to another operator can't be decrypted.
"""

from base64 import urlsafe_b64encode
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_PURPOSE = b"numberdesk: secrets of second factors"


class CannotOpen(Exception):
    """No key in DESK_TWO_FACTOR_KEYS decrypts this, or it was encrypted for another operator."""


def seal(secret: str, *, user_id: int) -> str:
    """Encrypt under the current key."""
    return (
        _keys(tuple(settings.DESK_TWO_FACTOR_KEYS)).encrypt(f"{user_id}:{secret}".encode()).decode()
    )


def unseal(sealed: str, *, user_id: int) -> str:
    """Decrypt. Raise CannotOpen if no key fits."""
    try:
        owner, _, secret = (
            _keys(tuple(settings.DESK_TWO_FACTOR_KEYS)).decrypt(sealed).decode().partition(":")
        )
    except InvalidToken as error:
        raise CannotOpen("no key in DESK_TWO_FACTOR_KEYS decrypts it") from error
    if owner != str(user_id):
        raise CannotOpen("it was encrypted for another operator")
    return secret


def reseal(sealed: str, *, user_id: int) -> str:
    """Encrypt again under the current key. Raise CannotOpen if no key fits."""
    return seal(unseal(sealed, user_id=user_id), user_id=user_id)


@lru_cache(maxsize=4)
def _keys(secrets: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(secret)) for secret in secrets])


def _derived(secret: str) -> bytes:
    """Derive a 256-bit key for this purpose only, from a setting of any length."""
    return urlsafe_b64encode(
        HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret.encode())
    )
