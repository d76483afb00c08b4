"""Encryption of second factors, so that a stolen database is not enough to compute codes."""

from config.sealing import CannotOpen, Sealing

__all__ = ["CannotOpen", "reseal", "seal", "unseal"]

_SEALING = Sealing("DESK_TWO_FACTOR_KEYS", b"numberdesk: secrets of second factors", "operator")


def seal(secret: str, *, user_id: int) -> str:
    """Encrypt under the current key."""
    return _SEALING.seal(secret, owner_id=user_id)


def unseal(sealed: str, *, user_id: int) -> str:
    """Decrypt. Raise CannotOpen if no key fits."""
    return _SEALING.unseal(sealed, owner_id=user_id)


def reseal(sealed: str, *, user_id: int) -> str:
    """Encrypt again under the current key. Raise CannotOpen if no key fits."""
    return seal(unseal(sealed, user_id=user_id), user_id=user_id)
