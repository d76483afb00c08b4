"""SQL statements of a search, with a bound of what each reads.

A shelf is a range of an index whose rows have the same area code or type and the same capabilities,
ordered by spread. Open criteria are tried as several shelves. The indexes cover every column that
is read here: reading the rows themselves took nine tenths of the time at ten million numbers.

A pattern is common or rare. For a common one, a window of each shelf has enough numbers. A rare one
is looked up in an index of the numbers. Since spread is random, a small window is a sample that
shows whether a pattern is common.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from psycopg import sql

from numbers.inventory.availability import ON_OFFER
from numbers.inventory.criteria import Criteria
from numbers.models.phone_numbers import PhoneNumberType

COLUMNS = (
    *("id", "spread", "number", "number_type", "sms_enabled", "mms_enabled", "region"),
    *("price", "monthly_price"),
)
_SELECTED = ", ".join(f"n.{name}" for name in COLUMNS)
_DISTANCE = "(one.spread - %(turn)s + 2147483648::bigint) %% 2147483648"

# A window of one shelf, from the turn on. The last row of a full window is returned even if it does
# not fit.
_SIDE = f"""
    SELECT * FROM (
        SELECT shelved.*, {{fits}} AS fits, row_number() OVER () AS place FROM (
            SELECT {_SELECTED} FROM numbers_phonenumber n
            WHERE n.sandbox = %(sandbox)s {{by_area}} AND n.number_type = shelf.number_type
              AND n.sms_enabled = shelf.sms AND n.mms_enabled = shelf.mms AND {ON_OFFER}
              AND n.spread {{side}} %(turn)s
            ORDER BY n.spread LIMIT %(window)s
        ) AS shelved
    ) AS placed WHERE fits OR place = %(window)s LIMIT %(quantity)s + 1
"""  # noqa: S608  made of constants
_NEAR = f"""
    WITH looked_at AS MATERIALIZED (
        SELECT one.* FROM unnest(%(types)s::text[], %(sms)s::bool[], %(mms)s::bool[])
            AS shelf (number_type, sms, mms)
        CROSS JOIN LATERAL (
            SELECT * FROM (({{after}}) UNION ALL ({{before}})) AS either LIMIT %(quantity)s + 2
        ) AS one
        LIMIT %(most)s
    )
    SELECT whole.full_windows, {", ".join(f"one.{name}" for name in COLUMNS)}
    FROM (SELECT count(*) FILTER (WHERE place = %(window)s) AS full_windows FROM looked_at) AS whole
    LEFT JOIN (
        SELECT one.* FROM looked_at AS one WHERE one.fits ORDER BY {_DISTANCE} LIMIT %(quantity)s
    ) AS one ON true
"""  # noqa: S608
_LOOKUP = f"""
    SELECT 0, {", ".join(f"one.{name}" for name in COLUMNS)}
    FROM (
        SELECT {_SELECTED} FROM numbers_phonenumber n
        WHERE n.sandbox = %(sandbox)s {{by_area}} AND n.number_type = ANY(%(types)s::text[])
          AND n.sms_enabled = ANY(%(sms)s::bool[]) AND n.mms_enabled = ANY(%(mms)s::bool[])
          AND {ON_OFFER}
          AND {{fits}}
        {{bound}}
    ) AS one
    ORDER BY {_DISTANCE} LIMIT %(quantity)s
"""  # noqa: S608

# Rows of a sample, on either side of the turn in each shelf.
_LEAST_WINDOW, _WINDOW_FOR_EACH = 100, 5
_WIDE_WINDOW = 20_000
# For up to so many digits, an index of trigrams matches too many numbers.
_COMMON_DIGITS = 4
# Reading so many rows of a covering index takes 20 ms, longer than a lookup of four digits.
_WORTH_READING = 60_000
# For a prefix with more numbers, the search considers only the first so many.
_PREFIX_BOUND = 2_000


@dataclass(frozen=True, slots=True)
class Part:
    """Numbers of some types, in one area code or anywhere: a part that one index covers."""

    criteria: Criteria
    types: tuple[str, ...]
    area_code: str | None
    pattern: str | None

    def near(self, quantity: int) -> "Near":
        """Return the first step. Without a pattern every row fits, so it is the only one."""
        if self.pattern is None:
            return Near(self, window=None, most=None)
        return Near(self, window=max(_LEAST_WINDOW, _WINDOW_FOR_EACH * quantity), most=None)

    def wide(self, quantity: int) -> "Near":
        """Return the step that reads shelf after shelf until there are enough numbers."""
        return Near(self, window=_WIDE_WINDOW, most=quantity + 2 * len(self.shelves))

    def is_common(self, quantity: int, *, found: int, rows: int) -> bool:
        """Return whether a wide window is likely to be enough, by the rows of a sample that fit.

        One of them may be there by chance: it alone does not make a rare pattern common.
        """
        share = max(0, found - 1) / rows
        if self.pattern and not self.is_prefix and len(self.pattern) <= _COMMON_DIGITS:
            share = max(
                share, 8 / 10 ** len(self.pattern)
            )  # eight places in a number of eleven digits
        return share * _WORTH_READING >= quantity

    @property
    def is_prefix(self) -> bool:
        return self.pattern is not None and self.pattern.startswith("+")

    @property
    def shelves(self) -> list[tuple[str, bool, bool]]:
        sms, mms = ([True, False] if one is None else [one] for one in self._capabilities)
        return list(product(self.types, sms, mms))

    @property
    def _capabilities(self) -> tuple[bool | None, bool | None]:
        return self.criteria.sms_enabled, self.criteria.mms_enabled

    def fits(self, table: str) -> str:
        """Return the condition on the number.

        It is quoted as SQL instead of a parameter: PostgreSQL uses one plan for all parameters once
        a statement has run a few times, and the plan for common patterns took 600 ms for a rare
        one.
        """
        if self.pattern is None:
            return "true"
        if self.is_prefix:  # a colon sorts after all digits
            first, last = (
                sql.Literal(one).as_string() for one in (self.pattern, f"{self.pattern}:")
            )
            return (
                f'({table}.number >= {first} COLLATE "C" AND {table}.number < {last} COLLATE "C")'
            )
        return (
            f"{table}.number LIKE {sql.Literal(f'%{self.pattern}%').as_string().replace('%', '%%')}"
        )

    def parameters(self, asked: dict[str, Any]) -> dict[str, Any]:
        shelves = self.shelves
        return {
            **asked,
            "area_code": self.area_code,
            "types": [one for one, _, _ in shelves],
            "sms": [one for _, one, _ in shelves],
            "mms": [one for _, _, one in shelves],
        }

    @property
    def by_area(self) -> str:
        return "AND n.area_code = %(area_code)s" if self.area_code else ""


@dataclass(frozen=True, slots=True)
class Near:
    """Read ``window`` rows of each shelf on both sides of the turn, or as many as it takes."""

    part: Part
    window: int | None
    most: int | None

    def statement(self, asked: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        fits, by_area = self.part.fits("shelved"), self.part.by_area
        after, before = (
            _SIDE.format(fits=fits, by_area=by_area, side=side) for side in (">=", "<")
        )
        parameters = {**self.part.parameters(asked), "window": self.window, "most": self.most}
        return _NEAR.format(after=after, before=before), parameters


@dataclass(frozen=True, slots=True)
class Lookup:
    """Read the numbers that the index of prefixes or of trigrams names."""

    part: Part

    def statement(self, asked: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        fits = self.part.fits("n")
        # OFFSET 0: the order of the result must not make the planner read shelves instead.
        bound = (
            f"LIMIT {max(_PREFIX_BOUND, asked['quantity'])}" if self.part.is_prefix else "OFFSET 0"
        )
        statement = _LOOKUP.format(fits=fits, by_area=self.part.by_area, bound=bound)
        return statement, self.part.parameters(asked)


def parts_of(criteria: Criteria) -> Iterator[Part]:
    """Split criteria into parts. A prefix such as +1415 is an area code, except for short codes."""
    types = (criteria.number_type,) if criteria.number_type else tuple(PhoneNumberType.values)
    area_code, pattern = criteria.area_code, None if criteria.pattern == "+" else criteria.pattern
    if (
        pattern
        and not area_code
        and len(pattern) >= len("+1415")
        and pattern.startswith("+1")
        and pattern[2] > "1"
    ):
        if PhoneNumberType.SHORT_CODE in types:
            yield Part(criteria, (PhoneNumberType.SHORT_CODE.value,), None, pattern)
        types = tuple(one for one in types if one != PhoneNumberType.SHORT_CODE)
        area_code = pattern[2:5]
    if pattern and area_code and f"+1{area_code}".startswith(pattern):
        pattern = None
    if types:
        yield Part(criteria, types, area_code, pattern)
