"""The notations in which people write a number, for pages that look one up.

Ways into the stock use `numbers.numbering.phone_numbers`, which refuses ambiguous forms. Here each
meaning is tried.
"""

import re

from numbers.numbering.e164 import is_e164

LONGEST = 64
# Blanks of any width, hyphens, dots, slashes, parentheses, and marks of direction around them.
_BETWEEN = re.compile(
    r"[\s()\-./\u00a0\u202f\u2010-\u2015\u2212\u200e\u200f\u202a-\u202c\u2066-\u2069]+"
)
_DIGITS = re.compile(r"(\+?)([0-9]{2,17})", re.ASCII)
_INTERNATIONAL = ("011", "00")
_NATIONAL_DIGITS = 10


def meanings_of(text: str) -> list[str]:
    """Return the numbers in E.164 that the text may mean, the likeliest first; [] if it is none.

    Without a plus, ten digits are a North American number first. `00` and `011` are a plus.
    """
    if len(text) > LONGEST:
        return []
    bare = _BETWEEN.sub("", text.strip().removeprefix("tel:").removesuffix(".0"))
    match = _DIGITS.fullmatch(bare)
    if match is None:
        return []
    plus, digits = match.groups()
    found = [f"+{digits}"]
    if not plus:
        found += [f"+{digits.removeprefix(p)}" for p in _INTERNATIONAL if digits.startswith(p)]
        if len(digits) == _NATIONAL_DIGITS:
            found.insert(0, f"+1{digits}")
    return [number for number in dict.fromkeys(found) if is_e164(number)]
