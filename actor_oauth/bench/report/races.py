"""What a report says of races."""

from collections.abc import Mapping, Sequence

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
    """Say what races came to; the charts are of the first way in which they were run.

    Args:
        reports: Of the races.
        server: What tells their server from others in the report.
    """
    ran = _named([report for report in reports if report.skipped is None])
    blocks: list[Block] = [_outcomes(ran), _facts(ran)]
    skipped = {report.name: report.skipped for report in reports if report.skipped}
    if skipped:
        blocks.append(_not_run(skipped))
    drawn = list(ran.values())
    blocks += _charts([report for report in drawn if _way(report) == _way(drawn[0])])
    problems = [
        f"{name}: {what} ({count} times)"
        for name, report in ran.items()
        for what, count in report.violations.items()
    ]
    return Section(title=f"Races{server}", text=_TEXT, blocks=blocks, problems=problems)


def _way(report: RaceReport) -> tuple[int, float]:
    return report.racers, report.jitter


def _charts(reports: Sequence[RaceReport]) -> list[Block]:
    outcomes = Bars(
        title="Outcomes by kind",
        unit="",
        bars={
            f"{report.name}: {asked}": {k: float(n) for k, n in kinds.items()}
            for report in reports
            for asked, kinds in report.kinds.items()
        },
        are_kinds=True,
    )
    rounds = [
        Timeline(
            title=f"One round of {report.name}",
            spans=[
                Span(mark.label, mark.kind, mark.sent, mark.received)
                for mark in report.timeline
            ],
        )
        for report in reports
    ]
    latencies = {report.name: report.latencies for report in reports}
    return [outcomes, latency_chart(latencies), *rounds]


def _named(reports: Sequence[RaceReport]) -> Mapping[str, RaceReport]:
    """Name each by its race, and by how that was run if it was run in several ways."""
    if len({_way(report) for report in reports}) <= 1:
        return {report.name: report for report in reports}
    return {
        f"{report.name}, {report.racers} racers"
        + (f" within {report.jitter:g} s" if report.jitter else ""): report
        for report in reports
    }


def _outcomes(reports: Mapping[str, RaceReport]) -> Table:
    return Table(
        title="Races",
        columns=["race", "racers", "within", "rounds", "wrong", "p50 ms", "p99 ms"],
        rows=[
            [
                report.name,
                str(report.racers),
                f"{report.jitter:g} s",
                str(report.rounds),
                str(sum(report.violations.values())),
                milliseconds(report.latencies.quantile(0.5)),
                milliseconds(report.latencies.quantile(0.99)),
            ]
            for report in reports.values()
        ],
    )


def _facts(reports: Mapping[str, RaceReport]) -> Table:
    return Table(
        title="What they left behind",
        columns=["race", "what"],
        rows=[
            [name, ", ".join(f"{n:,} {what}" for what, n in report.facts.items())]
            for name, report in reports.items()
        ],
        is_detail=True,
    )


def _not_run(skipped: Mapping[str, str]) -> Table:
    return Table(
        title="Not run",
        columns=["race", "because"],
        rows=[[name, why] for name, why in skipped.items()],
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
