"""Find alternatives: the nearest available numbers for those that are not."""

from collections.abc import Callable, Sequence
from uuid import UUID

from config.db.pipeline import Rows, Statement, array_text
from numbers.inventory.availability import AVAILABLE
from numbers.numbering.e164 import area_code_of, type_of

# In the order of digits, the numbers with the longest common prefix are next to each other. So a
# few neighbors on either side, in the index of unsold numbers, include the best one: a bounded
# index scan for each number. A number in stock has the type that the stock says, whatever its form.
_SIDE = f"""
    (SELECT n.number FROM numbers_phonenumber n
     WHERE n.number_type = of_type.number_type AND n.number {{side}} wanted.number COLLATE "C"
       AND n.status IN ('available', 'quarantined') AND n.number <> ALL(%(asked)s::text[])
       AND {AVAILABLE}
     ORDER BY n.number {{direction}} LIMIT {{depth}})
"""  # noqa: S608  the rule is our own text
_NEARBY = f"""
    SELECT wanted.number, n.number
    FROM unnest((SELECT %(numbers)s::text[]), %(types)s::text[]) AS wanted (number, number_type)
    CROSS JOIN LATERAL (
        SELECT COALESCE((SELECT known.number_type FROM numbers_phonenumber known
                         WHERE known.number = wanted.number COLLATE "C"),
                         wanted.number_type) AS number_type
    ) AS of_type
    CROSS JOIN LATERAL (
        {_SIDE.format(side=">", direction="", depth="{depth}")}
        UNION ALL {_SIDE.format(side="<", direction="DESC", depth="{depth}")}
    ) AS n
"""  # noqa: S608  made of constants

# Neighbors on either side of each number. If earlier numbers took all of them, read again with one
# for each number, rounded up: few statements, so that PostgreSQL keeps their plans.
_DEPTHS = (4, 20, 100)
USUAL_DEPTH = _DEPTHS[0]


def nearby_statement(
    wanted: Sequence[str], depth: int, *, asked: Sequence[str], organization_id: UUID, sandbox: bool
) -> Statement:
    """Return the statement that finds neighbors of each wanted number, for `nearest_available`."""
    return _NEARBY.format(depth=depth), {
        "numbers": array_text(wanted),
        "types": array_text([type_of(number) for number in wanted]),
        "asked": array_text(asked),
        "organization_id": organization_id,
        "sandbox": sandbox,
    }


def nearest_available(
    wanted: Sequence[str], nearby: Rows, look_again: Callable[[Sequence[str], int], Rows]
) -> dict[str, str]:
    """Return the nearest available number for each wanted one.

    Nearest means: the same type, then the same area code, then the longest common prefix.
    No number is returned twice, and none that was asked for. Numbers without an alternative are
    absent. Nothing is held. `nearby` has the rows of `nearby_statement` at `USUAL_DEPTH`;
    `look_again` reads more if all neighbors on one side are taken.
    """
    around = _by_side(nearby)
    found: dict[str, str] = {}
    given: set[str] = set()
    depth = USUAL_DEPTH
    for position, number in enumerate(wanted):
        sides = around.get(number, ([], []))
        if any(len(side) == depth and given.issuperset(side) for side in sides):
            # Each earlier number has taken at most one.
            depth = next((one for one in _DEPTHS if one >= len(wanted)), len(wanted))
            around = _by_side(look_again(wanted[position:], depth))
            sides = around.get(number, ([], []))
        # On each side, the first free one is the nearest.
        firsts = (next((one for one in side if one not in given), None) for side in sides)
        if candidates := [one for one in firsts if one is not None]:
            found[number] = max(candidates, key=lambda one: _nearness(number, one))
            given.add(found[number])
    return found


def _by_side(nearby: Rows) -> dict[str, tuple[list[str], list[str]]]:
    around: dict[str, tuple[list[str], list[str]]] = {}
    for number, other in nearby:
        around.setdefault(number, ([], []))[other > number].append(other)
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
