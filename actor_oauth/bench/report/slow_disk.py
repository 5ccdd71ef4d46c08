"""What a report says of slow disks."""

from collections.abc import Sequence

from actor_oauth.bench.report.document import Section, Table
from actor_oauth.bench.report.races import latency_chart, milliseconds
from actor_oauth.bench.slow_disk import SlowDiskFigure

_TEXT = (
    "Refreshes, each of a user of its own, while every sync of the server's process takes"
    " so much longer. Lag is how late a task is that sleeps for a millisecond: what every"
    " other connection feels."
)


def section_of(figures: Sequence[SlowDiskFigure]) -> Section:
    """Say what was reached."""
    fast = figures[0].per_second or 1.0
    rows = [
        [
            f"{one.delay:g} ms",
            str(one.connections),
            f"{one.per_second:,.0f}",
            f"{one.per_second / fast:.2f}",
            milliseconds(one.result.latencies.quantile(0.5)),
            milliseconds(one.result.latencies.quantile(0.99)),
            milliseconds(one.lag.quantile(0.5)),
            milliseconds(one.lag.quantile(0.99)),
        ]
        for one in figures
    ]
    table = Table(
        title="Refreshes by the delay of a sync",
        columns=[
            "delay",
            "connections",
            "per second",
            "of the first",
            "p50 ms",
            "p99 ms",
            "lag p50",
            "lag p99",
        ],
        rows=rows,
    )
    chart = latency_chart(
        {f"{one.delay:g} ms": one.result.latencies for one in figures}
    )
    problems = [
        f"{one.delay:g} ms: answered {kind} {count} times"
        for one in figures
        for kind, count in one.result.kinds.items()
        if not kind.startswith("2")
    ]
    return Section(
        title="Slow disk", text=_TEXT, blocks=[table, chart], problems=problems
    )
