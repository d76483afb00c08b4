"""Find candidates for a bulk order, from a different position for each, as a search does.

numbers.inventory.search explains the positions, and has the statements of searches.
"""

from decimal import Decimal
from itertools import product
from typing import Any

from psycopg import sql

from numbers.inventory.availability import ON_OFFER_TO_BUYER
from numbers.inventory.criteria import Criteria
from numbers.models.phone_numbers import PhoneNumberType

# The next start position, from 0 to 2^31. Each is the golden section of the circle further on than
# the last, so that positions in a row are nearly as far apart as they can be, however many.
TURN = "SELECT ((nextval('numbers_search_turn') % 2147483648) * 1327217885 % 2147483648)::int"

# A shelf is a range of an index whose rows have the same area code or type and the same
# capabilities, ordered by spread. Open criteria are tried as several shelves. The indexes cover
# every column that is read here: reading the rows themselves took nine tenths of the time at ten
# million numbers.
_COLUMNS = (
    "n.id, n.spread, n.number, n.number_type, n.sms_enabled, n.mms_enabled, n.region, "
    "n.price + n.monthly_price AS cost"
)
_SHELF = f"""
    SELECT {_COLUMNS} FROM numbers_phonenumber n
    WHERE n.sandbox = %(sandbox)s {{by_area}} AND n.number_type = shelf.number_type
      AND n.sms_enabled = shelf.sms AND n.mms_enabled = shelf.mms AND {ON_OFFER_TO_BUYER}
      AND n.spread {{side}} %(turn)s {{pattern}}
    ORDER BY n.spread LIMIT %(quantity)s
"""  # noqa: S608  all of it is our own text
_SHELVES = """
    FROM unnest(%(types)s::text[], %(sms)s::bool[], %(mms)s::bool[])
        AS shelf (number_type, sms, mms)
    CROSS JOIN LATERAL (SELECT * FROM (({after}) UNION ALL ({before})) AS either LIMIT %(quantity)s)
        AS one
"""
# Cheap numbers may be rare on a shelf: find them by the index of prices, and read no more of it.
# The highest price bounds all that a sale charges. The first comparison is the index's range.
_PRICED_SHELF = f"""
    SELECT n.id, n.price + n.monthly_price AS cost FROM numbers_phonenumber n
    WHERE n.sandbox = %(sandbox)s {{by_area}} AND n.number_type = shelf.number_type
      AND n.sms_enabled = shelf.sms AND n.mms_enabled = shelf.mms AND {ON_OFFER_TO_BUYER}
      AND n.price <= %(max_price)s AND n.price + n.monthly_price <= %(max_price)s {{pattern}}
    ORDER BY n.price LIMIT %(quantity)s
"""  # noqa: S608  all of it is our own text
_PRICED = """
    FROM unnest(%(types)s::text[], %(sms)s::bool[], %(mms)s::bool[])
        AS shelf (number_type, sms, mms)
    CROSS JOIN LATERAL ({shelf}) AS one
"""
# By the distance from the start position, around the circle of positions.
_NEAREST_TURN = (
    "ORDER BY (one.spread - %(turn)s + 2147483648::bigint) %% 2147483648 LIMIT %(quantity)s"
)

# Few numbers have so many digits in a row: find them once by the index of patterns, then filter. On
# shelves that index would be read 24 times. A pattern with a + is at the beginning, where all
# numbers of an area code have the same five characters.
RARE_DIGITS = 6
_RARE = f"""
    FROM (
        SELECT {_COLUMNS} FROM numbers_phonenumber n
        WHERE n.sandbox = %(sandbox)s {{by_area}} AND n.number_type = ANY(%(types)s::text[])
          AND n.sms_enabled = ANY(%(sms)s::bool[]) AND n.mms_enabled = ANY(%(mms)s::bool[])
          AND {ON_OFFER_TO_BUYER}
          {{pattern}}
        OFFSET 0
    ) AS one
"""  # noqa: S608


def candidates_from(
    turn: str, criteria: Criteria, max_price: Decimal | None
) -> tuple[str, dict[str, Any]]:
    """Return a query of ids and costs that starts at `turn` (SQL), and its parameters.

    The caller adds the parameters quantity, sandbox, held_by and max_price. With a price it finds
    the cheapest numbers.
    """
    if max_price is None:
        candidates, parameters = _candidates(criteria)
    else:
        candidates, parameters = _cheapest(criteria)
    return f"SELECT one.id, one.cost {candidates}".replace("%(turn)s", turn), parameters


def _candidates(criteria: Criteria) -> tuple[str, dict[str, Any]]:
    """Return the FROM clause of available numbers from the turn on, and its parameters."""
    by_area = "AND n.area_code = %(area_code)s" if criteria.area_code else ""
    pattern = f"AND n.number LIKE {_pattern_literal(criteria.pattern)}" if criteria.pattern else ""
    if _is_rare(criteria.pattern or ""):
        source = _RARE.format(by_area=by_area, pattern=pattern)
    else:
        source = _on_shelves(by_area, pattern)
    return f"{source} {_NEAREST_TURN}", {**_shelves(criteria), "area_code": criteria.area_code}


def _cheapest(criteria: Criteria) -> tuple[str, dict[str, Any]]:
    """Return like `_candidates`, up to a price of `max_price`, the cheapest first."""
    by_area = "AND n.area_code = %(area_code)s" if criteria.area_code else ""
    pattern = f"AND n.number LIKE {_pattern_literal(criteria.pattern)}" if criteria.pattern else ""
    if _is_rare(criteria.pattern or ""):
        pattern = f"{pattern} AND n.price + n.monthly_price <= %(max_price)s"
        source = _RARE.format(by_area=by_area, pattern=pattern)
    else:
        source = _PRICED.format(shelf=_PRICED_SHELF.format(by_area=by_area, pattern=pattern))
    parameters = {**_shelves(criteria), "area_code": criteria.area_code}
    return f"{source} ORDER BY one.cost LIMIT %(quantity)s", parameters


def _is_rare(pattern: str) -> bool:
    return len(pattern) >= RARE_DIGITS + (5 if pattern.startswith("+") else 0)


def _on_shelves(by_area: str, pattern: str) -> str:
    after = _SHELF.format(by_area=by_area, side=">=", pattern=pattern)
    before = _SHELF.format(by_area=by_area, side="<", pattern=pattern)
    return _SHELVES.format(after=after, before=before)


def _shelves(criteria: Criteria) -> dict[str, list[Any]]:
    types = [criteria.number_type] if criteria.number_type else PhoneNumberType.values
    sms = [True, False] if criteria.sms_enabled is None else [criteria.sms_enabled]
    mms = [True, False] if criteria.mms_enabled is None else [criteria.mms_enabled]
    combinations = list(product(types, sms, mms))
    return {
        "types": [one for one, _, _ in combinations],
        "sms": [one for _, one, _ in combinations],
        "mms": [one for _, _, one in combinations],
    }


def _pattern_literal(pattern: str) -> str:
    """Quote the pattern as SQL instead of a parameter.

    PostgreSQL uses one plan for all parameters once a statement has run a few times. The plan for
    common patterns takes 600 ms for a rare one among 300,000 numbers; its own plan takes 10 ms.
    """
    return sql.Literal(f"%{_literal(pattern)}%").as_string().replace("%", "%%")


def _literal(pattern: str) -> str:
    return pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
