"""The three pictures of docs/speed.md, drawn as SVG without a library: each with the ceiling in it."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from tests.benchmarks import BUILD_DIR
from tests.benchmarks.report import Report, value_of

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 48, 50
COLOURS = {"desk": "#0b6bcb", "fastapi": "#0e8a5f", "ceiling": "#9a5b00"}
TITLES = {"desk": "Numberdesk", "fastapi": "FastAPI + asyncpg", "ceiling": "the ceiling"}

Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Plot:
    title: str
    x_name: str
    y_name: str
    # The name of the figures after their contestant's, with * where the x stands.
    figures: str


def draw(report: Report) -> None:
    """Write those of build/bench-*.svg that this run has measured."""
    plots = {
        "clients": Plot(
            "Orders of 10 a second, by clients", "clients", "orders/s", "orders_10_clients_*_rate"
        ),
        "stock": Plot(
            "Latency of an order of 10, by stock",
            "numbers in stock",
            "ms",
            "orders_10_stock_*_p50_ms",
        ),
        "size": Plot(
            "Latency of an order, by its size", "numbers ordered", "ms", "orders_*_clients_8_p50_ms"
        ),
    }
    for name, plot in plots.items():
        lines = _points(report, plot.figures)
        if any(len(points) > 1 for points in lines.values()):
            (BUILD_DIR / f"bench-{name}.svg").write_text(_svg(plot, lines))


def _points(report: Report, figures: str) -> dict[str, Points]:
    pattern = re.compile(rf"(\w+?)_{figures.replace('*', '([0-9]+)')}")
    lines: dict[str, Points] = {who: [] for who in COLOURS}
    for name, value in report.figures.items():
        match = pattern.fullmatch(name)
        if match and match[1] in lines:
            lines[match[1]].append((float(match[2]), value_of(value)))
    return {who: sorted(points) for who, points in lines.items()}


def _svg(plot: Plot, lines: dict[str, Points]) -> str:
    """Both axes logarithmic: what doubles is the same step everywhere."""
    xs = [x for points in lines.values() for x, _ in points]
    ys = [y for points in lines.values() for _, y in points]
    across = _scale(min(xs), max(xs), LEFT, WIDTH - RIGHT)
    up = _scale(min(ys) / 1.3, max(ys) * 1.3, HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="#333">',
        f"<title>{escape(plot.title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-size="14" font-weight="600">{escape(plot.title)}</text>',
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(plot.x_name)}</text>',
        f'<text x="12" y="{TOP - 10}">{escape(plot.y_name)}</text>',
    ]
    for x in sorted(set(xs)):
        parts.append(
            f'<text x="{across(x):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{_short(x)}</text>'
        )
    for y in _ticks(min(ys), max(ys)):
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(y):.1f}" y2="{up(y):.1f}" stroke="#ddd"/>'
        )
        parts.append(
            f'<text x="{LEFT - 8}" y="{up(y) + 4:.1f}" text-anchor="end">{_short(y)}</text>'
        )
    for place, (who, points) in enumerate(lines.items()):
        parts += _line(who, points, place, across, up)
    return "\n".join([*parts, "</svg>\n"])


def _line(
    who: str,
    points: Points,
    place: int,
    across: Callable[[float], float],
    up: Callable[[float], float],
) -> list[str]:
    if not points:
        return []
    colour = COLOURS[who]
    path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
    legend = LEFT + 180 * place
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *(
            f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3" fill="{colour}"/>'
            for x, y in points
        ),
        f'<rect x="{legend + 60}" y="30" width="10" height="10" fill="{colour}"/>',
        f'<text x="{legend + 75}" y="39">{TITLES[who]}</text>',
    ]


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    span = math.log(high / low) or 1.0
    return lambda value: start + (end - start) * math.log(value / low) / span


def _ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 of every power of ten between them."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = [step * 10.0**power for power in powers for step in (1, 2, 5)]
    return [step for step in steps if low / 1.3 <= step <= high * 1.3]


def _short(value: float) -> str:
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
