"""Charts as SVG, made by hand: no library, no script, nothing to load.

A chart is drawn in units of pixels, and scales with the page. Colours are read on white
and on black; kinds of answers always have the same ones.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

from actor_oauth.bench.report.document import Bars, Lines, Span, Timeline

WIDTH: Final = 720
_LEFT: Final = 64
_RIGHT: Final = 16
_TOP: Final = 34
_PLOT_HEIGHT: Final = 240
_BOTTOM: Final = 44
_LEGEND: Final = 18

_PALETTE: Final = (
    "#2563eb", "#d97706", "#059669", "#db2777", "#7c3aed", "#0891b2", "#65a30d",
    "#b91c1c",
)  # fmt: skip
_GOOD: Final = "#059669"
_REFUSED: Final = "#d97706"
_BROKEN: Final = "#dc2626"
_MAX_ROW: Final = 14.0


def colour_of_kind(kind: str) -> str:
    """The colour of a kind of answer: good, refused, or broken."""
    if kind[:1] in ("2", "3"):
        return _GOOD
    return _REFUSED if kind[:1] == "4" else _BROKEN


def _number(value: float) -> str:
    if value == 0:
        return "0"
    magnitude = abs(value)
    if magnitude >= 10_000:
        return f"{value:,.0f}"
    if magnitude >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


class _Canvas:
    def __init__(self, title: str, height: float) -> None:
        self._height = height
        self._parts: list[str] = []
        self._title = title
        self.text(_LEFT, 18, title, weight="600", size=14)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        anchor: str = "start",
        size: int = 11,
        weight: str = "400",
        turned: bool = False,
    ) -> None:
        turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
            f' font-weight="{weight}"{turn}>{escape(text)}</text>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, *, faint: bool) -> None:
        opacity = 0.15 if faint else 0.6
        self._parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
            f' stroke="currentColor" stroke-opacity="{opacity}"/>'
        )

    def box(
        self, x: float, y: float, width: float, height: float, colour: str, hint: str
    ) -> None:
        self._parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.8):.1f}"'
            f' height="{height:.1f}" fill="{colour}">'
            f"<title>{escape(hint)}</title></rect>"
        )

    def curve(self, points: Iterable[tuple[float, float]], colour: str) -> None:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        self._parts.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}"'
            ' stroke-width="1.8" stroke-linejoin="round"/>'
        )

    def legend(self, y: float, entries: Iterable[tuple[str, str]]) -> None:
        x = float(_LEFT)
        for name, colour in entries:
            self.box(x, y - 9, 10, 10, colour, name)
            self.text(x + 14, y, name)
            x += 30 + 6.4 * len(name)

    def svg(self) -> str:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH}'
            f' {self._height:.0f}" role="img" aria-label="{escape(self._title)}"'
            ' font-family="system-ui, sans-serif" fill="currentColor">'
            "<style>svg{color:#1f2937}@media(prefers-color-scheme:dark)"
            "{svg{color:#d1d5db}}</style>" + "".join(self._parts) + "</svg>"
        )


class _Scale:
    """From values to pixels.

    Args:
        values: All that will be shown.
        begin: Pixels of the lowest.
        end: Pixels of the highest.
        log: Whether equal ratios, and not equal differences, get equal room.
    """

    def __init__(
        self, values: Iterable[float], begin: float, end: float, *, log: bool
    ) -> None:
        shown = [value for value in values if value > 0 or not log] or [1.0]
        self._log = log
        self._begin, self._end = begin, end
        self.low, self.high = min(shown), max(shown)
        if not log:
            self.low, self.high = min(0.0, self.low), self.high or 1.0
        elif self.low == self.high:
            self.high *= 10

    def at(self, value: float) -> float:
        if self._log:
            value = max(value, self.low)
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self._begin + share * (self._end - self._begin)

    def ticks(self) -> list[float]:
        if self._log:
            first = math.floor(math.log10(self.low))
            last = math.ceil(math.log10(self.high))
            powers = [10.0**power for power in range(first, last + 1)]
            if len(powers) <= 3:
                powers = [p * m for p in powers for m in (1, 2, 5)]
            return [one for one in powers if self.low <= one <= self.high * 1.0001]
        step = 10.0 ** math.floor(math.log10((self.high - self.low) / 4))
        for factor in (1, 2, 5, 10):
            if (self.high - self.low) / (step * factor) <= 6:
                step *= factor
                break
        return [step * n for n in range(int(self.high / step) + 1)]


def lines(chart: Lines) -> str:
    """Draw curves."""
    bottom = _TOP + _PLOT_HEIGHT
    canvas = _Canvas(chart.title, bottom + _BOTTOM + _LEGEND)
    points = [point for curve in chart.series.values() for point in curve]
    x = _Scale((p[0] for p in points), _LEFT, WIDTH - _RIGHT, log=chart.log_x)
    y = _Scale((p[1] for p in points), bottom, _TOP, log=chart.log_y)
    for tick in x.ticks():
        canvas.line(x.at(tick), _TOP, x.at(tick), bottom, faint=True)
        canvas.text(x.at(tick), bottom + 15, _number(tick), anchor="middle")
    for tick in y.ticks():
        canvas.line(_LEFT, y.at(tick), WIDTH - _RIGHT, y.at(tick), faint=True)
        canvas.text(_LEFT - 6, y.at(tick) + 4, _number(tick), anchor="end")
    canvas.line(_LEFT, bottom, WIDTH - _RIGHT, bottom, faint=False)
    canvas.text(WIDTH - _RIGHT, bottom + 32, chart.x_label, anchor="end")
    canvas.text(14, _TOP, chart.y_label, anchor="end", turned=True)
    colours = _colours(chart.series)
    for name, curve in chart.series.items():
        canvas.curve(((x.at(a), y.at(b)) for a, b in curve), colours[name])
    canvas.legend(bottom + _BOTTOM + 8, colours.items())
    return canvas.svg()


def bars(chart: Bars) -> str:
    """Draw bars, each made of its parts."""
    row = 22
    left = min(260, 20 + int(6.4 * max(map(len, chart.bars), default=0)))
    height = _TOP + row * len(chart.bars) + _LEGEND + 14
    canvas = _Canvas(chart.title, height)
    totals = [sum(parts.values()) for parts in chart.bars.values()]
    scale = _Scale([0.0, *totals], left, WIDTH - 90, log=False)
    names = dict.fromkeys(name for parts in chart.bars.values() for name in parts)
    colours = (
        {name: colour_of_kind(name) for name in names}
        if chart.are_kinds
        else _colours(names)
    )
    for number, (label, parts) in enumerate(chart.bars.items()):
        y, x, total = _TOP + row * number, float(left), 0.0
        canvas.text(left - 6, y + 12, label, anchor="end")
        for name, value in parts.items():
            total += value
            width = scale.at(total) - x
            hint = f"{label}, {name}: {_number(value)} {chart.unit}"
            canvas.box(x, y, width, row - 6, colours[name], hint)
            x += width
        canvas.text(x + 6, y + 12, f"{_number(total)} {chart.unit}")
    canvas.legend(height - 8, colours.items())
    return canvas.svg()


def timeline(chart: Timeline) -> str:
    """Draw requests over time, one below the other."""
    row = min(_MAX_ROW, max(1.5, 360 / max(1, len(chart.spans))))
    bottom = _TOP + row * len(chart.spans)
    canvas = _Canvas(chart.title, bottom + _BOTTOM + _LEGEND)
    ends = [span.end * 1000 for span in chart.spans]
    x = _Scale([0.0, *ends], _LEFT, WIDTH - _RIGHT, log=False)
    for tick in x.ticks():
        canvas.line(x.at(tick), _TOP, x.at(tick), bottom, faint=True)
        canvas.text(x.at(tick), bottom + 15, _number(tick), anchor="middle")
    canvas.text(WIDTH - _RIGHT, bottom + 32, "milliseconds", anchor="end")
    usual = _most_frequent(chart.spans)
    for number, span in enumerate(chart.spans):
        begin, end = x.at(span.begin * 1000), x.at(span.end * 1000)
        y = _TOP + row * number
        hint = (
            f"{span.label}: {span.kind}, {_number(span.begin * 1000)} to"
            f" {_number(span.end * 1000)} ms"
        )
        colour = colour_of_kind(span.kind)
        canvas.box(begin, y, end - begin, max(1.0, row - 1), colour, hint)
        if span.label != usual:
            canvas.text(begin - 4, y + row / 2 + 4, span.label, anchor="end")
    kinds = dict.fromkeys(span.kind for span in chart.spans)
    legend = ((kind, colour_of_kind(kind)) for kind in kinds)
    canvas.legend(bottom + _BOTTOM + 8, legend)
    return canvas.svg()


def _most_frequent(spans: Sequence[Span]) -> str:
    labels = [span.label for span in spans]
    return max(labels, key=labels.count, default="")


def _colours(names: Iterable[str] | Mapping[str, object]) -> dict[str, str]:
    return {name: _PALETTE[number % len(_PALETTE)] for number, name in enumerate(names)}
