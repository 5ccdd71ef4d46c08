"""What a report says of histories, and of servers that are killed."""

from collections.abc import Sequence

from actor_oauth.bench.crash import CrashReport
from actor_oauth.bench.history.judge import HistoryReport, Offence
from actor_oauth.bench.report.document import (
    Bars,
    Block,
    Section,
    Span,
    Table,
    Timeline,
)
from actor_oauth.bench.report.races import latency_chart, milliseconds

_TEXT = (
    "Several clients of each grant refresh, check and revoke at random. Every request is"
    " recorded with the times of sending and answering. A history is right if its requests"
    " can be put into an order, one that respects these times, in which a server that does"
    " one thing after the other would have given the same answers."
)
_CRASH_TEXT = (
    "The same while the server is killed (kill -9) and started again. What was answered"
    " has to hold afterwards; a request that was cut off may have taken effect, or not."
)


def section_of(report: HistoryReport, server: str = "") -> Section:
    """Say what histories came to.

    Args:
        report: Of all of them.
        server: What tells their server from others in the report.
    """
    return Section(
        title=f"Histories{server}",
        text=_TEXT,
        blocks=_blocks(report),
        problems=_problems(report),
    )


def crash_section_of(report: CrashReport, server: str = "") -> Section:
    """Describe the results of killing a server.

    Args:
        report: Of all of it.
        server: What tells the server from others in the report.
    """
    restarts = Table(
        title="Kills",
        columns=["what", "found"],
        rows=[
            ["times killed", str(report.kills)],
            [
                "until it answered again, p50 ms",
                milliseconds(report.restarts.quantile(0.5)),
            ],
            ["the same, slowest", milliseconds(report.restarts.quantile(1.0))],
        ],
    )
    return Section(
        title=f"Killed under load{server}",
        text=_CRASH_TEXT,
        blocks=[restarts, *_blocks(report.histories)],
        problems=_problems(report.histories),
    )


def _blocks(report: HistoryReport) -> Sequence[Block]:
    blocks: list[Block] = [
        _totals(report),
        Bars(
            title="Outcomes",
            unit="",
            bars={
                asked: {kind: float(n) for kind, n in counts.items()}
                for asked, counts in report.outcomes.items()
            },
        ),
        latency_chart({"all requests": report.latencies}),
    ]
    blocks += map(offence_chart, report.offences.values())
    return blocks


def _totals(report: HistoryReport) -> Table:
    figures = {
        "histories": report.grants,
        "requests in them": report.events,
        "begun while another was under way": report.overlapping,
        "never answered": report.unanswered,
        "put off, the server being busy": report.put_off,
        "tokens given out": report.rotations,
        "states that the checker looked at": report.looks,
        "histories that it gave up on": report.undecided,
        "histories that nothing explains": sum(report.anomalies.values()),
    }
    return Table(
        title="Histories",
        columns=["what", "found"],
        rows=[[what, f"{count:,}"] for what, count in figures.items()],
    )


def offence_chart(offence: Offence) -> Timeline:
    """Draw a history that nothing explains."""
    kinds = {"given": "200", "done": "200", "refused": "400", "unknown": "no answer"}
    return Timeline(
        title=f"A history that nothing explains: {offence.anomaly}",
        spans=[
            Span(
                f"{one.what}: {one.outcome}",
                kinds[one.outcome.partition(" ")[0]],
                one.begin,
                one.end,
            )
            for one in offence.history
        ],
    )


def _problems(report: HistoryReport) -> list[str]:
    return [f"{what} ({count} histories)" for what, count in report.anomalies.items()]
