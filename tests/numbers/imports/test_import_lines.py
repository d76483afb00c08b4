"""Reading the cells of an import, and detecting its columns."""

import random

import pytest

from config.errors import ValidationFailed
from numbers.imports.cells import BadCell, read_capabilities, read_price
from numbers.imports.external_sort import SortedSpool
from numbers.imports.layout import Options, detect_layout
from numbers.inventory.pricing import LARGEST_PRICE


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("1", "1.00"),
        ("1.5", "1.50"),
        ("1,25", "1.25"),
        ("007.10", "7.10"),
        ("2.5000", "2.50"),
        ("0,500", "0.50"),
    ],
)
def test_prices_are_read_in_every_form(text, price):
    assert read_price(text) == price


@pytest.mark.parametrize(
    "text", ["-1", "free", "1.234", "$1", "1e3", "NaN", "Infinity", "1,000.00", "٣", "2.5.0"]
)
def test_invalid_price_is_refused(text):
    with pytest.raises(BadCell, match="is not an amount in whole cents"):
        read_price(text)


@pytest.mark.parametrize("text", ["2,500", "1.000", "12,345", "1234.500"])
def test_price_is_refused_where_it_may_be_thousands(text):
    digits = text.replace(",", "").replace(".", "")
    with pytest.raises(BadCell, match=f"write {digits}.00 or "):
        read_price(text)


def test_price_has_the_common_bound():
    assert read_price(str(LARGEST_PRICE)) == str(LARGEST_PRICE)
    with pytest.raises(BadCell, match="is more than"):
        read_price(str(LARGEST_PRICE + 1))


def test_capabilities_are_read_from_a_list():
    assert read_capabilities("SMS, voice") == ("t", "f")
    assert read_capabilities("mms|sms") == ("t", "t")
    assert read_capabilities("none") == ("f", "f")
    with pytest.raises(BadCell, match="capability 'telepathy' is not known"):
        read_capabilities("sms,telepathy")


class TestColumns:
    def test_columns_are_detected_in_any_order_and_spelling(self):
        layout = detect_layout("Carrier;Rate Centre;PHONE-NUMBER;colour;Price", Options())
        assert layout.delimiter == ";"
        assert layout.meanings == ("carrier", "rate_center", "number", None, "price")
        assert layout.ignored == ["colour"]

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_delimiter_is_found_outside_of_quotes(self, delimiter):
        layout = detect_layout(delimiter.join(['"a,b;c,d|e"', "number", "price"]), Options())
        assert layout.names == ("a,b;c,d|e", "number", "price")

    def test_single_column_of_numbers_needs_no_header(self):
        assert detect_layout("+14155550123", Options()).has_header is False

    def test_given_columns_override_detected_ones(self):
        layout = detect_layout("phone,did", Options(mapping={"did": "number", "phone": "ignore"}))
        assert layout.meanings == (None, "number")
        assert detect_layout("phone,did", Options(mapping={"2": "number"})).meanings == (
            None,
            "number",
        )

    @pytest.mark.parametrize(
        ("line", "mapping", "problem"),
        [
            ("a,b", {}, "which column has the numbers?"),
            ("phone,did", {}, "'phone' and 'did' both mean number"),
            ("phone", {"x": "price"}, "there is no column 'x'"),
            ("phone", {"phone": "colour"}, "'colour' is not one of number,"),
            (
                "+14155550123,1.00",
                {},
                "which column has the numbers? COLUMN=number, of 'column 1', 'column 2'",
            ),
        ],
    )
    def test_undetectable_columns_are_asked_for(self, line, mapping, problem):
        with pytest.raises(ValidationFailed) as refusal:
            detect_layout(line, Options(mapping=mapping))
        assert problem in refusal.value.details["map"]


def test_spool_returns_its_lines_sorted_more_than_once():
    lines = [f"{n:05}\udcff\n" for n in range(500)]
    shuffled = lines[:]
    random.Random(1).shuffle(shuffled)
    spool = SortedSpool(in_memory=2)
    for line in shuffled:
        spool.add(line)
    assert list(spool) == list(spool) == lines
    assert len(spool) == 500


@pytest.mark.parametrize(
    ("header", "field", "why"),
    [
        ("number\x0c,price", "file", "has no header line that can be read"),
        ("number\0", "file", "has no header line that can be read"),
        ("number" + ",x" * 500, "file", "has 501 columns: leave out all but 500"),
        ("num\udce9ro,price", "encoding", "save it as UTF-8, or name its encoding"),
    ],
)
def test_meaningless_header_is_refused_with_the_reason(header, field, why):
    with pytest.raises(ValidationFailed) as refused:
        detect_layout(header, Options())
    assert why in refused.value.details[field]
