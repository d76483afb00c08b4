"""Encryption of secrets at rest, so that a stolen database is not enough to read them.

The keys are in a setting, the current one first, never in the database. Each purpose has keys of
its own, derived from those. The encrypted text names its owner, so a row moved to another owner
can't be decrypted.
"""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class CannotOpen(Exception):
    """No key of the setting decrypts this, or it was encrypted for another owner."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """Seals secrets for one purpose. ``owner`` is the word for whose they are, in errors."""

    setting: str
    purpose: bytes
    owner: str

    def seal(self, secret: str, *, owner_id: object) -> str:
        """Encrypt under the current key."""
        return self._keys().encrypt(f"{owner_id}:{secret}".encode()).decode()

    def unseal(self, sealed: str, *, owner_id: object) -> str:
        """Decrypt. Raise CannotOpen if no key fits."""
        try:
            opened = self._keys().decrypt(sealed).decode()
        except InvalidToken as error:
            raise CannotOpen(f"no key in {self.setting} decrypts it") from error
        found, _, secret = opened.partition(":")
        if found != str(owner_id):
            raise CannotOpen(f"it was encrypted for another {self.owner}")
        return secret

    def _keys(self) -> MultiFernet:
        return _all_of(tuple(getattr(settings, self.setting)), self.purpose)


def cipher_for(secret: str, purpose: bytes) -> Fernet:
    """Return a cipher with a 256-bit key for this purpose only, from a setting of any length."""
    derived = HKDF(SHA256(), length=32, salt=None, info=purpose).derive(secret.encode())
    return Fernet(urlsafe_b64encode(derived))


@lru_cache(maxsize=8)
def _all_of(secrets: tuple[str, ...], purpose: bytes) -> MultiFernet:
    return MultiFernet([cipher_for(secret, purpose) for secret in secrets])
