"""The URLs that customers may give: numbers/ownership/webhook_urls.py."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numbers.ownership.webhook_urls import (
    MAX_LENGTH,
    UnsafeUrl,
    check_public_https_url,
    is_public_address,
)

PUBLIC_HOSTS = [
    "customer.example",
    "EXAMPLE.com",
    "example.com:443",
    "example.com:65535",
    "xn--bcher-kva.de",
    "bücher.de",
    "my_app.example.com",
    "a-b.co.uk",
    "8.8.8.8",
    "1.1.1.1:8443",
    "100.63.255.255",
    "172.15.0.1",
    "172.32.0.1",
    "192.169.0.1",
    "223.255.255.255",
    "[2606:4700:4700::1111]",
    "[2606:4700:4700::1111]:8443",
    "[2620:4f:8000::1]",
    "127.0.0.1.example.com",  # a name: only its resolution could show it
    "localhost.example.com",
]

PRIVATE_HOSTS = [
    # names
    *("localhost", "LOCALHOST", "localhost:8443", "a.localhost", "localhost.localdomain"),
    *("api.default.svc", "vault.service.consul", "x.test", "x.onion", "localhost6.localdomain6"),
    *(
        "printer.local",
        "db.internal",
        "metadata.google.internal",
        "nas.home.arpa",
        "wiki.corp",
        "x.lan",
    ),
    # IPv4, as it should be written
    *("0.0.0.0", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.255"),
    *("169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1"),
    *("192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1"),
    *("224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    # IPv6
    *(
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[fe80::1]",
        "[fec0::1]",
        "[fc00::1]",
        "[fd12::1]",
        "[ff02::1]",
    ),
    *(
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:10.0.0.1]",
        "[::127.0.0.1]",
    ),  # v4 inside v6
    *("[2002:7f00:1::]", "[2002:a00:1::1]"),  # 6to4
    *(
        "[64:ff9b::7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b:1::1]",
        "[64:ff9b:1:ffff::1]",
    ),  # NAT64
    *("[2001::1]", "[2001:0:4136:e378:8000:63bf:3fff:fdd2]"),  # Teredo
    *(
        "[2001:db8::1]",
        "[3fff::1]",
        "[3fff:fff::1]",
        "[2001:10::1]",
        "[2001:2::1]",
        "[100::1]",
        "[5f00::1]",
    ),
]

OTHER_NOTATIONS = [
    *(
        "127.1",
        "127.0.1",
        "1.2.3",
        "10.1",
        "2130706433",
        "0x7f000001",
        "0X7F000001",
        "017700000001",
    ),
    *(
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f.1",
        "127.0.0.0x1",
        "127.0.0.01",
        "0127.0.0.1",
        "00.0.0.0",
        "0",
    ),
    *(
        "127.0.0.1.",
        "8.8.8.8.",
        "256.1.1.1",
        "999.999.999.999",
        "1.2.3.4.5",
        "4294967297",
        "1.0x",
        "0x",
    ),
    # full-width and circled characters, ideographic dots: clients turn them into ASCII
    *("１２７.0.0.1", "127。0。0。1", "127．0．0．1", "127｡0｡0｡1", "①②⑦.0.0.1"),  # noqa: RUF001
    *("ⓛocalhost", "ｌｏｃａｌｈｏｓｔ"),  # noqa: RUF001
    *(
        "%31%32%37.0.0.1",
        "127%2e0.0.1",
        "localhos%74",
        "%6c%6f%63alhost",
        "example.com%00.evil.com",
    ),
    *("localhost.", "a.localhost.", "printer.local.", "example.com."),
    *("[fe80::1%eth0]", "[fe80::1%25eth0]", "[2606:4700::1%25eth0]", "[::1]%eth0", "[v1.x]"),
    *(
        "[127.0.0.1]",
        "[8.8.8.8]",
        "[::1",
        "::1",
        "[]",
        "[[::1]]",
        "[2606:4700::1]x",
        "[1:2:3:4:5:6:7:8:9]",
    ),
]


@pytest.mark.parametrize("host", PUBLIC_HOSTS)
@pytest.mark.parametrize(
    "rest", ["", "/", "/inbound?to=%2B1415&x=[1]#part", "?a=@b", "#@127.0.0.1"]
)
def test_public_host_passes(host, rest):
    check_public_https_url(f"https://{host}{rest}")


@pytest.mark.parametrize("host", PRIVATE_HOSTS)
def test_non_public_host_is_refused_by_name(host):
    with pytest.raises(UnsafeUrl, match="must have a public host"):
        check_public_https_url(f"https://{host}/hook")


@pytest.mark.parametrize("host", OTHER_NOTATIONS)
def test_no_other_notation_of_a_host_passes(host):
    with pytest.raises(UnsafeUrl):
        check_public_https_url(f"https://{host}/hook")


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("http://example.com/", "must start with https://"),
        ("ftp://example.com/", "must start with https://"),
        ("", "must start with https://"),
        ("example.com", "must start with https://"),
        ("//example.com/", "must start with https://"),
        ("https:example.com", "must start with https://"),
        ("https:/example.com", "must start with https://"),
        ("javascript:alert(1)//https://example.com", "must start with https://"),
        ("https://", "must have a host"),
        ("https:///path", "must have a host"),
        ("https://:443/", "must have a host"),
        ("https://?x", "must have a host"),
        ("https://webserver/", "full host name with its domain"),
        ("https://127.1/", "four decimal numbers"),
        ("https://256.0.0.1/", "from 0 to 255"),
        ("https://example.com./", "without a dot at its end"),
        ("https://[::1%25eth0]/", "without a zone"),
        ("https://[nonsense]/", "valid IPv6 address"),
        ("https://a..b.com/", "letters, digits, hyphens"),
        ("https://-a.com/", "letters, digits, hyphens"),
        (f"https://{'a' * 64}.com/", "letters, digits, hyphens"),
        (f"https://{'a.' * 130}com/", "at most 253"),
        (f"https://{'é.' * 130}com/", "at most 253"),
        ("https://é..com/", "xn-- form"),
        # IDNA 2003 and 2008 read these differently.
        *((f"https://{host}/", "xn-- form") for host in ("faß.de", "βόλος.gr", "FAẞ.de")),
        ("https://user@example.com/", "must not contain credentials"),
        ("https://user:secret@example.com/", "must not contain credentials"),
        ("https://example.com@127.0.0.1/", "must not contain credentials"),
        ("https://@example.com/", "must not contain credentials"),
        ("https://example.com:/", "port between 1 and 65535"),
        ("https://example.com:0/", "port between 1 and 65535"),
        ("https://example.com:65536/", "port between 1 and 65535"),
        ("https://example.com:99999999/", "port between 1 and 65535"),
        ("https://example.com:+443/", "port between 1 and 65535"),
        ("https://example.com:８４/", "port between 1 and 65535"),  # noqa: RUF001
        ("https://example.com:443:443/", "port between 1 and 65535"),
    ],
)
def test_refusal_names_the_remedy_in_one_sentence(url, remedy):
    with pytest.raises(UnsafeUrl) as refusal:
        check_public_https_url(url)
    assert remedy in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).startswith("must ")


@pytest.mark.parametrize(
    "where", ["https://exa{}mple.com/", "https://a.com/b{}c", "{}https://example.com/"]
)
@pytest.mark.parametrize("character", list(" \t\n\r\x00\x7f\x85\xa0\\\u200b\u2028\u202e\ufeff"))
def test_blanks_control_characters_and_backslashes_are_refused(where, character):
    with pytest.raises(UnsafeUrl, match="blanks, control characters or backslashes"):
        check_public_https_url(where.format(character))


def test_length_limit_is_exact():
    base = "https://example.com/"
    check_public_https_url(base + "x" * (MAX_LENGTH - len(base)))
    with pytest.raises(UnsafeUrl, match="at most 2048"):
        check_public_https_url(base + "x" * (MAX_LENGTH - len(base) + 1))


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_ipv4_address_passes_exactly_if_global_and_dotted(number):
    address = ipaddress.IPv4Address(number)
    if _is_public(address):
        check_public_https_url(f"https://{address}/")
    else:
        with pytest.raises(UnsafeUrl):
            check_public_https_url(f"https://{address}/")
    for notation in (str(number), hex(number), f"0{number:o}"):
        with pytest.raises(UnsafeUrl):
            check_public_https_url(f"https://{notation}/")


def _is_public(address):
    # Python's versions differ about these two anycast relays, which must not be called.
    relays = ipaddress.ip_network("192.0.0.0/24"), ipaddress.ip_network("192.88.99.0/24")
    return (
        address.is_global
        and not address.is_multicast
        and not any(address in relay for relay in relays)
    )


_GLOBAL_UNICAST = st.integers(min_value=0x2000 << 112, max_value=(0x4000 << 112) - 1)


@given(st.integers(min_value=0, max_value=2**128 - 1) | _GLOBAL_UNICAST)
def test_ipv6_address_that_passes_is_global_to_python_too(number):
    address = ipaddress.IPv6Address(number)
    if not _passes(f"https://[{address}]/"):
        return
    assert address.is_global
    assert not address.is_multicast
    assert address.sixtofour is None
    assert address.teredo is None
    assert address.ipv4_mapped is None


@given(st.text(max_size=60))
def test_any_text_is_accepted_or_refused_without_a_crash(text):
    for url in (text, f"https://{text}", f"https://example.com/{text}"):
        _passes(url)


def _passes(url):
    try:
        check_public_https_url(url)
    except UnsafeUrl:
        return False
    return True


# --- what the sender asks about the address that a name resolved to
# --------------------------------


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2620:4f:8000::1"]
)
def test_public_address_may_be_called(address):
    assert is_public_address(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255"),
        *(
            "::1",
            "::",
            "fe80::1",
            "fe80::1%eth0",
            "fc00::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
        ),
        *(
            "2002:7f00:1::",
            "2001:db8::1",
            "ff02::1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "8.8.8.8 ",
        ),
        *(
            "",
            " ",
            "example.com",
            "localhost",
            "[::1]",
            "8.8.8.8:443",
            "8.8.8.8/32",
            "２.2.2.2",  # noqa: RUF001
            "1.2.3",
            "999.1.1.1",
        ),
    ],
)
def test_non_public_or_invalid_address_may_not_be_called(address):
    assert not is_public_address(address)


@given(st.integers(min_value=0, max_value=2**32 - 1))
def test_address_may_be_called_exactly_if_its_url_is_accepted(number):
    address = str(ipaddress.IPv4Address(number))
    assert is_public_address(address) is _passes(f"https://{address}/")
