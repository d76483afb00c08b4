"""The address that limits count a client by, behind the proxies that TRUSTED_PROXIES names."""

import ipaddress
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest

from config.http.addresses import Network, parse_address, parse_network


def client_address(request: HttpRequest) -> str:
    """Return the last address that no trusted proxy added; empty if the proxy is not known.

    What stands further left in X-Forwarded-For may be forged by the client. An IPv6 client is
    its /64, since one client has 2^64 addresses.
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
    """Return one address to count sign-ins by: the peer's where no proxy is trusted.

    None stands for an unnamed Unix socket: then a name alone locks no operator out.
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
