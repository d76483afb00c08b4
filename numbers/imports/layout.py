"""Map the columns of a file to fields."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from config.db.copy import unguarded
from config.errors import ValidationFailed
from numbers.imports.cells import BadCell
from numbers.imports.records import sniff_delimiter, split_record
from numbers.numbering.phone_numbers import NotANumber, read_number, shown

# The fields that a column may have, and the header names that mean them.
FIELDS = {
    "number": "phone_number phone telephone telephone_number tel did tn msisdn e164 e_164 line_number",
    "number_type": "type kind numbertype line_type phone_number_type",
    "price": "cost rate unit_price amount",
    "monthly_price": "mrc monthly_rate monthly_cost monthly",
    "sms_enabled": "sms sms_capable text",
    "mms_enabled": "mms mms_capable",
    "capabilities": "capability features services",
    "region": "state province state_province region_code state_code",
    "rate_center": "ratecenter rate_centre ratecentre city locality",
    "carrier": "provider operator vendor supplier",
    "sandbox": "test is_sandbox test_number",
}
_MEANING = {
    name: meaning for meaning, names in FIELDS.items() for name in [meaning, *names.split()]
}
UNDECODED = re.compile("[\ufffd\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
MOST_COLUMNS = 500


@dataclass(frozen=True, slots=True)
class Options:
    """How to read a file, and defaults for what it does not state. None: not given."""

    mapping: dict[str, str] = field(default_factory=dict)
    delimiter: str | None = None
    encoding: str | None = None
    has_header: bool | None = None
    region: str = "US"
    price: Decimal | None = None
    monthly_price: Decimal | None = None
    number_type: str | None = None
    sms_enabled: bool | None = None
    mms_enabled: bool | None = None
    carrier: str = ""
    sandbox: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a file: their names, and the field of each (None: ignored)."""

    delimiter: str
    names: tuple[str, ...]
    meanings: tuple[str | None, ...]
    has_header: bool

    @property
    def ignored(self) -> list[str]:
        """Return the ignored columns, except the reasons in a file of rejected lines."""
        pairs = zip(self.names, self.meanings, strict=True)
        return [name for name, meaning in pairs if meaning is None and key_of(name) != "reason"]


def key_of(header: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", header.lower()).strip("_")


def separator_line(text: str) -> str | None:
    """Return the delimiter of a spreadsheet's first line such as `sep=;`, else None."""
    match = re.fullmatch(r"sep=([,;|\t])", text)
    return match[1] if match else None


def detect_layout(first_line: str, options: Options, *, separator: str | None = None) -> Layout:
    """Return the layout by the header line and the operator's mapping.

    Raise ValidationFailed if no column, or more than one, has the numbers.
    """
    layout = _layout(first_line, options, separator, loosely=False)
    if UNDECODED.search(first_line):
        raise ValidationFailed(
            details={
                "encoding": "of the header line is not that of the file: save it as UTF-8, or name its encoding"
            }
        )
    named = [meaning for meaning in layout.meanings if meaning]
    for meaning in named:
        if named.count(meaning) > 1:
            columns = [
                repr(name)
                for name, one in zip(layout.names, layout.meanings, strict=True)
                if one == meaning
            ]
            raise ValidationFailed(
                details={
                    "map": f"{' and '.join(columns)} both mean {meaning}: leave one out with COLUMN=ignore"
                }
            )
    if "number" not in named:
        found = ", ".join(shown(name) for name in layout.names[:20])
        raise ValidationFailed(
            details={"map": f"which column has the numbers? COLUMN=number, of {found}"}
        )
    return layout


def propose_layout(first_line: str, options: Options, *, separator: str | None = None) -> Layout:
    """Return a layout as `detect_layout` does, but accept missing or ambiguous columns.

    The operator assigns them on the import page.
    """
    return _layout(first_line, options, separator, loosely=True)


def _layout(first_line: str, options: Options, separator: str | None, *, loosely: bool) -> Layout:
    if _CONTROL.search(first_line):
        raise ValidationFailed(
            details={"file": "has no header line that can be read: a CSV file is needed"}
        )
    delimiter = options.delimiter or separator or sniff_delimiter(first_line)
    try:
        cells = [unguarded(" ".join(cell.split())) for cell in split_record(first_line, delimiter)]
    except BadCell as problem:
        raise ValidationFailed(details={"file": f"the header line {problem}"}) from None
    if len(cells) > MOST_COLUMNS:
        raise ValidationFailed(
            details={"file": f"has {len(cells):,} columns: leave out all but {MOST_COLUMNS}"}
        )
    has_header = _has_header(cells, options, loosely=loosely)
    names = tuple(cells) if has_header else tuple(f"column {n}" for n in range(1, len(cells) + 1))
    guessed = [_MEANING.get(key_of(name)) for name in names]
    if not has_header:
        # A single column must be the numbers; of several, the operator has to name it.
        guessed = ["number" if len(cells) == 1 else None for _ in cells]
    return Layout(delimiter, names, tuple(_mapped(names, guessed, options.mapping)), has_header)


def _has_header(cells: Sequence[str], options: Options, *, loosely: bool) -> bool:
    """Return whether these cells name columns. A line that may be data is never taken for a header.

    `loosely`: return a guess where it is ambiguous; an operator sees it before anything is
    imported.
    """
    number = next((cell for cell in cells if _is_number(cell, options)), None)
    if options.has_header and number:
        raise ValidationFailed(
            details={"header": f"can't be one with the number {number}: the file has no header"}
        )
    if options.has_header is not None or number:
        return bool(options.has_header)
    may_be_data = any(_may_be_number(cell) for cell in cells)
    if any(_names_column(cell, options) for cell in cells):
        if may_be_data and not loosely:
            raise ValidationFailed(
                details={"header": "may be data in this file: pass --header or --no-header"}
            )
        return True
    if loosely:
        return not may_be_data
    by_place = any(re.fullmatch("#?[0-9]+", column) for column in options.mapping)
    return not (may_be_data or by_place or len(cells) == 1)


def _names_column(cell: str, options: Options) -> bool:
    key = key_of(cell)
    said = {key_of(column) for column in options.mapping if not re.fullmatch("#?[0-9]+", column)}
    return bool(key) and (key in _MEANING or key in said)


def _may_be_number(cell: str) -> bool:
    """Return whether a cell that is not a valid number may have been meant as one."""
    digits = sum(character.isdecimal() for character in cell)
    letters = sum(character.isalpha() for character in cell)
    return digits > 2 and digits >= letters and key_of(cell) not in _MEANING


def _is_number(cell: str, options: Options) -> bool:
    try:
        return bool(read_number(cell, region=options.region, number_type=options.number_type))
    except NotANumber:
        return False


def _mapped(
    names: Sequence[str], guessed: Sequence[str | None], mapping: dict[str, str]
) -> list[str | None]:
    said: dict[int, str | None] = {}
    for column, meaning in mapping.items():
        if meaning not in FIELDS and meaning not in ("", "ignore"):
            raise ValidationFailed(
                details={"map": f"{meaning!r} is not one of {', '.join(FIELDS)}, ignore"}
            )
        said[_position(column, names)] = meaning if meaning in FIELDS else None
    # The operator's mapping takes precedence over detected columns.
    left = [None if meaning in said.values() else meaning for meaning in guessed]
    return [said.get(place, meaning) for place, meaning in enumerate(left)]


def _position(column: str, names: Sequence[str]) -> int:
    keys = [key_of(name) for name in names]
    if re.fullmatch(r"#[0-9]{1,4}", column) and 1 <= int(column[1:]) <= len(names):
        return int(column[1:]) - 1  # a position, whatever the columns are called
    if column in names:
        return names.index(column)
    if key_of(column) and key_of(column) in keys:
        return keys.index(key_of(column))
    if column.isdecimal() and 1 <= int(column) <= len(names):
        return int(column) - 1
    raise ValidationFailed(details={"map": f"there is no column {shown(column)} in the file"})
