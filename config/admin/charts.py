"""Charts as SVG, drawn on the server without scripts. Every mark links to its rows.

A table behind each chart has the same links for keyboards and screen readers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 720, 160
GAP = 4


@dataclass(frozen=True, slots=True)
class Part:
    """The value of one series at one place. ``label`` is its tooltip and accessible name."""

    series: str
    value: float
    label: str


@dataclass(frozen=True, slots=True)
class Place:
    """A place on the horizontal axis, such as a day."""

    name: str
    address: str
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Mark:
    series: str
    label: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Column:
    address: str
    name: str
    values: str
    x: float
    width: float
    marks: list[Mark]

    @property
    def label(self) -> str:
        return f"{self.name}: {self.values}"


@dataclass(frozen=True, slots=True)
class Columns:
    """Stacked columns side by side, on one scale."""

    top: float
    columns: list[Column]
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def first(self) -> str:
        return self.columns[0].name if self.columns else ""

    @property
    def last(self) -> str:
        return self.columns[-1].name if self.columns else ""

    @property
    def is_empty(self) -> bool:
        """Return whether every value is zero, so that there is nothing to draw."""
        return self.top == 0


def draw_columns(places: Sequence[Place]) -> Columns:
    top = max((sum(part.value for part in place.parts) for place in places), default=0)
    width = WIDTH / max(len(places), 1)
    columns = []
    for position, place in enumerate(places):
        marks, floor = [], float(HEIGHT)
        for part in place.parts:
            height = HEIGHT * part.value / top if top else 0
            floor -= height
            if height:
                marks.append(Mark(part.series, part.label, round(floor, 1), round(height, 1)))
        values = ", ".join(part.label for part in place.parts)
        columns.append(
            Column(
                place.address,
                place.name,
                values,
                round(position * width + GAP / 2, 1),
                round(width - GAP, 1),
                marks,
            )
        )
    return Columns(top, columns)


@dataclass(frozen=True, slots=True)
class Bar:
    """One horizontal bar of up to 100, its parts side by side."""

    parts: list["Stretch"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stretch:
    series: str
    x: float
    width: float


def draw_bar(values: Sequence[tuple[str, float]], whole: float) -> Bar:
    """Draw ``values``, as (series, value), on a scale where ``whole`` is the full width."""
    bar, x = Bar(), 0.0
    for series, value in values:
        width = round(100 * value / whole, 2) if whole else 0
        if width:
            bar.parts.append(Stretch(series, round(x, 2), width))
        x += width
    return bar
