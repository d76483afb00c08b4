"""Check URLs that customers set as callbacks: https, and a host on the public internet.

Pure functions without DNS. `check_public_https_url` checks the text when it is stored. A name may
still resolve to a private address. A sender must check each resolved address with
`is_public_address`, connect to that address, and follow no redirect without the same checks.
Webhooks are sent by `numbers.webhooks.send`, which does so.

Everything that is not clearly public is refused. IPv4 must be four decimal numbers, since `127.1`,
`0177.0.0.1` and `2130706433` mean different hosts to different clients. Networks are listed here
because `ipaddress.is_global` differs between Python versions and counts tunnels to loopback (6to4,
NAT64) and multicast as global.
"""

import re
from ipaddress import AddressValueError, IPv4Network, IPv6Address, IPv6Network
from typing import NoReturn

MAX_LENGTH = 2048
SCHEME = "https://"


class UnsafeUrl(ValueError):
    """The URL is refused. The message is a sentence for the customer, with the remedy."""


# The authority ends at the first of / ? #, for RFC 3986 and browsers alike. Backslashes, on which
# they disagree, are refused before.
_URL = re.compile(r"https://([^/?#]*)", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([0-9]{1,5}))?")
_IPV4 = re.compile(
    r"(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})"
)
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
# The last label starts with a letter, so that no short, octal or hexadecimal address is a name.
_NAME = re.compile(rf"(?:{_LABEL}\.)+([a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?)")
_LAST_LABEL_IS_A_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")

# Top-level names that resolve inside a machine or a private network only.
_PRIVATE_TLDS = frozenset(
    {"localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan"}
    | {
        "localhost6",
        "localdomain6",
        "svc",
        "consul",
        "docker",
    }  # of machines, clusters and containers
    | {"test", "invalid", "onion", "alt"}  # reserved, never on the internet
)


def _spans(networks: str) -> list[tuple[int, int]]:
    parsed = [IPv4Network(each) for each in networks.split()]
    return [(int(each.network_address), int(each.broadcast_address)) for each in parsed]


_NOT_PUBLIC_V4 = _spans(
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 "
    "192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 "
    "224.0.0.0/3"
)
# Global unicast excludes ::1, v4-mapped, NAT64, fc00::/7, fe80::/10 and ff00::/8. These parts of it
# are not public: protocol assignments (Teredo, ORCHID, benchmarks), documentation, 6to4.
_GLOBAL_V6 = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = [
    IPv6Network(each) for each in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
]


# IDNA 2003, which Python has, and IDNA 2008, which browsers have, make two domains of these
# (UTS 46, section 7): a request must not go to the one that was not meant.
_READ_TWO_WAYS = re.compile("[\u00df\u1e9e\u03c2\u200c\u200d]")
_WRITE_ASCII = "must have a host that is a valid name: write it in its xn-- form"


def check_public_https_url(value: str) -> str:
    """Return the URL as it is stored. Raise UnsafeUrl if its host is not public.

    Schemes ignore case (RFC 3986, section 3.1), but the database allows `https://` only.
    """
    if len(value) > MAX_LENGTH:
        raise UnsafeUrl(f"must be at most {MAX_LENGTH} characters")
    # isprintable excludes control, format and unassigned characters, and white space except the
    # blank.
    if not value.isprintable() or " " in value or "\\" in value:
        raise UnsafeUrl(
            "must not contain blanks, control characters or backslashes: percent-encode them"
        )
    url = _URL.match(value)
    if url is None:
        raise UnsafeUrl("must start with https://")
    _check_authority(url.group(1))
    return SCHEME + value[len(SCHEME) :]


def is_public_address(address: str) -> bool:
    """Return whether a resolved address is public.

    A sender must check the address that it connects to, not the name.
    """
    try:
        _check_ipv6(address) if ":" in address else _check_name_or_ipv4(address)
    except UnsafeUrl:
        return False
    return ":" in address or _IPV4.fullmatch(address) is not None


def _check_authority(authority: str) -> None:
    if "@" in authority:
        raise UnsafeUrl("must not contain credentials: remove what stands before the @")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise UnsafeUrl(
            "must have a host and, after a colon, nothing but a port between 1 and 65535"
        )
    host, port = parts.groups()
    if port is not None and not 1 <= int(port) <= 65535:
        raise UnsafeUrl("must have a port between 1 and 65535")
    if not host:
        raise UnsafeUrl("must have a host, such as https://example.com/")
    if host.startswith("["):
        _check_ipv6(host[1:-1])
    else:
        _check_name_or_ipv4(_ascii(host).lower())


def _ascii(host: str) -> str:
    """Return the host in ASCII, with full-width digits and ideographic dots resolved."""
    if host.isascii():
        return host
    if len(host) > 253:  # the codec's time grows with the square of the length
        raise UnsafeUrl("must have a host name of at most 253 characters")
    if _READ_TWO_WAYS.search(host):
        raise UnsafeUrl(_WRITE_ASCII)
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        raise UnsafeUrl(_WRITE_ASCII) from None


def _check_name_or_ipv4(host: str) -> None:
    if address := _IPV4.fullmatch(host):
        return _check_ipv4([int(part) for part in address.groups()])
    if host.endswith("."):
        raise UnsafeUrl("must have a host without a dot at its end")
    if host in _PRIVATE_TLDS:
        _refuse_private()
    name = _NAME.fullmatch(host)
    if name is None:
        raise UnsafeUrl(_why_not_a_name(host))
    if len(host) > 253:
        raise UnsafeUrl("must have a host name of at most 253 characters")
    if name.group(1) in _PRIVATE_TLDS or host == "home.arpa" or host.endswith(".home.arpa"):
        _refuse_private()


def _why_not_a_name(host: str) -> str:
    if _LAST_LABEL_IS_A_NUMBER.fullmatch(host):
        return "must write an IPv4 address as four decimal numbers, such as 8.8.8.8"
    if "." not in host:
        return "must have a full host name with its domain, such as hooks.example.com"
    return "must have a host name of letters, digits, hyphens and dots only"


def _check_ipv4(parts: list[int]) -> None:
    if max(parts) > 255:
        raise UnsafeUrl("must write an IPv4 address with numbers from 0 to 255")
    number = parts[0] << 24 | parts[1] << 16 | parts[2] << 8 | parts[3]
    if any(first <= number <= last for first, last in _NOT_PUBLIC_V4):
        _refuse_private()


def _check_ipv6(text: str) -> None:
    if "%" in text:
        raise UnsafeUrl(
            "must have an IPv6 address without a zone: it only has a meaning on a local link"
        )
    try:
        address = IPv6Address(text)
    except AddressValueError:
        raise UnsafeUrl("must have a valid IPv6 address between the brackets") from None
    if address not in _GLOBAL_V6 or any(address in network for network in _NOT_PUBLIC_V6):
        _refuse_private()


def _refuse_private() -> NoReturn:
    raise UnsafeUrl(
        "must have a public host: private, local and reserved addresses can't be called"
    )
