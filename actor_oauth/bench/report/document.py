"""A report before it has a form: sections of tables and charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of text; every column but the first is aligned to the right.

    Attributes:
        title: What it shows.
        columns: Their headings.
        rows: One text for each column.
        is_detail: Whether a page shows it only to readers who open it.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    is_detail: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Curves over a common axis.

    Attributes:
        title: What it shows.
        x_label: Of the horizontal axis.
        y_label: Of the vertical axis.
        series: Points of each curve, from left to right.
        log_x: Whether the horizontal axis is logarithmic.
        log_y: Whether the vertical one is.
    """

    title: str
    x_label: str
    y_label: str
    series: Mapping[str, Sequence[tuple[float, float]]]
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """One bar for each thing, made of parts.

    Attributes:
        title: What it shows.
        unit: Of the numbers.
        bars: The parts of each bar, by what they are.
        are_kinds: Whether the parts are kinds of answers, which have fixed colours.
    """

    title: str
    unit: str
    bars: Mapping[str, Mapping[str, float]]
    are_kinds: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A request on a timeline: what it was, how it was answered, from when to when."""

    label: str
    kind: str
    begin: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Requests over time, one line each; times in seconds.

    Attributes:
        title: What it shows.
        spans: From top to bottom.
    """

    title: str
    spans: Sequence[Span]


Block: TypeAlias = Table | Lines | Bars | Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a report.

    Attributes:
        title: Its heading.
        text: What it is about, in sentences.
        blocks: What was found.
        problems: What is wrong with the results; a run with any has failed. None if
            there is nothing to judge.
    """

    title: str
    text: str
    blocks: Sequence[Block] = ()
    problems: Sequence[str] | None = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that one run found.

    Attributes:
        title: Its heading.
        conditions: Under which it was found, as names and values.
        sections: Its parts.
    """

    title: str
    conditions: Mapping[str, str]
    sections: Sequence[Section] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """Of all sections."""
        return [
            f"{section.title}: {problem}"
            for section in self.sections
            for problem in section.problems or ()
        ]
