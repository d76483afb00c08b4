"""Hypothesis strategies for the input of programs, attackers and broken proxies."""

import string
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from config import json_text
from tests.support.phone_numbers import NUMBERS

# What has broken parsers, databases and logs of others.
NASTY = [
    *(
        "",
        " ",
        "\x00",
        "a\x00b",
        "\ud800",
        "\udfff",
        "\ufeff",
        "\u202e",
        "\r\nX-Injected: 1",
        "%00",
        "%",
        "%zz",
        "\\",
    ),
    *(
        "null",
        "undefined",
        "NaN",
        "Infinity",
        "-0",
        "1e400",
        "0x10",
        "١٢٣",
        "\uff19",
        "true",
        "[]",
        "{}",
        "__proto__",
    ),
    *(
        "' OR 1=1--",
        '"; DROP TABLE x',
        "{{7*7}}",
        "${jndi:ldap://x}",
        "../../etc/passwd",
        "<script>",
        "%s%n",
        "$1",
    ),
    *(
        "+14152000001",
        "+1415200000\uff11",
        "+1-415-200-0001",
        "tel:+14152000001",
        "+" + "9" * 400,
        "e\u0301",
        "😀" * 70,
    ),
    *(
        "https://example.com/",
        "https://127.1/",
        "https://[::1]/",
        "https://a@b/",
        "//x",
        "https://" + "a" * 3000,
    ),
    *(
        "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01",
        "B5D3C4E27F7E44A18C122BCD9E3F0A01",
        "2027-02-30T12:00:00Z",
    ),
    *(
        "9999-12-31T23:59:59Z",
        "0000-00-00T00:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "numbers:write",
        "atomic",
    ),
]
INTEGERS = [0, 1, -1, 2**31, 2**31 - 1, 2**63, 2**63 - 1, -(2**63), 2**64, 10**30, 10**400]

text = (
    st.sampled_from(NASTY) | st.text(max_size=80) | st.text(alphabet=string.printable, max_size=300)
)
scalar = (
    st.none()
    | st.booleans()
    | st.sampled_from(INTEGERS)
    | st.integers()
    | st.floats(allow_nan=True, allow_infinity=True)
    | text
)
anything = st.recursive(
    scalar,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(text, inner, max_size=5),
    max_leaves=12,
)

FIELDS = [
    *(
        "numbers",
        "inbound_url",
        "status_url",
        "campaign_id",
        "label",
        "quantity",
        "mode",
        "area_code",
        "number_type",
    ),
    *(
        "pattern",
        "sms_enabled",
        "mms_enabled",
        "ttl_seconds",
        "ids",
        "return_to_carrier",
        "scopes",
        "expires_at",
    ),
    *("expires_in_days",),
]
PARAMETERS = [
    *(
        "cursor",
        "limit",
        "search",
        "label",
        "campaign_id",
        "brand_id",
        "number_type",
        "status",
        "identity_status",
    ),
    *("include_revoked", "dry_run", "return_to_carrier"),
]
PATHS = [
    *(
        NUMBERS,
        f"{NUMBERS}/orders",
        f"{NUMBERS}/bulk",
        f"{NUMBERS}/search",
        f"{NUMBERS}/reservations",
    ),
    *("/v1/credit", "/v1/credit/entries", "/v1/api-keys", "/v1/campaigns", "/v1/brands"),
]


def as_json(value: Any) -> bytes:
    """Python's own writer: it writes NaN, lone surrogates and integers of any size, as careless programs do."""
    import json

    return json.dumps(value).encode()


_valid = st.sampled_from(
    [
        {"numbers": ["+14152000001"], "label": "x", "inbound_url": "https://example.com/"},
        {"quantity": 1, "area_code": "415", "mode": "atomic"},
        {"numbers": ["+14152000002"], "ttl_seconds": 60},
        {"ids": ["b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"]},
        {"label": "x", "scopes": ["numbers:read"], "expires_in_days": 1},
        {"campaign_id": "b5d3c4e2-7f7e-44a1-8c12-2bcd9e3f0a01"},
    ]
)


@st.composite
def nearly_valid(draw: Any) -> bytes:
    """Draw a body that would pass except for one or two fields."""
    body = dict(draw(_valid))
    for _ in range(draw(st.integers(1, 2))):
        body[draw(st.sampled_from(FIELDS) | text)] = draw(anything | st.lists(scalar, max_size=120))
    return as_json(body)


@st.composite
def damaged(draw: Any) -> bytes:
    """A body whose bytes were cut off, doubled or changed on their way."""
    body = bytearray(json_text.dump(draw(_valid)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(body)))
        body[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=4))
    return bytes(body)


deep = st.builds(
    lambda depth, opening, closing: opening * depth + closing * depth,
    st.sampled_from([1, 253, 254, 255, 1023, 1024, 1025, 50_000]),
    st.sampled_from([b"[", b'{"numbers":', b'{"label":[']),
    st.sampled_from([b"]", b"}", b"]}", b""]),
)
body = (
    nearly_valid()
    | damaged()
    | deep
    | st.binary(max_size=200)
    | anything.map(as_json)
    | st.just(b"")
)

_header_text = st.text(
    alphabet=st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f")
)
header = (
    st.sampled_from([one for one in NASTY if one.isascii() and one.isprintable()]) | _header_text
)

# Headers with a grammar: nearly right ones reach further into a parser than noise does.
_parameter = st.tuples(
    st.sampled_from(
        ["charset", "boundary", "x", "x*", "x*0", "x*1*", "charset*", "profile", "Charset"]
    ),
    st.sampled_from(["=", "= ", "", "=="]),
    st.sampled_from(
        ["utf-8", "hex", "utf-16", "a'b'c", "utf-8'en'%ff", '"a;b"', '"a', '"\\"', "", "x" * 300]
    ),
).map("".join)
content_type = header | st.tuples(
    st.sampled_from(
        [
            "application/json",
            "multipart/form-data",
            "application/x-www-form-urlencoded",
            "text/json",
            "a/b",
            "a",
            "",
        ]
    ),
    st.lists(_parameter, max_size=4).map(lambda given: "".join(f"; {one}" for one in given)),
).map("".join)
HEADERS = [
    *(
        "Accept",
        "Accept-Encoding",
        "Cookie",
        "Expect",
        "Forwarded",
        "Idempotency-Key",
        "If-Match",
        "If-None-Match",
    ),
    *(
        "If-Modified-Since",
        "Origin",
        "Range",
        "Referer",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Request-Id",
    ),
]
headers = st.dictionaries(st.sampled_from(HEADERS), header, max_size=4)


def in_url(value: str) -> str:
    return quote(value.encode(errors="surrogatepass"), safe="")


query = st.lists(
    st.tuples(st.sampled_from(PARAMETERS) | text, text | st.integers().map(str)),
    min_size=1,
    max_size=4,
).map(lambda pairs: "&".join(f"{in_url(name)}={in_url(value)}" for name, value in pairs))
raw_query = st.text(alphabet=string.printable.replace("#", ""), max_size=100).map(
    lambda given: quote(given, safe="%&=+;")
)
path = st.lists(
    st.sampled_from(
        ["phone-numbers", "orders", "bulk", "api-keys", "..", ".", "rotate", "campaign"]
    )
    | text,
    max_size=5,
).map(lambda parts: "/v1/" + "/".join(in_url(part) for part in parts))
