"""The secret of an API key: create, recognize and digest it."""

import hashlib
import hmac
import re
import secrets
import zlib

from django.conf import settings

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LENGTH = 34  # 34 times log2(62) = 202 random bits
_CHECK_LENGTH = 6  # a CRC-32, so that leak scanners can recognize a key offline
_VISIBLE = 4
_FORM = re.compile(
    rf"am_(live|test|plat)_[0-9A-Za-z]{{{_RANDOM_LENGTH + _CHECK_LENGTH}}}", re.ASCII
)


def new_secret(*, sandbox: bool) -> str:
    """Return ``am_live_…`` or ``am_test_…`` with 202 random bits and a checksum."""
    return _new_secret("test" if sandbox else "live")


def new_platform_secret() -> str:
    """Return ``am_plat_…``, made like a customer's."""
    return _new_secret("plat")


def _new_secret(kind: str) -> str:
    body = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    return with_checksum(f"am_{kind}_{body}")


def secret_from(seed: str, *, sandbox: bool) -> str:
    """Derive a secret from a seed, which must be as random as the secret."""
    number, body = int.from_bytes(hashlib.sha512(seed.encode()).digest()), ""
    for _ in range(_RANDOM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        body += _ALPHABET[digit]
    return with_checksum(f"am_{'test' if sandbox else 'live'}_{body}")


def with_checksum(head: str) -> str:
    value, check = zlib.crc32(head.encode()), ""
    for _ in range(_CHECK_LENGTH):
        value, digit = divmod(value, len(_ALPHABET))
        check = _ALPHABET[digit] + check
    return head + check


def is_well_formed(secret: str) -> bool:
    return _FORM.fullmatch(secret) is not None and with_checksum(secret[:-_CHECK_LENGTH]) == secret


def visible_prefix(secret: str) -> str:
    """Return the part that lists and logs show, such as ``am_live_8sK2``."""
    return secret[: len("am_live_") + _VISIBLE]


def digest(secret: str) -> str:
    """Return the digest to store. SHA-256 is enough for 202 random bits; the pepper adds to it."""
    return _digest(secret, settings.API_KEY_PEPPERS[0])


def digests(secret: str) -> list[str]:
    """Return the digest under every pepper in use, the current one first."""
    return [_digest(secret, pepper) for pepper in settings.API_KEY_PEPPERS]


def _digest(secret: str, pepper: str) -> str:
    return hmac.digest(pepper.encode(), secret.encode(), "sha256").hex()
