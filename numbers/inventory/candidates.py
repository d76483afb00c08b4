"""Find candidates for a bulk order, dealt so that concurrent buyers meet different ones.

numbers.inventory.search answers searches.

Every number has a random place, ``spread``. A search starts at a place of its own and takes what
follows, so that what two searches show overlaps only where their places are close. The places come
from a sequence with its bits reversed (van der Corput): turn after turn falls into the largest gap
that is left, so that 200 searchers at once stand about as far from each other as they can. Random
places collided in 20 to 60 % of orders of five in one area code; reading in the index's order in 92 %.
"""

from decimal import Decimal
from itertools import product
from typing import Any

from psycopg import sql

from numbers.inventory.criteria import Criteria
from numbers.models.inventory import PhoneNumberType

# Whose turn it is, as a place between 0 and 2^31: the counter's bits in reverse.
TURN = "SELECT reverse((nextval('numbers_search_turn') % 2147483648)::int::bit(31)::text)::bit(31)::int"

# A shelf is a stretch of an index in which every row has the same area code or type and the same
# capabilities, in the order of spread: criteria that are open are tried as several shelves. So each
# combination is a handful of short index scans. The indexes hold every column that is asked about here, so that
# the rows, each on a page of its own, are not read at all: of ten million that was nine tenths of the time.
_COLUMNS = "n.id, n.spread, n.number, n.number_type, n.sms_enabled, n.mms_enabled, n.region, n.price"
# The rule of numbers.inventory.availability in the terms of these indexes, and without an
# organization where nobody buys yet.
_ON_OFFER = """
    n.status IN ('available', 'quarantined')
    AND (n.held_until IS NULL OR n.held_until <= now() OR n.held_for_id = %(held_by)s)
    AND (n.quarantined_until IS NULL OR n.quarantined_until <= now())
"""
_SHELF = f"""
    SELECT {_COLUMNS} FROM numbers_phonenumber n
    WHERE n.sandbox = %(sandbox)s {{by_area}} AND n.number_type = shelf.number_type
      AND n.sms_enabled = shelf.sms AND n.mms_enabled = shelf.mms AND {_ON_OFFER}
      AND n.spread {{side}} %(turn)s {{pattern}}
    ORDER BY n.spread LIMIT %(quantity)s
"""  # noqa: S608  all of it is our own text
_SHELVES = """
    FROM unnest(%(types)s::text[], %(sms)s::bool[], %(mms)s::bool[]) AS shelf (number_type, sms, mms)
    CROSS JOIN LATERAL (SELECT * FROM (({after}) UNION ALL ({before})) AS either LIMIT %(quantity)s) AS one
"""
# Cheap numbers may be rare on a shelf: they are found by its index of prices, of which this reads no more rows.
_PRICED_SHELF = f"""
    SELECT n.id, n.price FROM numbers_phonenumber n
    WHERE n.sandbox = %(sandbox)s {{by_area}} AND n.number_type = shelf.number_type
      AND n.sms_enabled = shelf.sms AND n.mms_enabled = shelf.mms AND {_ON_OFFER}
      AND n.price <= %(max_price)s {{pattern}}
    ORDER BY n.price LIMIT %(quantity)s
"""  # noqa: S608  all of it is our own text
_PRICED = """
    FROM unnest(%(types)s::text[], %(sms)s::bool[], %(mms)s::bool[]) AS shelf (number_type, sms, mms)
    CROSS JOIN LATERAL ({shelf}) AS one
"""
# As far behind the turn as they are on the circle of places.
_NEAREST_TURN = "ORDER BY (one.spread - %(turn)s + 2147483648::bigint) %% 2147483648 LIMIT %(quantity)s"

# Few numbers have so many digits in a row: they are found by the index of patterns, once, and what else is
# asked for is looked at on them. On shelves that index would be read once for each, 24 times. A pattern with
# a + stands at the beginning, where all numbers of an area code have the same five characters.
RARE_DIGITS = 6
_RARE = f"""
    FROM (
        SELECT {_COLUMNS} FROM numbers_phonenumber n
        WHERE n.sandbox = %(sandbox)s {{by_area}} AND n.number_type = ANY(%(types)s::text[])
          AND n.sms_enabled = ANY(%(sms)s::bool[]) AND n.mms_enabled = ANY(%(mms)s::bool[]) AND {_ON_OFFER}
          {{pattern}}
        OFFSET 0
    ) AS one
"""  # noqa: S608


def candidates_from(turn: str, criteria: Criteria, max_price: Decimal | None) -> tuple[str, dict[str, Any]]:
    """Return a query of ids and prices from the place on that ``turn`` is SQL for, and its parameters.

    Left open are the parameters quantity, sandbox, held_by and max_price. With a price it finds the cheapest.
    """
    if max_price is None:
        candidates, parameters = _candidates(criteria)
    else:
        candidates, parameters = _cheapest(criteria)
    return f"SELECT one.id, one.price {candidates}".replace("%(turn)s", turn), parameters


def _candidates(criteria: Criteria) -> tuple[str, dict[str, Any]]:
    """What follows SELECT to get available numbers as ``one``, from the turn on, and the parameters."""
    by_area = "AND n.area_code = %(area_code)s" if criteria.area_code else ""
    pattern = f"AND n.number LIKE {_pattern_literal(criteria.pattern)}" if criteria.pattern else ""
    if _is_rare(criteria.pattern or ""):
        source = _RARE.format(by_area=by_area, pattern=pattern)
    else:
        source = _on_shelves(by_area, pattern)
    return f"{source} {_NEAREST_TURN}", {**_shelves(criteria), "area_code": criteria.area_code}


def _cheapest(criteria: Criteria) -> tuple[str, dict[str, Any]]:
    """As ``_candidates``, at a price of ``max_price`` at most, the cheapest first."""
    by_area = "AND n.area_code = %(area_code)s" if criteria.area_code else ""
    pattern = f"AND n.number LIKE {_pattern_literal(criteria.pattern)}" if criteria.pattern else ""
    if _is_rare(criteria.pattern or ""):
        source = _RARE.format(by_area=by_area, pattern=f"{pattern} AND n.price <= %(max_price)s")
    else:
        source = _PRICED.format(shelf=_PRICED_SHELF.format(by_area=by_area, pattern=pattern))
    parameters = {**_shelves(criteria), "area_code": criteria.area_code}
    return f"{source} ORDER BY one.price LIMIT %(quantity)s", parameters


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
    """The pattern quoted as SQL, not as a parameter.

    PostgreSQL makes one plan for all parameters once a statement has run a few times, and the one for
    common patterns reads whole shelves for a rare one: 600 ms of 300,000 numbers, 10 ms with its own plan.
    """
    return sql.Literal(f"%{_literal(pattern)}%").as_string().replace("%", "%%")


def _literal(pattern: str) -> str:
    return pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
