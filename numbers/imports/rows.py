"""Read the lines of a file into rows of the stock."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from config.counts import counted
from config.db.copy import unguarded
from numbers.imports import cells as forms
from numbers.imports.cells import BadCell
from numbers.imports.layout import UNDECODED, Layout, Options
from numbers.imports.records import split_record
from numbers.numbering.phone_numbers import Named, NotANumber, read_number

# Fields that their readers do not name in an error.
_UNNAMED = {"sms_enabled", "mms_enabled", "sandbox", "region", "rate_center", "carrier"}
_UNSTATED = r"\N"  # NULL, as COPY writes it
_REMEMBERED = 50_000


class LineReader:
    """Reader for the lines of one file. Values that repeat in a column are parsed once."""

    def __init__(self, layout: Layout, options: Options) -> None:
        self._layout, self._options = layout, options
        self._at = {meaning: place for place, meaning in enumerate(layout.meanings) if meaning}
        self._judged: dict[tuple[str, str], Any] = {}
        self._price = _amount(options.price)
        self._monthly_price = _amount(options.monthly_price)
        self._sms, self._mms = _flag(options.sms_enabled), _flag(options.mms_enabled)
        self._carrier = forms.read_text(options.carrier) or _UNSTATED
        self._sandbox = "t" if options.sandbox else "f"

    def is_blank(self, text: str) -> bool:
        return not text.strip(self._layout.delimiter + ' "\t\r\n')

    def row(self, number: int, text: str) -> str:
        """Return the line as COPY takes it, sortable by number and line.

        Raise BadCell if it is bad.
        """
        cells = self._cells(text)
        kind = self._value(cells, "number_type", forms.read_type, self._options.number_type)
        try:
            named = read_number(
                self._cell(cells, "number"), region=self._options.region, number_type=kind
            )
        except NotANumber as problem:
            raise BadCell(str(problem)) from None
        price = self._value(cells, "price", forms.read_price, self._price)
        monthly_price = self._value(
            cells, "monthly_price", forms.read_monthly_price, self._monthly_price
        )
        sms, mms = self._value(
            cells, "capabilities", forms.read_capabilities, (self._sms, self._mms)
        )
        sms = self._value(cells, "sms_enabled", forms.read_flag, sms)
        mms = self._value(cells, "mms_enabled", forms.read_flag, mms)
        sandbox = self._value(cells, "sandbox", forms.read_flag, self._sandbox)
        region = self._region(cells, named)
        rate_center = self._value(cells, "rate_center", forms.read_text, _UNSTATED)
        carrier = self._value(cells, "carrier", forms.read_text, self._carrier)
        return (
            f"{named.number}\t{number:012}\t{named.number_type}\t{price}\t{monthly_price}\t{sms}\t{mms}\t"
            f"{sandbox}\t{region}\t{named.place}\t{rate_center}\t{carrier}"
        )

    def _cells(self, text: str) -> list[str]:
        if "\0" in text:
            raise BadCell("has a NUL byte")
        if not text.isascii() and UNDECODED.search(text):
            raise BadCell(
                "is not in the encoding of the file: save it as UTF-8, or name its encoding"
            )
        cells = split_record(text, self._layout.delimiter)
        columns = len(self._layout.meanings)
        if len(cells) > columns and not any(cell.strip() for cell in cells[columns:]):
            cells = cells[:columns]
        if len(cells) != columns:
            raise BadCell(f"has {counted(len(cells), 'cell')}, the file has {columns} columns")
        return cells

    def _cell(self, cells: list[str], meaning: str) -> str:
        place = self._at.get(meaning)
        return "" if place is None else cells[place].strip()

    def _region(self, cells: list[str], named: Named) -> str:
        place = self._at.get("region")
        if place is None or not (text := cells[place].strip()):
            return _UNSTATED
        # The meaning depends on the country: CA is California in the United States.
        key = (named.place[:2] or named.number[:2], text)
        judged: str | None = self._judged.get(key)
        if judged is None:
            judged = forms.read_place(unguarded(text), number=named.number, place=named.place)
            if len(self._judged) < _REMEMBERED:
                self._judged[key] = judged
        return judged

    def _value(
        self, cells: list[str], meaning: str, read: Callable[[str], Any], unstated: Any
    ) -> Any:
        place = self._at.get(meaning)
        if place is None or not (text := cells[place].strip()):
            return unstated
        judged = self._judged.get((meaning, text))
        if judged is None:
            try:
                judged = read(unguarded(text))
            except BadCell as problem:
                named = f"{meaning} {problem}" if meaning in _UNNAMED else str(problem)
                raise BadCell(named) from None
            # A column that never repeats is not worth remembering.
            if len(self._judged) < _REMEMBERED:
                self._judged[(meaning, text)] = judged
        return judged


def _amount(value: Decimal | None) -> str:
    return _UNSTATED if value is None else f"{value:.2f}"


def _flag(value: bool | None) -> str:
    return _UNSTATED if value is None else "t" if value else "f"
