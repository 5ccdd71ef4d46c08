"""A scatter plot as SVG: points and lines, in words that a diff can show."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 430
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 40, 60
COLOURS = (
    "#0b6e99",
    "#c2410c",
    "#65a30d",
    "#7e22ce",
    "#dc2626",
    "#1e293b",
    "#14b8a6",
    "#eab308",
    "#94a3b8",
)


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One direction of a plot.

    Attributes:
        title: What is on it.
        ticks: Where it is marked; the first and the last are its ends.
        is_log: Whether equal factors are equally far apart.
    """

    title: str
    ticks: Sequence[float]
    is_log: bool = False

    def share(self, value: float) -> float:
        """How far along the axis a value is, from 0 to 1."""
        first, last = self.ticks[0], self.ticks[-1]
        value = min(max(value, first), last)
        if self.is_log:
            return math.log(value / first) / math.log(last / first)
        return (value - first) / (last - first)


@dataclass(frozen=True, kw_only=True)
class Point:
    """A point of a plot, and the few words beside it."""

    x: float
    y: float
    label: str = ""


def scatter(title: str, x: Axis, y: Axis, lines: Mapping[str, Sequence[Point]]) -> str:
    """Draw points, those of one name joined by a line."""
    tall = HEIGHT + 18 * len(lines)
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {tall}"'
    parts = [
        svg + ' font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>',
        *_frame(x, y),
    ]
    for number, (name, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        # Later ones are smaller, so that what lies below them shows as a ring.
        radius = 8 - 0.6 * number
        parts += _line(points, x, y, colour, radius)
        at = HEIGHT + 18 * number
        parts.append(f'<circle cx="{LEFT + 6}" cy="{at - 4}" r="4" fill="{colour}"/>')
        parts.append(f'<text x="{LEFT + 18}" y="{at}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _frame(x: Axis, y: Axis) -> list[str]:
    parts = []
    bottom, left = HEIGHT - BOTTOM, LEFT
    for tick in x.ticks:
        at = _across(x, tick)
        parts.append(
            f'<path d="M{at:.1f} {TOP}V{bottom}" stroke="#e2e8f0"/>'
            f'<text x="{at:.1f}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>'
        )
    for tick in y.ticks:
        at = _down(y, tick)
        parts.append(
            f'<path d="M{left} {at:.1f}H{WIDTH - RIGHT}" stroke="#e2e8f0"/>'
            f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end">{tick:g}</text>'
        )
    middle = (left + WIDTH - RIGHT) / 2
    parts.append(
        f'<text x="{middle}" y="{bottom + 38}" text-anchor="middle">'
        f"{escape(x.title)}</text>"
    )
    middle = (TOP + bottom) / 2
    parts.append(
        f'<text transform="translate(18 {middle}) rotate(-90)" text-anchor="middle">'
        f"{escape(y.title)}</text>"
    )
    return parts


def _line(
    points: Sequence[Point], x: Axis, y: Axis, colour: str, radius: float
) -> list[str]:
    places = [(_across(x, point.x), _down(y, point.y)) for point in points]
    parts = []
    if len(places) > 1:
        path = " L".join(f"{across:.1f} {down:.1f}" for across, down in places)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}"/>')
    for point, (across, down) in zip(points, places, strict=True):
        parts.append(
            f'<circle cx="{across:.1f}" cy="{down:.1f}" r="{radius:.1f}"'
            f' fill="{colour}"/>'
        )
        if point.label:
            parts.append(
                f'<text transform="translate({across:.1f} {down - 12:.1f})'
                f' rotate(-60)" fill="{colour}">{escape(point.label)}</text>'
            )
    return parts


def _across(x: Axis, value: float) -> float:
    return LEFT + x.share(value) * (WIDTH - LEFT - RIGHT)


def _down(y: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - y.share(value) * (HEIGHT - TOP - BOTTOM)
