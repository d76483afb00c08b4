"""What a cell of an import may say, and what a file's columns mean."""

import random

import phonenumbers
import pytest

from config.errors import ValidationFailed
from config.spool import SortedSpool
from numbers.area_codes import REGIONS, TOLL_FREE
from numbers.import_forms import BadCell, read_capabilities, read_number, read_price
from numbers.import_lines import Options, recognise


def by_library(text: str, region: str) -> str | None:
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def by_us(text: str, region: str) -> str | None:
    try:
        return read_number(text, region=region).number
    except BadCell:
        return None


def test_numbers_are_right_where_libphonenumber_says_so():
    rng = random.Random(1)
    areas = [*REGIONS, *TOLL_FREE, "555", "999", "211", "123", "950"]
    for _ in range(3_000):
        text = f"{rng.choice(areas)}{rng.randrange(10**7):07}"
        for form in (f"+1{text}", f"1{text}", text, f"({text[:3]}) {text[3:6]}-{text[6:]}", f"+1 {text}"):
            region = rng.choice(["US", "CA", "GB"])
            assert by_us(form, region) == by_library(form, region), (form, region)


@pytest.mark.parametrize(
    ("text", "region", "number", "number_type"),
    [
        ("(415) 555-0123", "US", "+14155550123", "local"),
        ("415.555.0123", "US", "+14155550123", "local"),
        ("1-888-555-0199", "CA", "+18885550199", "toll_free"),
        ("'+14155550123", "US", "+14155550123", "local"),
        ("020 7183 8750", "GB", "+442071838750", "local"),
        ("0800 1111", "GB", "+448001111", "toll_free"),
        ("+44 20 7183 8750", "US", "+442071838750", "local"),
        ("011 44 20 7183 8750", "US", "+442071838750", "local"),
        ("06 698 12345", "IT", "+390669812345", "local"),
    ],
)
def test_a_number_may_be_written_in_any_form(text, region, number, number_type):
    named = read_number(text, region=region)
    assert (named.number, named.number_type) == (number, number_type)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no number"),
        ("sales", "'sales' is no phone number"),
        ("1-800-FLOWERS", "is no phone number"),
        ("4155550123 ext 5", "is no phone number"),
        ("1.41556E+10", "has lost digits in a spreadsheet: format the column as text"),
        ("415555012", "is an impossible number: too short"),
        ("+141555501234", "is an impossible number: too long"),
        ("5551234567", "is an impossible number: no such number is in service in country code +1"),
        ("+9991234567", "there is no such country code"),
        ("14155550123.0", "is an impossible number"),
        ("\uff14\uff11\uff15 555 0123", "is no phone number"),
        ("+" * 500, "is no phone number"),
        ("1" * 5_000, "is no phone number"),
        ("=1+1", "is no phone number"),
    ],
)
def test_what_is_no_number_is_refused_with_the_reason(text, reason):
    with pytest.raises(BadCell) as refusal:
        read_number(text, region="US")
    assert reason in str(refusal.value)
    assert len(str(refusal.value)) < 200


def test_short_codes_are_known_by_their_type_only():
    assert read_number("72345", region="US", number_type="short_code").number == "+72345"
    with pytest.raises(BadCell, match="a short code needs the number type short_code"):
        read_number("72345", region="US")
    with pytest.raises(BadCell, match="is no short code, which has 3 to 6 digits"):
        read_number("4155550123", region="US", number_type="short_code")


def test_a_type_that_the_area_code_does_not_have_is_refused():
    with pytest.raises(BadCell, match=r"number type toll_free: \+14155550123 is local"):
        read_number("4155550123", region="US", number_type="toll_free")


@pytest.mark.parametrize(
    ("text", "price"), [("1", "1.00"), ("1.5", "1.50"), ("1,25", "1.25"), ("007.10", "7.10"), ("2.5000", "2.50")]
)
def test_prices(text, price):
    assert read_price(text) == price


@pytest.mark.parametrize(
    "text", ["-1", "free", "1.234", "$1", "1e3", "NaN", "Infinity", "99999999999", "1,000.00", "٣"]
)
def test_what_is_no_price(text):
    with pytest.raises(BadCell, match="is not an amount in whole cents"):
        read_price(text)


def test_capabilities_as_a_list():
    assert read_capabilities("SMS, voice") == ("t", "f")
    assert read_capabilities("mms|sms") == ("t", "t")
    assert read_capabilities("none") == ("f", "f")
    with pytest.raises(BadCell, match="capability 'telepathy' is not known"):
        read_capabilities("sms,telepathy")


class TestColumns:
    def test_they_are_known_by_their_header_in_any_order_and_spelling(self):
        layout = recognise("Carrier;Rate Centre;PHONE-NUMBER;colour;Price", Options())
        assert layout.delimiter == ";"
        assert layout.meanings == ("carrier", "rate_center", "number", None, "price")
        assert layout.ignored == ["colour"]

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_the_delimiter_is_found_outside_of_quotes(self, delimiter):
        layout = recognise(delimiter.join(['"a,b;c,d|e"', "number", "price"]), Options())
        assert layout.names == ("a,b;c,d|e", "number", "price")

    def test_a_single_column_of_numbers_needs_no_header(self):
        assert recognise("+14155550123", Options()).has_header is False

    def test_what_was_said_goes_before_what_was_guessed(self):
        layout = recognise("phone,did", Options(mapping={"did": "number", "phone": "ignore"}))
        assert layout.meanings == (None, "number")
        assert recognise("phone,did", Options(mapping={"2": "number"})).meanings == (None, "number")

    @pytest.mark.parametrize(
        ("line", "mapping", "problem"),
        [
            ("a,b", {}, "which column has the numbers?"),
            ("phone,did", {}, "'phone' and 'did' both mean number"),
            ("phone", {"x": "price"}, "there is no column 'x'"),
            ("phone", {"phone": "colour"}, "'colour' is not one of number,"),
            ("+14155550123,1.00", {}, "which column has the numbers? COLUMN=number, of 'column 1', 'column 2'"),
        ],
    )
    def test_what_can_not_be_told_is_asked(self, line, mapping, problem):
        with pytest.raises(ValidationFailed) as refusal:
            recognise(line, Options(mapping=mapping))
        assert problem in refusal.value.details["map"]


def test_a_spool_gives_back_sorted_whatever_it_had_to_put_away_and_again():
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
def test_a_header_that_says_nothing_is_refused_with_the_reason(header, field, why):
    with pytest.raises(ValidationFailed) as refused:
        recognise(header, Options())
    assert why in refused.value.details[field]
