"""What a report says of races."""

from collections.abc import Sequence

from actor_oauth.bench.histogram import Histogram
from actor_oauth.bench.races.outcome import RaceReport
from actor_oauth.bench.report.document import (
    Bars,
    Block,
    Lines,
    Section,
    Span,
    Table,
    Timeline,
)

_TEXT = (
    "Requests of which at most one order is right are let go at once, each on its own"
    " connection. Afterwards everything that was given out is tried."
)


def section_of(reports: Sequence[RaceReport], server: str = "") -> Section:
    """Say what races came to.

    Args:
        reports: Of the races.
        server: What tells their server from others in the report.
    """
    ran = [report for report in reports if report.skipped is None]
    blocks: list[Block] = [_outcomes(ran), _facts(ran)]
    skipped = [report for report in reports if report.skipped is not None]
    if skipped:
        blocks.append(_not_run(skipped))
    blocks.append(
        Bars(
            title="Outcomes by kind",
            unit="",
            bars={
                f"{report.name}: {asked}": {k: float(n) for k, n in kinds.items()}
                for report in ran
                for asked, kinds in report.kinds.items()
            },
            are_kinds=True,
        )
    )
    blocks.append(latency_chart({report.name: report.latencies for report in ran}))
    blocks += [
        Timeline(
            title=f"One round of {report.name}",
            spans=[
                Span(mark.label, mark.kind, mark.sent, mark.received)
                for mark in report.timeline
            ],
        )
        for report in ran
    ]
    problems = [
        f"{report.name}: {what} ({count} times)"
        for report in ran
        for what, count in report.violations.items()
    ]
    return Section(title=f"Races{server}", text=_TEXT, blocks=blocks, problems=problems)


def _outcomes(reports: Sequence[RaceReport]) -> Table:
    return Table(
        title="Races",
        columns=["race", "racers", "rounds", "wrong", "p50 ms", "p99 ms"],
        rows=[
            [
                report.name,
                str(report.racers),
                str(report.rounds),
                str(sum(report.violations.values())),
                milliseconds(report.latencies.quantile(0.5)),
                milliseconds(report.latencies.quantile(0.99)),
            ]
            for report in reports
        ],
    )


def _facts(reports: Sequence[RaceReport]) -> Table:
    return Table(
        title="What they left behind",
        columns=["race", "what", "how many"],
        rows=[
            [report.name, what, str(count)]
            for report in reports
            for what, count in report.facts.items()
        ],
    )


def _not_run(reports: Sequence[RaceReport]) -> Table:
    return Table(
        title="Not run",
        columns=["race", "because"],
        rows=[[report.name, report.skipped or ""] for report in reports],
    )


def latency_chart(latencies: dict[str, Histogram]) -> Lines:
    """Draw how latencies are spread: which share of answers took how long at most."""
    series: dict[str, list[tuple[float, float]]] = {}
    for name, histogram in latencies.items():
        seen, total = 0, histogram.total
        points = series[name] = []
        for seconds, count in histogram.spread():
            seen += count
            points.append((seconds * 1000, 100 * seen / total))
    return Lines(
        title="Latency: share of answers that took at most so long",
        x_label="milliseconds",
        y_label="per cent",
        series=series,
        log_x=True,
    )


def milliseconds(seconds: float) -> str:
    """Give a time as milliseconds."""
    return f"{seconds * 1000:.1f}"
