"""For numbers that can't be had: the nearest ones that can, so that a retry needs no fresh search."""

from collections.abc import Callable, Sequence
from uuid import UUID

from config.db.array_text import array_text
from config.db.pipeline import Rows, Statement
from numbers.inventory.availability import AVAILABLE
from numbers.numbering.e164 import area_code_of, type_of

# Of all numbers sorted by their digits, those that share the longest prefix with a given one stand
# next to it. So the nearest few on either side, in the index of what is on the shelf, hold the best
# one; a bounded index scan for each number asked for, whatever the size of the stock. What is in stock is
# of the type that the stock says, whatever its form.
_SIDE = f"""
    (SELECT n.number FROM numbers_phonenumber n
     WHERE n.number_type = of_type.number_type AND n.number {{side}} wanted.number COLLATE "C"
       AND n.status IN ('available', 'quarantined') AND n.number <> ALL(%(asked)s::text[]) AND {AVAILABLE}
     ORDER BY n.number {{direction}} LIMIT {{depth}})
"""  # noqa: S608  the rule is our own text
_NEIGHBOURS = f"""
    SELECT wanted.number, n.number
    FROM unnest((SELECT %(numbers)s::text[]), %(types)s::text[]) AS wanted (number, number_type)
    CROSS JOIN LATERAL (
        SELECT COALESCE((SELECT known.number_type FROM numbers_phonenumber known
                         WHERE known.number = wanted.number COLLATE "C"), wanted.number_type) AS number_type
    ) AS of_type
    CROSS JOIN LATERAL (
        {_SIDE.format(side=">", direction="", depth="{depth}")}
        UNION ALL {_SIDE.format(side="<", direction="DESC", depth="{depth}")}
    ) AS n
"""  # noqa: S608  made of constants

# How many on either side, of each number. Where those before it in the list have taken as many, we look again,
# for as many as there are numbers, rounded up: few statements, and none that is planned anew for its LIMIT.
_DEPTHS = (4, 20, 100)
USUAL_DEPTH = _DEPTHS[0]


def neighbours_of(
    wanted: Sequence[str], depth: int, *, asked: Sequence[str], organization_id: UUID, sandbox: bool
) -> Statement:
    """The statement that finds what may stand in for each of ``wanted``: see ``nearest_available``."""
    return _NEIGHBOURS.format(depth=depth), {
        "numbers": array_text(wanted),
        "types": array_text([type_of(number) for number in wanted]),
        "asked": array_text(asked),
        "organization_id": organization_id,
        "sandbox": sandbox,
    }


def nearest_available(
    wanted: Sequence[str], neighbours: Rows, look_again: Callable[[Sequence[str], int], Rows]
) -> dict[str, str]:
    """For each of ``wanted`` the nearest available number: same type, area code, longest common prefix.

    None is given twice and none that was asked for; a number for which nothing of its type is left is
    absent. Nothing is held. ``neighbours`` is what ``neighbours_of`` found with ``USUAL_DEPTH``;
    ``look_again`` finds all that can be needed, where the neighbours of one on some side are all given away.
    """
    around = _by_side(neighbours)
    found: dict[str, str] = {}
    given: set[str] = set()
    depth = USUAL_DEPTH
    for position, number in enumerate(wanted):
        sides = around.get(number, ([], []))
        if any(len(side) == depth and given.issuperset(side) for side in sides):
            # Those before it have taken at most one each.
            depth = next((one for one in _DEPTHS if one >= len(wanted)), len(wanted))
            around = _by_side(look_again(wanted[position:], depth))
            sides = around.get(number, ([], []))
        # On each side no other is nearer than the first, which stands next to the number.
        firsts = (next((one for one in side if one not in given), None) for side in sides)
        if candidates := [one for one in firsts if one is not None]:
            found[number] = max(candidates, key=lambda one: _nearness(number, one))
            given.add(found[number])
    return found


def _by_side(neighbours: Rows) -> dict[str, tuple[list[str], list[str]]]:
    around: dict[str, tuple[list[str], list[str]]] = {}
    for number, neighbour in neighbours:
        around.setdefault(number, ([], []))[neighbour > number].append(neighbour)
    return around


def _nearness(number: str, other: str) -> tuple[bool, int]:
    return (
        area_code_of(number) is not None and area_code_of(number) == area_code_of(other),
        _common_length(number, other),
    )


def _common_length(one: str, other: str) -> int:
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length
