"""The rules of the North American Numbering Plan, and drawing numbers from it."""

import re
import tracemalloc
from itertools import islice

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numbers.numbering.area_codes import REGIONS, TOLL_FREE
from numbers.numbering.nanp import Block, NotInPlan, PlanExhausted, draw

AREA_CODES = sorted(REGIONS) + sorted(TOLL_FREE)
any_block = st.builds(Block, st.sampled_from(AREA_CODES)) | st.builds(
    Block, st.sampled_from([code for code in AREA_CODES if code != "800"]), st.just(True)
)


def test_every_area_code_has_the_form_of_the_plan():
    assert not TOLL_FREE & REGIONS.keys()
    for area_code in AREA_CODES:
        assert re.fullmatch("[2-9][0-8][0-9]", area_code)
        assert area_code[1:] != "11"
    assert {len(region) for region in REGIONS.values()} == {5}
    assert {region[:3] for region in REGIONS.values()} == {"US-", "CA-"}


def test_every_state_and_well_known_codes_are_in_the_table():
    assert (
        len({region for region in REGIONS.values() if region.startswith("US-")}) == 52
    )  # with DC and PR
    known = {
        "212": "US-NY",
        "415": "US-CA",
        "312": "US-IL",
        "305": "US-FL",
        "206": "US-WA",
        "416": "CA-ON",
    }
    assert {code: REGIONS[code] for code in known} == known


@pytest.mark.parametrize(
    "area_code",
    ["000", "111", "555", "900", "999", "710", "671", "41", "4155", "", "４15", "abc"],  # noqa: RUF001
)
def test_area_code_that_is_not_in_service_is_refused_by_name(area_code):
    with pytest.raises(NotInPlan, match=f"{area_code} is not an area code"):
        Block(area_code)


def test_800_has_no_test_numbers_since_its_555_is_in_service():
    with pytest.raises(NotInPlan, match="800-555 is in service"):
        Block("800", sandbox=True)


@pytest.mark.parametrize("area_code", AREA_CODES)
def test_numbers_of_every_area_code_are_valid_and_of_their_type(area_code):
    block = Block(area_code)
    types = {
        "toll_free": [phonenumbers.PhoneNumberType.TOLL_FREE],
        "local": [phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE],
    }[block.number_type]
    for number in draw(block, 20, random_state=7):
        parsed = phonenumbers.parse(number)
        assert phonenumbers.is_valid_number(parsed), number
        assert phonenumbers.number_type(parsed) in types


@given(any_block, st.data())
def test_index_and_number_are_inverse(block, data):
    index = data.draw(st.integers(min_value=0, max_value=block.capacity - 1))
    assert block.index(block.number(index)) == index


@pytest.mark.parametrize(
    "number", ["+12125550100", "+14155550100", "+14159111234", "+14159501234", "+12122345678"]
)
def test_number_outside_the_block_has_no_index(number):
    assert Block("415").index(number) is None


def test_live_area_code_never_holds_reserved_exchanges():
    block = Block("415")
    exchanges = {block.number(index)[5:8] for index in range(0, block.capacity, 10_000)}
    assert len(exchanges) * 10_000 == block.capacity == 7_870_000
    assert not exchanges & {"555", "950", "958", "959", "976", "211", "411", "911"}
    assert all(exchange[0] in "23456789" for exchange in exchanges)


def test_test_numbers_are_fictional_first_and_never_in_service():
    block = Block("415", sandbox=True)
    numbers = list(draw(block, block.capacity, random_state=1))
    assert len(set(numbers)) == block.capacity == 9_998
    assert {number[:8] for number in numbers} == {"+1415555"}
    assert set(numbers[:100]) == {f"+1415555{line:04d}" for line in range(100, 200)}
    assert not {"+14155551212", "+14155554334"} & set(numbers)


@given(any_block, st.integers(), st.integers(min_value=0, max_value=500))
def test_draws_are_distinct_repeatable_and_avoid_taken_numbers(block, random_state, count):
    first = list(draw(block, count, random_state=random_state))
    assert first == list(draw(block, count, random_state=random_state))
    second = list(draw(block, count, taken=first, random_state=random_state))
    assert len({*first, *second}) == 2 * count


def test_random_state_determines_the_numbers_drawn():
    draws = {tuple(draw(Block("212"), 5, random_state=state)) for state in (1, 2, None, None)}
    assert len(draws) == 4


def test_last_free_numbers_are_found_and_one_more_is_refused():
    block = Block("888", sandbox=True)
    everything = list(draw(block, block.capacity, random_state=3))
    assert set(draw(block, 3, taken=everything[3:], random_state=9)) == set(everything[:3])
    with pytest.raises(
        PlanExhausted, match="area code 888 has room for 3 more test numbers, not 4"
    ):
        draw(block, 4, taken=everything[3:], random_state=9)


def test_million_numbers_stream_in_bounded_memory():
    tracemalloc.start()
    numbers = draw(Block("415"), 1_000_000, random_state=0)
    for _ in islice(numbers, 50_000):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 9_000_000
