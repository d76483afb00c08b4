"""Which numbers can exist, and the notations that are accepted."""

import random

import phonenumbers
import pytest

from numbers.numbering.area_codes import REGIONS, TOLL_FREE
from numbers.numbering.phone_numbers import NotANumber, judge_number, read_number


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
    except NotANumber:
        return None


def test_numbers_agree_with_libphonenumber():
    rng = random.Random(1)
    areas = [*REGIONS, *TOLL_FREE, "555", "999", "211", "123", "950"]
    for _ in range(3_000):
        text = f"{rng.choice(areas)}{rng.randrange(10**7):07}"
        for form in (
            f"+1{text}",
            f"1{text}",
            text,
            f"({text[:3]}) {text[3:6]}-{text[6:]}",
            f"+1 {text}",
        ):
            region = rng.choice(["US", "CA", "GB"])
            assert by_us(form, region) == by_library(form, region), (form, region)


@pytest.mark.parametrize(
    ("text", "region", "number", "number_type"),
    [
        ("14155550123.0", "US", "+14155550123", "local"),
        ("+493012345678.0", "DE", "+493012345678", "local"),
        ("+44 (0)20 7183 8750", "US", "+442071838750", "local"),
        ("+39 (0)6 698 12345", "US", "+390669812345", "local"),
        ("030/1234567", "DE", "+49301234567", "local"),
        ("\u202f+33 1\u202f42\u202f68\u202f53\u202f00", "US", "+33142685300", "local"),
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
def test_number_may_be_written_in_any_form(text, region, number, number_type):
    named = read_number(text, region=region)
    assert (named.number, named.number_type) == (number, number_type)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no number"),
        ("sales", "'sales' is not a phone number"),
        ("1-800-FLOWERS", "is not a phone number"),
        ("4155550123 ext 5", "is not a phone number"),
        ("1.41556E+10", "has lost digits in a spreadsheet: format the column as text"),
        ("415555012", "is an impossible number: too short"),
        ("+141555501234", "is an impossible number: too long"),
        ("5551234567", "is an impossible number: no such number is in service in country code +1"),
        ("+9991234567", "there is no such country code"),
        ("14155550123.00", "has a decimal point: format the column as text"),
        ("-4155550123", "it begins or ends with punctuation"),
        ("415-555-0123-", "it begins or ends with punctuation"),
        ("\uff14\uff11\uff15 555 0123", "is not a phone number"),
        ("+" * 500, "is not a phone number"),
        ("1" * 5_000, "is not a phone number"),
        ("=1+1", "is not a phone number"),
    ],
)
def test_invalid_number_is_refused_with_the_reason(text, reason):
    with pytest.raises(NotANumber) as refusal:
        read_number(text, region="US")
    assert reason in str(refusal.value)
    assert len(str(refusal.value)) < 200


def test_short_codes_are_known_by_their_type_only():
    assert read_number("72345", region="US", number_type="short_code").number == "+72345"
    with pytest.raises(NotANumber, match="a short code needs the number type short_code"):
        read_number("72345", region="US")
    with pytest.raises(NotANumber, match="is not a short code, which has 3 to 6 digits"):
        read_number("4155550123", region="US", number_type="short_code")


def test_type_that_the_area_code_does_not_have_is_refused():
    with pytest.raises(NotANumber, match=r"number type toll_free: \+14155550123 is local"):
        read_number("4155550123", region="US", number_type="toll_free")


@pytest.mark.parametrize(
    "text",
    [
        "+493012345678.25",
        "+49 30 123456 (2)",
        "+49 30 123456/8",
        "030 1234567/1234568",
        "+4903012345678",
        "+54 11 15 1234 5678",
        "4.93012345678E+12",
        "4,93E+12",
        "-4.93E+12",
    ],
)
def test_digits_are_never_added_dropped_or_guessed(text):
    with pytest.raises(NotANumber):
        read_number(text, region="DE")


def test_reading_keeps_every_digit_of_a_number_with_country_code():
    rng = random.Random(2)
    for _ in range(3_000):
        digits = f"{rng.choice(['1415', '4930', '44207', '33142', '3906', '5491', '1671'])}{rng.randrange(10**8):08}"
        written = "+" + "".join(
            rng.choice(["", "", " ", "-", ".", "/", "(", ")"]) + digit for digit in digits
        )
        try:
            named = read_number(written + rng.choice(["", ".0", ".00", " 5", "'"]), region="DE")
        except NotANumber:
            continue
        assert named.number.startswith("+" + digits), written
        assert judge_number(named.number) == named


@pytest.mark.parametrize(
    "text", ["+14150551234", "+999123456", "+4478", "+72345", "4155550123", "+1 415 555 0123", ""]
)
def test_judge_refuses_impossible_numbers(text):
    with pytest.raises(NotANumber):
        judge_number(text)


@pytest.mark.parametrize("text", ["+16715551234", "+18765551234", "+14155550123", "+442071838750"])
def test_judge_accepts_every_possible_number(text):
    assert judge_number(text).number == text


def test_short_code_may_have_lost_its_type_to_a_spreadsheet():
    assert read_number("'72345.0", region="US", number_type="short_code").number == "+72345"
