"""Hashing of passwords, which is slow on purpose: never in all threads of a process at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from config.errors import ServiceUnavailable


class BoundedHasher(PBKDF2PasswordHasher):
    """Django's own hash, of as many passwords at a time as DESK_HASHES_AT_ONCE says.

    Nobody waits for a place: a thread that waits is as lost to everybody else as one that hashes.
    """

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with _place():
            return super().encode(password, salt, iterations)


_places = threading.BoundedSemaphore(settings.DESK_HASHES_AT_ONCE)


@contextmanager
def _place() -> Iterator[None]:
    """Take one of the places. Raises ServiceUnavailable where there is none."""
    if not _places.acquire(blocking=False):
        raise ServiceUnavailable("too many sign-ins at once", retry_after=2)
    try:
        yield
    finally:
        _places.release()
