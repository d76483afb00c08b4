"""A limit for whoever tries keys: failed authentications of a client address in a minute.

Exact across processes and hosts: each failure is one statement, which counts and tells, and only failures write.
A process that has been told that an address is past the limit asks no more for the rest of the minute, so that
a flood from there costs no statement. Until then each process judges a key before it counts.

Nobody is locked out by a neighbour behind the same address, or behind an attacker's proxy: a key that has opened a
door lately is let in whatever others do. A process knows those that it has seen, and where it is to close the door,
it asks once a minute for those that others have seen. A key that was not used for a day waits.

Where the desk is behind a proxy and is not told which (TRUSTED_PROXIES), every client would have the proxy's
address: then there is no limit.
"""

import ipaddress
import math
import time
from collections.abc import Sequence
from functools import lru_cache

from django.conf import settings
from django.db import connection
from django.http import HttpRequest

from config.db.connections import on_a_live_connection
from config.db.minute_windows import ONE_MORE, WINDOW_SECONDS
from config.errors import RateLimited, Unauthorized
from config.http.addresses import Network, parse_address, parse_network

# More addresses than this in one minute are no guesser that a limit per address would stop.
MOST_ADDRESSES = 10_000
MOST_KEYS = 20_000

COUNT = f"""
    INSERT INTO apikeys_failurewindow AS w (address, window_start, used)
    VALUES (%s, date_trunc('minute', now()), 1)
    ON CONFLICT (address) {ONE_MORE}
"""  # noqa: S608  made of constants
FORGET = """
    DELETE FROM apikeys_failurewindow WHERE address IN (
        SELECT address FROM apikeys_failurewindow
        WHERE window_start < now() - interval '2 minutes' FOR UPDATE SKIP LOCKED
    )
"""
# The younger half of what a process remembers; what it sees itself comes on top.
USED_LATELY = f"""
    SELECT k.digest FROM apikeys_apikey k JOIN campaigns_organization o ON o.id = k.organization_id
    WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND o.status = 'ACTIVE'
      AND greatest(k.last_used_at, k.rotated_at, k.created_at) > now() - interval '1 day'
    ORDER BY greatest(k.last_used_at, k.rotated_at, k.created_at) DESC LIMIT {MOST_KEYS // 2}
"""  # noqa: S608  made of constants


class _Known:
    """What this process knows. Threads share it: each step leaves it right, whoever comes between."""

    def __init__(self) -> None:
        self.closed: dict[str, float] = {}  # addresses past the limit, and until when
        self.counted: set[str] = set()  # addresses that failed here this minute
        self.opened: set[str] = set()  # digests of keys that have opened a door lately
        self.forget_at = 0.0
        self.ask_at = 0.0


_known = _Known()


def note_success(digest: str) -> None:
    """This key opens doors."""
    if digest not in _known.opened:
        _remember([digest])


def refuse_guessers(request: HttpRequest, digests: list[str]) -> None:
    """Raises RateLimited for a key of no renown from an address that failed too often this minute."""
    if not _known.closed or not _known.opened.isdisjoint(digests):
        return
    seconds = _closed_for(client_address(request))
    if seconds > 0 and not _others_know(digests):
        raise _too_many(seconds)


def failed(request: HttpRequest, digests: Sequence[str] = ()) -> Unauthorized | RateLimited:
    """The answer to a key that opens no door, which is counted."""
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
    return Unauthorized() if used <= settings.FAILED_AUTHENTICATIONS_PER_MINUTE else _too_many(seconds)


def client_address(request: HttpRequest) -> str:
    """Who asks: the last address that no trusted proxy has added. Empty where that can't be told.

    What stands further left in X-Forwarded-For was written by the client, who may write anything. Of
    IPv6 the network: one client has 2^64 addresses.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_TLS_PROXY and not settings.TRUSTED_PROXIES:
        return ""
    for forwarded in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "")[-500:].split(",")):
        if not _is_trusted(address, tuple(settings.TRUSTED_PROXIES)):
            break
        address = forwarded.strip() or address
    return _network_of(address)


def host_of(request: HttpRequest) -> str | None:
    """Return one address to count sign-ins by; where no proxy is trusted, that of the peer.

    None only for a Unix socket of which nothing is known: then nobody is locked out by a name alone.
    """
    return client_address(request).partition("/")[0] or request.META.get("REMOTE_ADDR") or None


@lru_cache(maxsize=1024)
def _is_trusted(address: str, proxies: tuple[str, ...]) -> bool:
    parsed = parse_address(address)
    if parsed is None:
        return address == ""  # a Unix socket, which only a proxy on this machine can open
    return any(parsed in network for network in _trusted(proxies))


@lru_cache(maxsize=8)
def _trusted(networks: tuple[str, ...]) -> list[Network]:
    return [parse_network(network) for network in networks]


def _network_of(address: str) -> str:
    parsed = parse_address(address)
    if parsed is None:
        return ""
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))


def _count(address: str, *, forget: bool) -> tuple[int, int]:
    with connection.cursor() as cursor:
        if forget:
            cursor.execute(FORGET)
        cursor.execute(COUNT, [address])
        used, resets_in = cursor.fetchone()
    return used, max(resets_in, 1)


def _begin_minute() -> bool:
    """Whether a minute has passed since this was said last; what nobody counts any longer is forgotten then."""
    now = time.monotonic()
    if now < _known.forget_at:
        return False
    _known.forget_at = now + WINDOW_SECONDS
    _known.counted = set()
    _known.closed = {address: until for address, until in _known.closed.copy().items() if until > now}
    return True


def _is_counted(address: str) -> bool:
    """Whether there is room for one more: what is remembered, here and in the table, is bounded."""
    if len(_known.counted) >= MOST_ADDRESSES and address not in _known.counted:
        return False
    _known.counted.add(address)
    return True


def _closed_for(address: str) -> float:
    """How many more seconds nothing is asked for this address; none, or less, where it is open."""
    return _known.closed.get(address, 0.0) - time.monotonic()


def _others_know(digests: list[str]) -> bool:
    """Whether one of these keys opened a door lately, here or elsewhere; asked at most once a minute."""
    now = time.monotonic()
    if now >= _known.ask_at:
        _known.ask_at = now + WINDOW_SECONDS
        _remember(on_a_live_connection(_used_lately))
    return not _known.opened.isdisjoint(digests)


def _used_lately() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(USED_LATELY)
        return [digest for (digest,) in cursor.fetchall()]


def _remember(digests: list[str]) -> None:
    if len(_known.opened) + len(digests) > MOST_KEYS:
        _known.opened, _known.ask_at = set(), 0.0
    _known.opened.update(digests)


def _too_many(seconds: float) -> RateLimited:
    return RateLimited("too many failed authentications", headers={"Retry-After": str(math.ceil(seconds))})
