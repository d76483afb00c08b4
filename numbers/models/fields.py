"""Fields that operators write, and the rules that imports share with the admin's forms."""

from typing import Any

from config.api.parse_values import is_text
from config.db.fields import JudgedText
from numbers.numbering.area_codes import REGIONS
from numbers.numbering.regions import read_region

LONGEST_TEXT = 64
ACTOR = r"^(key|operator|command|system):."


def read_line(text: str) -> str:
    """Return text of one line. Raise ValueError with the reason if it is not valid."""
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"has {len(text)} characters, {LONGEST_TEXT} at most")
    if not is_text(text, longest=LONGEST_TEXT):
        raise ValueError("has control characters")
    return text


class LineField(JudgedText):
    """One line of text, which may be empty."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"max_length": LONGEST_TEXT, **options})

    def judge(self, text: str, row: Any) -> str:
        return read_line(text.strip())


class RegionField(LineField):
    """The region of a number, in one form."""

    def judge(self, text: str, row: Any) -> str:
        line = super().judge(text, row)
        return (
            read_region(line, number=row.number, place=REGIONS.get(row.area_code or "", ""))
            if line
            else ""
        )
