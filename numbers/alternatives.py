"""For numbers that can't be had: the nearest ones that can, so that a retry needs no fresh search."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from numbers.availability import AVAILABLE
from numbers.e164 import area_code_of, type_of

# Of all numbers sorted by their digits, those that share the longest prefix with a given one stand
# next to it. So the nearest few on either side, in the index of what is on the shelf, hold the best
# one; a bounded index scan for each number asked for, whatever the size of the stock.
NEIGHBOURS = f"""
    SELECT wanted.number, n.number
    FROM unnest(%(numbers)s::text[], %(types)s::text[]) AS wanted (number, number_type)
    CROSS JOIN LATERAL (
        (SELECT n.number FROM numbers_phonenumber n
         WHERE n.number_type = wanted.number_type AND n.number > wanted.number COLLATE "C"
           AND n.status IN ('available', 'quarantined') AND n.number <> ALL(%(asked)s) AND {AVAILABLE}
         ORDER BY n.number LIMIT %(depth)s)
        UNION ALL
        (SELECT n.number FROM numbers_phonenumber n
         WHERE n.number_type = wanted.number_type AND n.number < wanted.number COLLATE "C"
           AND n.status IN ('available', 'quarantined') AND n.number <> ALL(%(asked)s) AND {AVAILABLE}
         ORDER BY n.number DESC LIMIT %(depth)s)
    ) AS n
"""  # noqa: S608  the rule is our own text

KNOWN_TYPES = "SELECT number, number_type FROM numbers_phonenumber WHERE number = ANY(%s)"


def nearest_available(
    wanted: Sequence[str], *, asked: Sequence[str], organization_id: UUID, sandbox: bool
) -> dict[str, str]:
    """For each of ``wanted`` the nearest available number: same type, area code, longest common prefix.

    None is given twice and none of ``asked``; a number for which nothing of its type is left is
    absent. Nothing is held.
    """
    # Those before it in the list can have taken at most one each: so many neighbours are enough.
    neighbours = _neighbours(wanted, asked=asked, organization_id=organization_id, sandbox=sandbox)
    found: dict[str, str] = {}
    for number in wanted:
        candidates = neighbours.get(number, set()).difference(found.values())
        if candidates:
            found[number] = max(candidates, key=lambda one: _nearness(number, one))
    return found


def _nearness(number: str, other: str) -> tuple[bool, int, str]:
    return (
        area_code_of(number) is not None and area_code_of(number) == area_code_of(other),
        _common_length(number, other),
        other,
    )


def _common_length(one: str, other: str) -> int:
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length


def _types_of(numbers: Sequence[str]) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(KNOWN_TYPES, [list(numbers)])
        known = dict(cursor.fetchall())
    return {number: known.get(number) or type_of(number) for number in numbers}


def _neighbours(
    wanted: Sequence[str], *, asked: Sequence[str], organization_id: UUID, sandbox: bool
) -> dict[str, set[str]]:
    types = _types_of(wanted)
    neighbours: dict[str, set[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            NEIGHBOURS,
            {
                "numbers": list(wanted),
                "types": [types[number] for number in wanted],
                "asked": list(asked),
                "depth": len(wanted),
                "organization_id": organization_id,
                "sandbox": sandbox,
            },
        )
        for number, neighbour in cursor.fetchall():
            neighbours.setdefault(number, set()).add(neighbour)
    return neighbours
