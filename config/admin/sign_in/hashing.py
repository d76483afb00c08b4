"""Password hashing, which is slow on purpose, in a few threads of a process at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from config.errors import ServiceUnavailable


class BoundedHasher(PBKDF2PasswordHasher):
    """Django's hash, computed for at most DESK_HASHES_AT_ONCE passwords at a time.

    Further sign-ins are refused instead of queued: a waiting thread can't serve other requests.
    """

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with _place():
            return super().encode(password, salt, iterations)


_places = threading.BoundedSemaphore(settings.DESK_HASHES_AT_ONCE)


@contextmanager
def _place() -> Iterator[None]:
    """Take one of the places. Raise ServiceUnavailable if all are taken."""
    if not _places.acquire(blocking=False):
        raise ServiceUnavailable("too many sign-ins at once", retry_after=2)
    try:
        yield
    finally:
        _places.release()
