"""Which URLs an endpoint may have, and which address of its host is connected to.

A name is resolved once for each connection; its addresses are judged, and the connection goes to
one that was. WEBHOOK_PRIVATE_HOSTS names hosts for local tests: these may be private and use http.
"""

import socket
import string
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple
from urllib.parse import SplitResult, quote, urlsplit

from django.conf import settings

from numbers.ownership.webhook_urls import (
    MAX_LENGTH,
    UnsafeUrl,
    check_public_https_url,
    is_public_address,
)

# getaddrinfo takes no time-out: it runs here, and is left behind if it takes too long.
_RESOLVERS = ThreadPoolExecutor(max_workers=32, thread_name_prefix="resolver")
_PORTS = {"http": 80, "https": 443}


class NoAddress(Exception):
    """The host has no address that may be called. The message says why."""


class Target(NamedTuple):
    """What a URL names: the host that TLS is verified against, and what is asked of it."""

    scheme: str
    host: str
    port: int
    authority: str
    path: str
    is_private: bool

    @property
    def origin(self) -> tuple[str, str, int]:
        """Return what requests must share to go over one connection."""
        return self.scheme, self.host, self.port


def check_webhook_url(value: str) -> str:
    """Return the URL as it is stored. Raise UnsafeUrl if its host may not be called."""
    parts = _split(value)
    if parts is not None and _is_private_host(parts):
        if len(value) > MAX_LENGTH or "@" in parts.netloc or not value.isprintable():
            raise UnsafeUrl(f"must have no credentials and at most {MAX_LENGTH} characters")
        return value
    return check_public_https_url(value)


def target_of(url: str) -> Target:
    """Return what the URL names. Raise UnsafeUrl if its host may not be called."""
    parts = urlsplit(check_webhook_url(url))
    host = _ascii_host(parts)
    port = parts.port or _PORTS[parts.scheme]
    path = quote(parts.path or "/", safe=string.punctuation)
    if parts.query:
        path += f"?{quote(parts.query, safe=string.punctuation)}"
    authority, is_private = _authority(parts, host), _is_private_host(parts)
    return Target(parts.scheme, host, port, authority, path, is_private)


def judged_address(target: Target, *, seconds: float) -> str:
    """Resolve the host once, and return an address of it that may be called. Raise NoAddress."""
    addresses = _resolve(target.host, target.port, seconds)
    if not target.is_private:
        addresses = [one for one in addresses if is_public_address(one)]
        if not addresses:
            raise NoAddress(f"{target.host} resolves to private or reserved addresses only")
    return addresses[0]


def _split(value: str) -> SplitResult | None:
    try:
        parts = urlsplit(value)
        return parts if parts.scheme in _PORTS and parts.hostname and parts.port != 0 else None
    except ValueError:
        return None


def _is_private_host(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    port = parts.port or _PORTS.get(parts.scheme, 0)
    return bool({host, f"{host}:{port}"} & set(settings.WEBHOOK_PRIVATE_HOSTS))


def _ascii_host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return host if host.isascii() else host.encode("idna").decode("ascii").lower()


def _authority(parts: SplitResult, host: str) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if parts.port is None else f"{name}:{parts.port}"


def _resolve(host: str, port: int, seconds: float) -> list[str]:
    lookup = _RESOLVERS.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = lookup.result(timeout=seconds)
    except TimeoutError:
        lookup.cancel()
        raise NoAddress(f"{host} was not resolved within {seconds:.0f} s") from None
    except (OSError, UnicodeError) as error:
        raise NoAddress(f"{host} can't be resolved: {error}") from None
    return list(dict.fromkeys(str(info[4][0]) for info in found))
