"""What a report says of throughput."""

from collections.abc import Iterable
from statistics import median

from actor_oauth.bench.report.document import Block, Lines, Section, Table
from actor_oauth.bench.report.races import latency_chart, milliseconds
from actor_oauth.bench.throughput.run import (
    ASGI_ECHO,
    CEILING,
    CHECK,
    QUART_ECHO,
    REFRESH,
    UNGUARDED,
    Figure,
    ThroughputReport,
)

_TEXT = (
    "Each connection does one thing again and again, every refresh in a chain of a user of"
    " its own. The rates are those of the middle pass; their ratios to servers that do"
    " nothing, at the same number of connections, are what can be compared between"
    " machines. CPU is what the server's processes used for one thing done, and beside it"
    " what the bare ASGI echo used, as a share of that: other programs on the machine"
    " change it less than the rates. If the driver's share comes near to a whole core, the"
    " driver was what was measured."
)


def section_of(report: ThroughputReport) -> Section:
    """Say what was reached."""
    blocks: list[Block] = [_rates(report), _beside(report)]
    if report.skipped:
        blocks.append(
            Table(
                title="Not measured",
                columns=["what", "because"],
                rows=list(report.skipped.items()),
            )
        )
    blocks.append(
        Lines(
            title="Done per second, by connections",
            x_label="connections",
            y_label="per second",
            series={
                name: [(one.connections, one.per_second) for one in figures]
                for name, figures in _by_name(report.figures).items()
                if not name.startswith(CEILING)
            },
            log_x=True,
        )
    )
    most = max((one.connections for one in report.figures), default=0)
    blocks.append(
        latency_chart(
            {
                _name(one): one.latencies
                for one in report.figures
                if one.connections == most and one.name != CEILING
            }
        )
    )
    return Section(
        title="Throughput", text=_TEXT, blocks=blocks, problems=_problems(report)
    )


def _rates(report: ThroughputReport) -> Table:
    return Table(
        title=f"Rates, {report.seconds:g} s each",
        columns=[
            "what",
            "connections",
            "per second",
            "p50 ms",
            "p99 ms",
            "CPU us",
            "ASGI's CPU",
            "of ASGI",
            "of Quart",
            "driver",
        ],
        rows=[
            [
                _name(one),
                str(one.connections),
                f"{one.per_second:,.0f}",
                milliseconds(one.latencies.quantile(0.5)),
                milliseconds(one.latencies.quantile(0.99)),
                f"{1e6 * one.cpu_each:,.0f}",
                _cpu_ratio(report, one),
                _ratio(report, one, ASGI_ECHO),
                _ratio(report, one, QUART_ECHO),
                f"{one.driver_cpu:.0%}",
            ]
            for one in report.figures
        ],
    )


def _beside(report: ThroughputReport) -> Table:
    rows = [["bare SQLite commits, per second", f"{median(report.commits):,.0f}"]]
    rows.extend(_guarded(report))
    if report.checks:
        checks = f"{median(report.checks):,.0f}"
        name = "access checks in the provider's process, per second of CPU"
        rows.append([name, checks])
    refreshes = [
        one.per_second
        for one in report.figures
        if one.name == REFRESH and one.workers < 2
    ]
    if refreshes:
        share = max(refreshes) / median(report.commits)
        rows.append(["refreshes, of bare commits", f"{share:.2f}"])
    return Table(title="Beside them", columns=["what", "found"], rows=rows)


def _guarded(report: ThroughputReport) -> Iterable[list[str]]:
    """What a request through the guard costs, as a share of one that passes it by."""
    for one in report.figures:
        other = next((f for f in report.figures if _passes_by(f, one)), None)
        if one.name == CHECK and other is not None and one.cpu_each:
            share = other.cpu_each / one.cpu_each
            name = f"{_name(one)}, {one.connections} connections: CPU without the guard"
            yield [name, f"{share:.2f}"]


def _passes_by(figure: Figure, checked: Figure) -> bool:
    return figure.name == UNGUARDED and (figure.workers, figure.connections) == (
        checked.workers,
        checked.connections,
    )


def _ratio(report: ThroughputReport, figure: Figure, echo: str) -> str:
    other = report.per_second(echo, 1, figure.connections)
    return f"{figure.per_second / other:.2f}" if other else ""


def _cpu_ratio(report: ThroughputReport, figure: Figure) -> str:
    """What the echo needs for an answer, as a share of what this needs."""
    for other in report.figures:
        is_echo = other.name == ASGI_ECHO
        if is_echo and other.connections == figure.connections and figure.cpu_each:
            return f"{other.cpu_each / figure.cpu_each:.2f}"
    return ""


def _name(figure: Figure) -> str:
    if figure.workers < 2:
        return figure.name
    return f"{figure.name}, {figure.workers} workers"


def _by_name(figures: Iterable[Figure]) -> dict[str, list[Figure]]:
    found: dict[str, list[Figure]] = {}
    for one in figures:
        found.setdefault(_name(one), []).append(one)
    return found


def _problems(report: ThroughputReport) -> list[str]:
    return [
        f"{_name(one)}, {one.connections} connections: answered {kind} {count} times"
        for one in report.figures
        for kind, count in one.kinds.items()
        if not kind.startswith("2")
    ]
