"""A limit for whoever tries keys: failed authentications per client address, before the database is asked.

It counts in the process, so that a flood costs no statement: with N workers, N times as many pass. A key
that has opened a door here lately is let in whatever its neighbours do, so that no one who shares an address
with an attacker, or an attacker's proxy, is locked out. Where the desk is behind a proxy and is not told
which (TRUSTED_PROXIES), every client would have the proxy's address: then there is no limit.
"""

import ipaddress
import time
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest

from apikeys.rate_limits import WINDOW_SECONDS
from config.errors import RateLimited, Unauthorized

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# More addresses than this in one minute are no guesser that a limit per address would stop.
MOST_ADDRESSES = 10_000
MOST_KEYS = 10_000

_minute = 0
_failures: dict[str, int] = {}
_opened: set[str] = set()


def note_success(digest: str) -> None:
    """This key opens doors."""
    if len(_opened) >= MOST_KEYS:
        _opened.clear()
    _opened.add(digest)


def refuse_guessers(request: HttpRequest, digests: list[str]) -> None:
    """Raises RateLimited for an unknown key from an address that failed too often this minute."""
    if not _failures or not _opened.isdisjoint(digests):
        return
    address = client_address(request)
    if address and _failures_of(address) >= settings.FAILED_AUTHENTICATIONS_PER_MINUTE:
        raise _too_many()


def failed(request: HttpRequest) -> Unauthorized | RateLimited:
    """The answer to a key that opens no door, which is counted."""
    address = client_address(request)
    if not address:
        return Unauthorized()
    used = _failures_of(address) + 1
    if used > settings.FAILED_AUTHENTICATIONS_PER_MINUTE:
        return _too_many()
    if len(_failures) < MOST_ADDRESSES or address in _failures:
        _failures[address] = used
    return Unauthorized()


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
    """The same as one address, for who can't store a network: django-axes."""
    return client_address(request).partition("/")[0] or None


@lru_cache(maxsize=1024)
def _is_trusted(address: str, proxies: tuple[str, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address == ""  # a Unix socket, which only a proxy on this machine can open
    return any(parsed in network for network in _trusted(proxies))


@lru_cache(maxsize=8)
def _trusted(networks: tuple[str, ...]) -> list[Network]:
    return [ipaddress.ip_network(network) for network in networks]


def _network_of(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))


def _failures_of(address: str) -> int:
    global _minute
    minute = int(time.time() // WINDOW_SECONDS)
    if minute != _minute:
        _minute = minute
        _failures.clear()
    return _failures.get(address, 0)


def _too_many() -> RateLimited:
    rest = WINDOW_SECONDS - int(time.time() % WINDOW_SECONDS)
    return RateLimited("too many failed authentications", headers={"Retry-After": str(rest)})
