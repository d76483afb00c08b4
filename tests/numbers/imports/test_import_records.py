"""Records of an import: RFC 4180, and every line of a file accounted for."""

import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.db.copy import inert, unguarded
from config.errors import ValidationFailed
from numbers.imports import reader as imports_reader
from numbers.imports import records
from numbers.imports.layout import Options, detect_layout, propose_layout
from numbers.imports.reader import Line, numbered_lines
from numbers.imports.records import DELIMITERS, read_records, split_record
from numbers.imports.rejects import rejected_lines
from numbers.imports.run import Rejection, read_layout

BUSY_MACHINE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
DELIMITER = st.sampled_from(DELIMITERS)
CELL = st.text(st.sampled_from("ab1\" =+'\n,;\t|é"), max_size=6)


def lines_of(text: str) -> list[Line]:
    return list(
        numbered_lines(io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8", newline=""))
    )


def read(text: str, delimiter: str = ",") -> list[Line]:
    return list(read_records(iter(lines_of(text)), delimiter))


@BUSY_MACHINE
@given(
    st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=6),
    DELIMITER,
    st.sampled_from(["\n", "\r\n"]),
)
def test_records_are_those_of_the_csv_module(rows, delimiter, end):
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    found = read(file.getvalue(), delimiter)
    assert [split_record(record.text, delimiter) for record in found] == rows
    assert not any(record.problem for record in found)


@BUSY_MACHINE
@given(st.text(st.sampled_from('a1"" ,\n'), max_size=60))
def test_every_line_belongs_to_one_record(text):
    found = read(text)
    assert "\n".join(record.text for record in found).split("\n") == (
        [line.text for line in lines_of(text)] or [""]
    )
    place = 1
    for record in found:
        assert record.number == place
        place += record.text.count("\n") + 1


@BUSY_MACHINE
@given(st.text(st.sampled_from('a1"" ,\n'), max_size=60))
def test_line_accounting_holds_where_lines_are_too_long(text):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(imports_reader, "LONGEST_LINE", 8)
        patched.setattr(records, "LONGEST_LINE", 8)
        found = read(text)
        assert sum(record.text.count("\n") + 1 for record in found) == len(lines_of(text))


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ('+1,"old:\n+2, ported out"\n+3,x\n', ['+1,"old:\n+2, ported out"', "+3,x"]),
        ('a,5" pipe\nb,c\n', ['a,5" pipe', "b,c"]),
        ('a,"he said ""no\n""",x\nb\n', ['a,"he said ""no\n""",x', "b"]),
    ],
)
def test_quoted_line_break_belongs_to_its_field(text, texts):
    assert [record.text for record in read(text)] == texts


def test_open_quote_in_a_too_long_line_holds_the_rest_back():
    found = read('a,"' + "x" * 20_000 + '\n+14155550101\nend"\n+14155550102\n')
    assert [bool(record.problem) for record in found] == [True, True, True, False]


def layout_of(text: str, **options):
    return read_layout(iter(lines_of(text)), Options(**options))


class TestHeader:
    @pytest.mark.parametrize(
        ("text", "options"),
        [
            ("12345\n67890\n", {"number_type": "short_code", "mapping": {"1": "number"}}),
            ("+1415555012\n+14155550101\n", {"mapping": {"1": "number"}}),
            ("nonsense\n+14155550101\n", {"mapping": {"#1": "number"}}),
            ("+1415555012,2.00\n", {"mapping": {"1": "number", "2": "price"}}),
            ("+14155550101\n", {}),
            ("4.93E+12\n+14155550101\n", {}),
            ("number\n+14155550101\n", {"has_header": False}),
        ],
    )
    def test_ambiguous_line_is_read_as_data(self, text, options):
        layout, rest = layout_of(text, **options)
        assert not layout.has_header
        assert [record.text for record in rest] == text.splitlines()

    @pytest.mark.parametrize(
        ("text", "options"),
        [
            ("number\n1\n", {}),
            ("\ufeffnumber\n1\n", {}),
            ("Rufnummer;Preis\n1;2\n", {"mapping": {"Rufnummer": "number"}}),
            ('"Phone\nnumber",price 2024\n1,2\n', {}),
            ("Rufnummer\n1\n", {"has_header": True, "mapping": {"1": "number"}}),
        ],
    )
    def test_line_with_a_known_name_is_the_header(self, text, options):
        layout, rest = layout_of(text, **options)
        assert layout.has_header
        assert "number" in layout.meanings
        assert len(list(rest)) == 1

    def test_file_is_refused_when_its_header_looks_like_data(self):
        with pytest.raises(ValidationFailed) as refused:
            detect_layout("+1415555012,text", Options(mapping={"1": "number"}))
        assert "pass --header or --no-header" in refused.value.details["header"]
        assert propose_layout("+1415555012,text", Options()).has_header

    def test_header_with_a_number_in_it_is_refused(self):
        with pytest.raises(ValidationFailed) as refused:
            detect_layout("+14155550101", Options(has_header=True))
        assert "has no header" in refused.value.details["header"]


class TestRejectedFile:
    def rewritten(self, *texts: str) -> list[list[str]]:
        layout = detect_layout("number,note", Options())
        rejections = [Rejection(line, "=why", text) for line, text in enumerate(texts, 2)]
        content = b"".join(rejected_lines(layout, rejections)).decode()
        return list(csv.reader(io.StringIO(content, newline=""), strict=True))

    def test_spreadsheet_formula_becomes_text(self):
        assert self.rewritten("=1+1,@x", "+14155550101,-2", '"=cmd" x,"') == [
            ["number", "note", "reason"],
            ["'=1+1", "'@x", "'=why"],
            ["+14155550101", "'-2", "'=why"],
            ['"=cmd" x,"', "'=why"],
        ]

    def test_open_quote_does_not_swallow_the_lines_behind_it(self):
        assert self.rewritten('1,"open', "2,x")[1:] == [['1,"open', "'=why"], ["2", "x", "'=why"]]

    @pytest.mark.parametrize(
        "text",
        ['1,"open\n+14155550101,x\n', '+14155550101,"' + "x" * 20_000 + "\n+14155550102,x\n"],
    )
    def test_rejected_raw_line_is_rejected_again(self, text):
        layout = detect_layout("number,note", Options())
        rejections = [
            Rejection(record.number, record.problem, record.text) for record in read(text)
        ]
        mend = b"".join(rejected_lines(layout, rejections)).decode()
        again = read(mend)[1:]
        assert [len(split_record(record.text, ",")) for record in again] == [2, 2]  # of 3 columns
        assert not any(split_record(record.text, ",")[0].startswith("+") for record in again)


@BUSY_MACHINE
@given(st.text(st.sampled_from("'=+-@\t\r\n1a\uff1d"), min_size=1, max_size=8))
def test_inert_text_is_read_back_unchanged(text):
    assert unguarded(inert(text)) == text
    assert inert(text)[:1] not in set("=+-@\t\r\n\uff1d") or (text[0] == "+" and text[1:].isdigit())
