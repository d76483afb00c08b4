"""JSON on the wire: the same bytes as in earlier releases, and nothing that RFC 8259 forbids."""

import math
from decimal import Decimal
from uuid import UUID

import pytest
from django.utils.safestring import SafeString

from config import json_text
from config.api.envelope import success_body
from config.api.idempotency import read_idempotency_key

ORGANIZATION = UUID("01890000-0000-7000-8000-000000000001")
NUMBER = "+14155550123"

# Fingerprints that the first release remembered. A repeated request must still match its own.
FINGERPRINTS = {
    "57a295b245b54e4cdf410910505d2b1fab3675e1c3481c522764b00fc6e73310": [
        "orders",
        {"numbers": [NUMBER]},
    ],
    "d72aafc0750a378e80146e27d29bae3cbb0b83e0a9f2d7735f71c5bb1017716c": [
        "orders",
        {
            "numbers": [NUMBER, "+14155550124"],
            "label": 'café 😀 \u2028 "/\\\x7f\n',
            "inbound_url": "https://example.com/a?b=1&c=2",
            "campaign_id": None,
        },
    ],
    "1d83c1ee81912cb0c0116f73ebf957205ffd0d51bd9bb35ac812bde6805ef5b9": [
        "bulk",
        {
            "quantity": 50,
            "criteria": {"type": "local", "sms": True, "area_codes": ["415", "628"]},
            "max_price_per_number": "1.50",
        },
    ],
    "2b43ecfd084b8d3bb843fe42b8519af10ff652d3f0ace6d83843a508dbe34a31": [
        "bulk",
        {
            "z": 1.5,
            "é": 1e-7,
            "Z": -0.0,
            "😀": 123456789.123,
            "\uffff": 2**64 - 1,
            "nested": [{"b": 1, "a": {"d": [], "c": {}}}],
        },
    ],
    "53bd93e43449579cb577bedede335778ea9b6b3a5c62befe2ef9335ed38f676f": [
        "reservations",
        {"ttl_seconds": 600, "numbers": [NUMBER]},
    ],
    "e40c16f496073aeda1604be953152e231c5211bd3b3523e5aa4ae9be1e9045ba": [
        "api-keys/rotate",
        "01890000-0000-7000-8000-0000000000aa",
        "01890000-0000-7000-8000-0000000000bb",
    ],
}


class Text(str):
    pass


@pytest.mark.parametrize(("fingerprint", "request_"), FINGERPRINTS.items())
def test_remembered_fingerprints_still_match(fingerprint, request_):
    key = read_idempotency_key("k", organization_id=ORGANIZATION, request=request_)
    assert key is not None
    assert key.fingerprint.hex() == fingerprint


def test_key_order_does_not_change_a_fingerprint():
    one = {"b": [{"d": 1, "c": 2}], "a": 3}
    other = {"a": 3, "b": [{"c": 2, "d": 1}]}
    assert json_text.dump(one, sort_keys=True) == b'{"a":3,"b":[{"c":2,"d":1}]}'
    assert json_text.dump(one, sort_keys=True) == json_text.dump(other, sort_keys=True)


@pytest.mark.parametrize(
    "text",
    [
        *(b"NaN", b"-NaN", b"Infinity", b"-Infinity", b"[1e999]", b"-1e400", b"1E+309"),
        *(b"-" + b"9" * 5000, b"0.0001e00000999", b"1.7976931348623159e308"),
        *(b"01", b"1.", b".5", b"+1", b"-", b"1e", b"0x1", b"nul", b"", b" ", b"{} {}", b"{}\x00"),
        *(b"[1,]", b'{"a":1,}', b"{'a':1}", b"{1:2}", b"// c\n1", b"\x0c1", b"\xc2\xa01"),
        *(rb'"\ud800"', rb'"\udc00"', rb'"\ud800x"', rb'"\x"', rb'"\u12"', b'"abc', b'"\x01"'),
        *(b'"\xff"', b'"\xed\xa0\x80"', b'"\xc0\x80"', b"\xef\xbb\xbf{}", "{}".encode("utf-16")),
        # Python 3.11 reads a thousand levels, 3.15 some tens of thousands.
        *(b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        *(b"[" * 1025, b"[" * 100_000),
        *(
            b"[" * 300 + one + b"]" * 300
            for one in (rb'"\ud800"', b'"\xff"', b"NaN", b"1e999", b",")
        ),
    ],
    ids=lambda text: repr(text[:20]),
)
def test_malformed_text_is_refused(text):
    with pytest.raises(json_text.InvalidJson):
        json_text.load(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"18446744073709551615", 2**64 - 1),
        (b"18446744073709551616", 2**64),
        (b"-9223372036854775808", -(2**63)),
        (b"123456789012345678901234567890.5", 123456789012345678901234567890.5),
        (b"1e-999", 0.0),
        (b"0e999", 0.0),
        (b"1E+2", 100.0),
        (b'{"a":1,"a":2}', {"a": 2}),
        (rb'["\ud83d\ude00", "\u0000", "1e123"]', ["😀", "\0", "1e123"]),
        (b'["1234567890123456789012", 18446744073709551616]', ["1234567890123456789012", 2**64]),
        ('"é"', "é"),
    ],
)
def test_value_is_what_earlier_releases_read(text, value):
    loaded = json_text.load(text)
    assert loaded == value
    assert type(loaded) is type(value)


@pytest.mark.parametrize("levels", [200, 201, 202, 300, 700])
def test_nested_text_is_read(levels):
    document, depth = json_text.load(b"[" * levels + b'"[\\"["' + b"]" * levels), 0
    while isinstance(document, list):
        (document,) = document
        depth += 1
    assert (document, depth) == ('["[', levels)


def test_last_permitted_level_never_raises_a_recursion_error():
    try:
        json_text.load(b"[" * 1024 + b"]" * 1024)
    except json_text.NestedTooDeep as error:  # depends on the Python and on the place of the call
        assert str(error) == "nested too deep"  # noqa: PT017


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            {"b": (1, None), "a": [True, -0.0, 1e-7]},
            b'{"b":[1,null],"a":[true,-0.0,1e-7]}',
        ),
        ([math.nan, math.inf, -math.inf], b"[null,null,null]"),
        (
            'é😀\u2028/"\\\x00\x1f\x7f\n',
            'é😀\u2028/\\"\\\\\\u0000\\u001f\x7f\\n'.encode().join([b'"'] * 2),
        ),
        (ORGANIZATION, b'"01890000-0000-7000-8000-000000000001"'),
    ],
)
def test_bytes_are_those_of_earlier_releases(value, text):
    assert json_text.dump(value) == text


def test_half_of_a_surrogate_pair_is_not_written():
    with pytest.raises(ValueError, match="surrogates not allowed"):
        json_text.dump(["\ud800"])


@pytest.mark.parametrize("amount", ["1.50", "0.00", "-0.05", "1000000.00"])
def test_amount_has_its_decimal_places(amount):
    body = success_body([{"price": Decimal(amount)}], {"total": Decimal(amount)})
    assert body == (
        f'{{"success":true,"data":[{{"price":"{amount}"}}],"meta":{{"total":"{amount}"}}}}'.encode()
    )


@pytest.mark.parametrize("value", [Text("é"), SafeString("é")])
def test_subclass_of_text_is_written_as_text(value):
    assert json_text.dump([value, {value: 1}]) == '["é",{"é":1}]'.encode()


@pytest.mark.parametrize("value", [object(), iter([1])])
def test_unknown_type_is_refused(value):
    with pytest.raises(TypeError, match="has no place in JSON"):
        success_body({"a": [value]})
