"""Draw numbers of the North American Numbering Plan: +1, area code, exchange, line.

Numbers are valid by construction: the area code is in service, and the exchange can be assigned to
a carrier. Sandbox numbers use exchange 555, which no carrier routes, so that they never collide
with live ones.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from numbers.numbering.area_codes import REGIONS, TOLL_FREE

_LINES = 10_000  # of each exchange
_LINE = tuple(f"{line:04d}" for line in range(_LINES))

# Exchanges that belong to no subscriber: services (N11), sandboxes and films (555), feature groups
# (950), plant tests (958, 959), premium information (976).
_RESERVED = {"555", "950", "958", "959", "976"} | {f"{first}11" for first in range(2, 10)}
_LIVE_EXCHANGES = tuple(str(n) for n in range(200, 1000) if str(n) not in _RESERVED)

# 0100 to 0199 are reserved for fiction, so they come first. 1212 is directory assistance and 4334
# is assigned nationally, so they are excluded.
_FICTION = tuple(f"{line:04d}" for line in range(100, 200))
_SANDBOX_LINES = _FICTION + tuple(line for line in _LINE if line not in {*_FICTION, "1212", "4334"})

_EXCHANGE_INDEX = {exchange: index for index, exchange in enumerate(_LIVE_EXCHANGES)}
_SANDBOX_INDEX = {f"555{line}": index for index, line in enumerate(_SANDBOX_LINES)}


class NotInPlan(ValueError):
    """The plan has no such numbers. The message is a sentence for the operator, with the remedy."""


class PlanExhausted(ValueError):
    """An area code holds fewer free numbers than were asked for."""


@dataclass(frozen=True)
class Block:
    """All numbers of one area code, live or sandbox; a number is an index into the block."""

    area_code: str
    sandbox: bool = False

    def __post_init__(self) -> None:
        if self.area_code not in TOLL_FREE and self.area_code not in REGIONS:
            raise NotInPlan(
                f"{self.area_code} is not an area code in service in the US or Canada: choose one "
                "such as 415"
            )
        if self.sandbox and self.area_code == "800":
            # Toll-free numbers 800-555 are in service; in the other toll-free codes 555 is not.
            raise NotInPlan(
                "800 has no test numbers, since 800-555 is in service: choose one such as 888"
            )

    @property
    def number_type(self) -> str:
        return "toll_free" if self.area_code in TOLL_FREE else "local"

    @property
    def region(self) -> str:
        """Return the state or province, such as US-CA; empty for toll-free numbers."""
        return REGIONS.get(self.area_code, "")

    @property
    def capacity(self) -> int:
        return len(_SANDBOX_LINES) if self.sandbox else len(_LIVE_EXCHANGES) * _LINES

    def number(self, index: int) -> str:
        if self.sandbox:
            return f"+1{self.area_code}555{_SANDBOX_LINES[index]}"
        exchange, line = divmod(index, _LINES)
        return f"+1{self.area_code}{_LIVE_EXCHANGES[exchange]}{_LINE[line]}"

    def index(self, number: str) -> int | None:
        """Return the position of the number in the block, or None if it is not in it."""
        if number[:5] != self.prefix:
            return None
        if self.sandbox:
            return _SANDBOX_INDEX.get(number[5:])
        exchange = _EXCHANGE_INDEX.get(number[5:8])
        return None if exchange is None else exchange * _LINES + int(number[8:])

    @property
    def prefix(self) -> str:
        return f"+1{self.area_code}"

    @property
    def _zones(self) -> list[range]:
        """Return the ranges of the block, in the order in which to fill them."""
        if self.sandbox:
            return [range(len(_FICTION)), range(len(_FICTION), self.capacity)]
        return [range(self.capacity)]


def draw(
    block: Block, count: int, *, taken: Iterable[str] = (), random_state: int | None
) -> Iterator[str]:
    """Yield `count` distinct numbers of the block in random order, except the `taken` ones.

    The same `random_state` gives the same numbers for the same taken ones. Raise `PlanExhausted` at
    once if the block has too few. Memory is one byte for each number of the block, at most 8 MB.
    """
    used = bytearray(block.capacity)
    for number in taken:
        if (index := block.index(number)) is not None:
            used[index] = 1
    free = used.count(0)
    if count > free:
        kind = "test numbers" if block.sandbox else "numbers"
        raise PlanExhausted(
            f"area code {block.area_code} has room for {free:,} more {kind}, not {count:,}"
        )
    # With the free count: by `random_state` alone, a second draw would hit every place of the
    # first.
    seed = None if random_state is None else f"{random_state} {block.area_code} {free}"
    return _draw(block, count, used, random.Random(seed))  # noqa: S311  not a secret


def _draw(block: Block, count: int, used: bytearray, rng: random.Random) -> Iterator[str]:
    for zone in block._zones:
        in_zone = min(count, used.count(0, zone.start, zone.stop))
        count -= in_zone
        for _ in range(in_zone):
            index = zone.start + int(rng.random() * len(zone))
            # If the place is used, take the next free one, wrapping around the zone. So a draw is
            # one fast search even if nearly all are used.
            if used[index]:
                index = used.find(0, index, zone.stop)
                if index < 0:
                    index = used.find(0, zone.start, zone.stop)
            used[index] = 1
            yield block.number(index)
