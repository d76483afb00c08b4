"""The limit of failed authentications, for each client address and minute.

The limit is exact across processes and hosts. Each failure is one statement that counts and
returns the count; successes write nothing. A process that knows an address to be past the limit
refuses it for the rest of the minute without a statement.

A key that authenticated recently is accepted from any address, so a neighbor behind the same
address locks out no other client. A process remembers the keys that it has seen. Before it
refuses a key, it loads those that other processes have seen, once a minute. A key that was not
used for a day is refused while its address is past the limit.

Behind a proxy that TRUSTED_PROXIES does not name, every client would have the proxy's address.
Then there is no limit.
"""

import math
import time
from collections.abc import Sequence

from django.conf import settings
from django.db import connection
from django.http import HttpRequest

from config.db.connections import on_a_live_connection
from config.db.minute_windows import ONE_MORE, WINDOW_SECONDS
from config.errors import RateLimited, Unauthorized
from config.http.client_address import client_address

# A limit per address does not stop an attacker with more addresses than this in one minute.
MOST_ADDRESSES = 10_000
MOST_KEYS = 20_000

COUNT = f"""
    INSERT INTO apikeys_failurewindow AS w (address, window_start, used)
    VALUES (%s, date_trunc('minute', now()), 1)
    ON CONFLICT (address) {ONE_MORE}
"""  # noqa: S608  made of constants
FORGET = """
    WITH old AS MATERIALIZED (
        SELECT address FROM apikeys_failurewindow
        WHERE window_start < now() - interval '2 minutes' FOR UPDATE SKIP LOCKED
    )
    DELETE FROM apikeys_failurewindow WHERE address IN (SELECT address FROM old)
"""
# The most recent half of what a process remembers. The keys that it sees itself are added.
USED_RECENTLY = f"""
    SELECT known.digest FROM apikeys_apikey k
    LEFT JOIN campaigns_organization o ON o.id = k.organization_id
    CROSS JOIN LATERAL (
        SELECT k.digest UNION ALL SELECT k.previous_digest WHERE k.previous_until > now()
    ) AS known
    WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
      AND (o.status = 'ACTIVE' OR k.organization_id IS NULL)
      AND greatest(k.last_used_at, k.rotated_at, k.created_at) > now() - interval '1 day'
    ORDER BY greatest(k.last_used_at, k.rotated_at, k.created_at) DESC LIMIT {MOST_KEYS // 2}
"""  # noqa: S608  made of constants


class _Known:
    """What this process knows. Threads share it, so each single step keeps it consistent."""

    def __init__(self) -> None:
        self.closed: dict[str, float] = {}  # addresses past the limit, and until when
        self.counted: set[str] = set()  # addresses that failed here this minute
        self.opened: set[str] = set()  # digests of keys that authenticated recently
        self.forget_at = 0.0
        self.ask_at = 0.0


_known = _Known()


def note_success(digest: str) -> None:
    """Remember that this key authenticated successfully."""
    if digest not in _known.opened:
        _remember([digest])


def refuse_guessers(request: HttpRequest, digests: list[str]) -> None:
    """Raise RateLimited if this address is over its limit and the key is not known to be good."""
    if not _known.closed or not _known.opened.isdisjoint(digests):
        return
    seconds = _closed_for(client_address(request))
    if seconds > 0 and not _others_know(digests):
        raise _too_many(seconds)


def failed(request: HttpRequest, digests: Sequence[str] = ()) -> Unauthorized | RateLimited:
    """Count a failed authentication. Return the error to raise."""
    _known.opened.difference_update(digests)
    address = client_address(request)
    if not address:
        return Unauthorized()
    if (seconds := _closed_for(address)) > 0:
        return _too_many(seconds)
    begins = _begin_minute()
    if not _is_counted(address):
        return Unauthorized()
    used, seconds = on_a_live_connection(lambda: _count(address, forget=begins))
    if used >= settings.FAILED_AUTHENTICATIONS_PER_MINUTE:
        _known.closed[address] = time.monotonic() + seconds
    return (
        Unauthorized() if used <= settings.FAILED_AUTHENTICATIONS_PER_MINUTE else _too_many(seconds)
    )


def _count(address: str, *, forget: bool) -> tuple[int, int]:
    with connection.cursor() as cursor:
        if forget:
            cursor.execute(FORGET)
        cursor.execute(COUNT, [address])
        used, resets_in = cursor.fetchone()
    return used, max(resets_in, 1)


def _begin_minute() -> bool:
    """Return whether a new minute has begun since the last call, and forget the old one."""
    now = time.monotonic()
    if now < _known.forget_at:
        return False
    _known.forget_at = now + WINDOW_SECONDS
    _known.counted = set()
    _known.closed = {
        address: until for address, until in _known.closed.copy().items() if until > now
    }
    return True


def _is_counted(address: str) -> bool:
    """Return whether to count this address. Memory and table hold a bounded number of them."""
    if len(_known.counted) >= MOST_ADDRESSES and address not in _known.counted:
        return False
    _known.counted.add(address)
    return True


def _closed_for(address: str) -> float:
    """Return for how many more seconds this address is refused; 0 or less if it is not."""
    return _known.closed.get(address, 0.0) - time.monotonic()


def _others_know(digests: list[str]) -> bool:
    """Return whether one of these keys authenticated recently. Query at most once a minute."""
    now = time.monotonic()
    if now >= _known.ask_at:
        _known.ask_at = now + WINDOW_SECONDS
        _remember(on_a_live_connection(_used_recently))
    return not _known.opened.isdisjoint(digests)


def _used_recently() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(USED_RECENTLY)
        return [digest for (digest,) in cursor.fetchall()]


def _remember(digests: list[str]) -> None:
    if len(_known.opened) + len(digests) > MOST_KEYS:
        _known.opened, _known.ask_at = set(), 0.0
    _known.opened.update(digests)


def _too_many(seconds: float) -> RateLimited:
    return RateLimited(
        "too many failed authentications", headers={"Retry-After": str(math.ceil(seconds))}
    )
