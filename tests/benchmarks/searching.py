"""Measure search at the largest stock: database time for every kind and every combination of criteria."""

import random
import time
from itertools import product
from typing import Any

from django.db import connection

from numbers.inventory.criteria import Criteria
from numbers.inventory.search import search
from numbers.numbering.area_codes import REGIONS
from tests.benchmarks import server
from tests.benchmarks.load import percentile
from tests.benchmarks.report import Report
from tests.benchmarks.world import World, leave, use_database

SEARCHES = 120
NARROWED, RARE, NO_MATCH = "narrowed", "rare_pattern", "no_match"
TYPES = ("local", "toll_free", "short_code")


# Every length of pattern, as digits and as a prefix; digits that trigrams can't distinguish;
# digits that stand in each number of an area code; and patterns without a match.
PATTERNS = (
    *(
        None,
        "5",
        "55",
        "823",
        "415",
        "555",
        "8234",
        "1415",
        "9999",
        "82341",
        "99999",
        "823415",
        "8234156",
        "01234567",
    ),
    *(
        "+",
        "+1",
        "+12",
        "+121",
        "+1213",
        "+12135",
        "+121355",
        "+1213555",
        "+12135550",
        "+1213555019",
        "+44",
        "+999",
    ),
)
COMBINATIONS = [
    criteria
    for values in product(
        (None, "213", "907", "888"),
        (None, *TYPES),
        PATTERNS,
        (None, True, False),
        (None, True, False),
    )
    if not (criteria := Criteria(*values)).contradiction
]
COMBINED_QUANTITIES = (1, 10, 100)


def measure_search(report: Report, world: World) -> None:
    chance = random.Random(0)
    use_database(world.template)
    server.checkpoint()
    for kind in (NARROWED, RARE, NO_MATCH):
        times = []
        for number in range(SEARCHES):
            criteria = _criteria(kind, world, chance)
            times.append(_database_ms(criteria, quantity=(10, 100)[number % 2]))
        times = times[len(times) // 6 :]  # the first ones plan, and read pages that then stay
        report.figure(f"search_{kind}_p50_ms", round(percentile(times, 0.5), 3))
        report.ratio(f"search_{kind}_p99_ms", round(percentile(times, 0.99), 3))
    measure_combinations(report)
    leave()


def measure_combinations(report: Report) -> None:
    """Measure each combination at each quantity, the second time it is asked."""
    times = []
    for criteria, quantity in product(COMBINATIONS, COMBINED_QUANTITIES):
        _database_ms(criteria, quantity=quantity)  # reads pages that then stay
        times.append((_database_ms(criteria, quantity=quantity), quantity, criteria))
    spent = [one for one, _, _ in times]
    report.figure("search_combinations", len(times))
    report.figure("search_combinations_p50_ms", round(percentile(spent, 0.5), 3))
    report.ratio("search_combinations_p99_ms", round(percentile(spent, 0.99), 3))
    slowest = sorted(times, key=lambda one: -one[0])[:5]
    rows = [
        [f"{one:.1f}", str(quantity), str(criteria.as_json())]
        for one, quantity, criteria in slowest
    ]
    report.table("Slowest searches, ms", ["ms", "quantity", "criteria"], rows)


def _criteria(kind: str, world: World, chance: random.Random) -> Criteria:
    """An area code, a type or a pattern of two digits narrows; seven digits hardly ever match."""
    if kind == RARE:
        return Criteria(pattern=chance.choice(world.numbers)[5:])
    if kind == NO_MATCH:
        return Criteria(
            pattern=f"0{chance.randrange(10**6):06}0"
        )  # no subscriber number begins with 0
    codes, types, patterns = [*REGIONS, None], ["local", "toll_free", None], ["55", "7", None]
    options = list(
        product(
            (chance.choice(codes), None), types, patterns, (True, False, None), (True, False, None)
        )
    )
    while True:
        area_code, number_type, pattern, sms, mms = chance.choice(options)
        if area_code or number_type or pattern:
            return Criteria(area_code, number_type, pattern, sms, mms)


def _database_ms(criteria: Criteria, *, quantity: int) -> float:
    """Of all statements of one search, as its client sees them."""
    spent = 0.0

    def timed(execute: Any, statement: str, parameters: Any, many: bool, context: Any) -> Any:
        nonlocal spent
        began = time.perf_counter()
        result = execute(statement, parameters, many, context)
        spent += time.perf_counter() - began
        return result

    with connection.execute_wrapper(timed):
        search(criteria, quantity=quantity, sandbox=False)
    return spent * 1000
